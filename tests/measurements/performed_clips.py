"""Clips of our own heads that act and speak by a take whose weights are known.

A take is drawn from a seed: visemes with lips that meet on M, B and P, blinks of five frames,
brows, smiles, glances. Lips count as shut by the head's own landmarks, not by weights: rigs differ
in what a weight parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from reggan_plugin.rig.dense_landmarks import LIP_PAIRS, rows_of
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from tests.measurements.rig_measures import Picture, StudyHead, View

FPS = 30
_AT_ONCE = 25
"""States that are rasterised together: more takes memory."""
_BLINK = (0.35, 0.9, 1.0, 0.8, 0.3)
_BLINKS = 0.75
"""Weight of `eyeBlink` from which on it is a blink."""
_LIPS_SHUT = 0.03
"""Widths of the inner mouth over the gap at rest up to which lips count as shut."""
_VISEMES: tuple[Mapping[str, float], ...] = (
    {"jawOpen": 0.55, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    {"jawOpen": 0.3, "mouthStretch": 0.35, "mouthLowerDown": 0.35, "mouthUpperUp": 0.15},
    {"jawOpen": 0.35, "mouthFunnel": 0.6},
    {"jawOpen": 0.15, "mouthPucker": 0.8},
    {"jawOpen": 0.12, "mouthRollLower": 0.5, "mouthUpperUp": 0.2},
    {"jawOpen": 0.2, "mouthSmile": 0.4, "mouthLowerDown": 0.25},
)
_SHUT: Mapping[str, float] = {"mouthPress": 0.4, "mouthRollUpper": 0.15, "mouthRollLower": 0.15}


@dataclass(frozen=True, kw_only=True, eq=False)
class PerformedClip:
    """Frames of a head that acts, and what is true of each.

    Attributes:
        weights: that the head was posed with, in the order of `ARKIT_SHAPES`.
        has: shapes that the head knows; others stay 0.
        lips_gap: largest gap of the lips in widths of the inner mouth.
    """

    pictures: list[Picture]
    weights: Float[np.ndarray, "frames shapes"]
    has: Bool[np.ndarray, " shapes"]
    lips_gap: Float[np.ndarray, " frames"]

    @property
    def lips_shut(self) -> Bool[np.ndarray, " frames"]:
        """Frames in which the lips are no further apart than at rest, which is frame 0."""
        return self.lips_gap < self.lips_gap[0] + _LIPS_SHUT

    @property
    def blinks(self) -> list[int]:
        """Frames in which a blink comes to its end below."""
        shut = self.weights[:, ARKIT_SHAPES.index("eyeBlinkLeft")] > _BLINKS
        return np.flatnonzero(np.diff(shut.astype(int), prepend=0) == 1).tolist()


def acted_weights(frames: int, seed: int) -> Float[np.ndarray, "frames shapes"]:
    """Draw a take of 30 frames a second; it begins and ends at rest."""
    random = np.random.default_rng([seed, 33])
    weights = np.zeros((frames, len(ARKIT_SHAPES)))

    def add(name: str, curve: np.ndarray, sides: tuple[float, float] = (1.0, 1.0)) -> None:
        names = [name] if name in ARKIT_SHAPES else [name + "Left", name + "Right"]
        for one, share in zip(names, sides, strict=False):
            weights[:, ARKIT_SHAPES.index(one)] += share * curve

    time = np.arange(frames)

    def bump(start: float, rise: float, stay: float) -> np.ndarray:
        knots = np.array([0, rise, rise + stay, 2 * rise + stay]) + start
        ramp = np.interp(time, knots, [0, 1, 1, 0])
        return ramp * ramp * (3 - 2 * ramp)

    at = 20
    while at < frames - 30:  # speech, in phrases
        for _ in range(int(random.integers(4, 9))):
            if at >= frames - 25:
                break
            shape = _SHUT if random.random() < 0.3 else _VISEMES[random.integers(len(_VISEMES))]
            strength = random.uniform(0.7, 1.2)
            for name, weight in shape.items():
                add(name, strength * weight * bump(at - 3, 3, 2))
            at += int(random.integers(5, 8))
        at += int(random.integers(8, 25))
    for name, most in (("mouthSmile", 0.9), ("browInnerUp", 1.0), ("browDown", 0.9)):
        for _ in range(max(1, frames // 150)):
            start = random.uniform(20, max(21, frames - 70))
            sides = (1.0, random.uniform(0.5, 1.0))
            curve = random.uniform(0.5, most) * bump(start, 8, random.uniform(5, 25))
            add(name, curve, sides)
            if name == "mouthSmile":
                add("cheekSquint", 0.6 * curve, sides)
                add("eyeSquint", 0.4 * curve, sides)
    for name in ("browOuterUp", "noseSneer", "mouthFrown", "eyeWide"):
        start = random.uniform(20, max(21, frames - 60))
        add(name, random.uniform(0.5, 0.9) * bump(start, 6, 12), (1.0, random.uniform(0.3, 1.0)))
    for sideways in ("mouthLeft", "jawRight"):
        add(sideways, 0.6 * bump(random.uniform(20, max(21, frames - 50)), 6, 10))
    for start in np.arange(30, frames - 30, 60) + random.uniform(-8, 8):
        gaze, side = 0.7 * bump(start, 2, 14), random.random() < 0.5
        inner, outer = ("Left", "Right") if side else ("Right", "Left")
        add(f"eyeLookIn{inner}", gaze)
        add(f"eyeLookOut{outer}", gaze)
        add("eyeLookDown" if random.random() < 0.5 else "eyeLookUp", 0.5 * gaze)
    at = int(random.integers(25, 45))
    while at < frames - 12:
        blink = np.zeros(frames)
        blink[at : at + len(_BLINK)] = _BLINK
        for side in ("Left", "Right"):
            place = ARKIT_SHAPES.index(f"eyeBlink{side}")
            weights[:, place] = np.maximum(weights[:, place], blink)
        for name in ("eyeWideLeft", "eyeWideRight"):
            weights[:, ARKIT_SHAPES.index(name)] *= 1 - blink
        at += int(random.integers(40, 90))
    return np.clip(weights, 0, 1)


def clip_of(
    head: StudyHead, weights: Float[np.ndarray, "frames shapes"], yaw_deg: float, side_px: int
) -> PerformedClip:
    """Render a head that acts, before a camera that stands still."""
    has = np.array([name in head.mesh.controls for name in ARKIT_SHAPES])
    pictures: list[Picture] = []
    lips = []
    for view, state in _states(head, np.where(has, weights, 0.0), yaw_deg, side_px):
        pictures.append(view.picture(state))
        places = head.points.at(view.vertices[state])
        lips.append(_gap(places, LIP_PAIRS[0], LIP_PAIRS[1], rows_of("lip_inner_upper")))
    return PerformedClip(
        pictures=pictures, weights=np.where(has, weights, 0.0), has=has, lips_gap=np.array(lips)
    )


def _states(
    head: StudyHead, weights: np.ndarray, yaw_deg: float, side_px: int
) -> Iterator[tuple[View, int]]:
    for start in range(0, len(weights), _AT_ONCE):
        rows = weights[start : start + _AT_ONCE]
        asked = [
            {name: float(w) for name, w in zip(ARKIT_SHAPES, row, strict=True) if w} for row in rows
        ]
        view = View(head, yaw_deg, asked, side_px)
        yield from ((view, 1 + place) for place in range(len(rows)))


def _gap(places: np.ndarray, upper: np.ndarray, lower: np.ndarray, ends: np.ndarray) -> float:
    wide = np.linalg.norm(places[ends[0]] - places[ends[-1]])
    return float(np.linalg.norm(places[upper] - places[lower], axis=1).max() / wide)
