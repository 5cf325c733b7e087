"""Which faces an identity makes: sources as they occur, targets as they are asked for."""

from collections.abc import Mapping, Sequence

import numpy as np

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name

Weights = dict[str, float]

_GAZE = tuple(name for name in ARKIT_SHAPES if name.startswith("eyeLook"))
_PAIRED = tuple(name for name in ARKIT_SHAPES if name.endswith("Left") and name not in _GAZE)
_TWINS = tuple(name for name in _PAIRED if not name.startswith(("jaw", "mouthLeft")))
_MIDDLE = tuple(name for name in ARKIT_SHAPES if mirrored_name(name) == name)
_SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
_GRADES = (0.35, 0.5, 0.7, 0.85, 1.0, 1.0, 1.0, 1.2)


def sample_states(
    random: np.random.Generator,
    controls: Sequence[str],
    named: Mapping[str, Mapping[str, float]],
    *,
    single: int = 4,
) -> list[Weights]:
    """Draw the states of one identity; the first is neutral.

    Args:
        random: everything is drawn from it.
        controls: shapes that the head has; others are left out of every state.
        named: named expressions as ARKit weights, drawn at varied strength, a little different
            each time, and sometimes two of them at once.
        single: states of one shape alone (with its twin half of the time), for the regression
            layer; they come last.

    Returns:
        Neutral, three sources, five named, one random combination, a named expression laid over a
        source, a source half taken away under a combination, then single shapes.
    """
    names = tuple(named)
    chosen = [named[names[k]] for k in random.choice(len(names), 5, replace=len(names) < 5)]
    sources = [_source(random, chosen) for _ in range(3)]
    states = [
        {},
        *sources,
        *(_varied(random, weights) for weights in chosen),
        _combination(random),
        _added(sources[0], 1.0, _varied(random, chosen[0])),
        _added(sources[1], float(random.uniform(0.2, 0.8)), _combination(random)),
        *(_alone(random) for _ in range(single)),
    ]
    gaze = sample_gaze(random) if random.random() < 0.5 else {}
    known = set(controls)
    for number, state in enumerate(states):
        moved = sample_gaze(random) if random.random() < 0.15 and number else gaze
        states[number] = _kept(
            {**moved, **state} if number < len(states) - single else state, known
        )
    return states


def _kept(state: Weights, known: set[str]) -> Weights:
    return {
        name: round(float(np.clip(value, 0.0, 1.5)), 4)
        for name, value in state.items()
        if value > 0.01 and name in known
    }


def _added(source: Weights, share: float, request: Weights) -> Weights:
    """Add a request to what is left of a source."""
    names = {**source, **request}
    return {name: share * source.get(name, 0.0) + request.get(name, 0.0) for name in names}


def _varied(random: np.random.Generator, weights: Mapping[str, float]) -> Weights:
    """Vary a named expression: its strength, lopsided a little, each shape more or less of it."""
    strength, lean = random.choice(_GRADES), random.normal(0.0, 0.08)
    if random.random() < 0.1:
        lean = random.choice([-0.8, 0.8])  # one half of the face
    result: Weights = {}
    for name, weight in weights.items():
        stem = name.removesuffix("Left").removesuffix("Right")
        # Twins mostly share it: they move together in a face.
        deviation = 0.4 if any(one.startswith(stem) for one in result) else 1.0
        noise = np.exp(0.15 * float(random.normal(0.0, deviation)))
        side = {"Left": 1 + lean, "Right": 1 - lean}.get(name[len(stem) :], 1.0)
        result[name] = weight * strength * noise * side
    return result


def _source(random: np.random.Generator, chosen: Sequence[Mapping[str, float]]) -> Weights:
    """Draw a face as a shot has it: speaking, blinking, part of an expression, or an extreme."""
    kind = random.choice(["speech", "blink", "part", "expression"], p=[0.4, 0.15, 0.25, 0.2])
    if kind == "expression":
        return _varied(random, chosen[int(random.integers(len(chosen)))])
    if kind == "part":
        return _combination(random, shapes=int(random.integers(1, 4)))
    state: Weights = {}
    if kind == "blink" or random.random() < 0.15:
        closed = random.uniform(0.2, 1.0)
        state |= {"eyeBlinkLeft": closed, "eyeBlinkRight": closed * random.uniform(0.9, 1.0)}
    if kind == "speech":
        state["jawOpen"] = random.uniform(0.0, 0.6) * (random.random() < 0.8)
        mouth = (
            "mouthFunnel",
            "mouthPucker",
            "mouthRollLower",
            "mouthRollUpper",
            "mouthShrugUpper",
        )
        for name in mouth:
            state[name] = random.uniform(0.1, 0.7) * (random.random() < 0.25)
        for stem in ("mouthLowerDown", "mouthUpperUp", "mouthStretch", "mouthPress", "mouthSmile"):
            amount = random.uniform(0.1, 0.7) * (random.random() < 0.25)
            state |= {stem + "Left": amount, stem + "Right": amount * random.uniform(0.85, 1.15)}
        if state["jawOpen"] and random.random() < 0.15:
            state["mouthClose"] = state["jawOpen"] * random.uniform(0.3, 1.0)
    return state


def _combination(random: np.random.Generator, shapes: int | None = None) -> Weights:
    """Several shapes at random, twins together most of the time."""
    state: Weights = {}
    for _ in range(shapes or int(random.integers(3, 8))):
        state |= _alone(random)
    if state.get("mouthClose", 0.0) > state.get("jawOpen", 0.0):
        state["jawOpen"] = state["mouthClose"]  # it only makes sense on an open jaw
    return state


def _alone(random: np.random.Generator) -> Weights:
    """One shape, or a shape and its twin."""
    amount = float(random.uniform(0.25, 1.15))
    draw = random.random()
    if draw < 0.62:
        left = str(random.choice(_TWINS))
        sides = random.choice(["both", "left", "right"], p=[0.5, 0.25, 0.25])
        state = {left: amount, mirrored_name(left): amount * random.uniform(0.9, 1.1)}
        kept = {"left": [left], "right": [mirrored_name(left)]}.get(str(sides), list(state))
        return {name: state[name] for name in kept}
    if draw < 0.9:
        name = str(random.choice(_MIDDLE))
        return {name: amount} if name != "mouthClose" else {name: amount * 0.8, "jawOpen": amount}
    if draw < 0.95:
        return {str(random.choice(_SIDEWAYS)): amount}
    return sample_gaze(random)


def sample_gaze(random: np.random.Generator) -> Weights:
    """Both eyes turned the same way, mostly a little."""
    sideways, up = random.normal(0.0, 0.25), random.normal(0.0, 0.2)
    state = {
        "eyeLookOutLeft": max(sideways, 0.0),
        "eyeLookInRight": max(sideways, 0.0),
        "eyeLookInLeft": max(-sideways, 0.0),
        "eyeLookOutRight": max(-sideways, 0.0),
    }
    for side in ("Left", "Right"):
        state |= {f"eyeLookUp{side}": max(up, 0.0), f"eyeLookDown{side}": max(-up, 0.0)}
    return {name: min(value, 0.9) for name, value in state.items() if value > 0}
