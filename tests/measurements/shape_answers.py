"""What a model makes of single face shapes and of pairs of them, beside the rig's own motion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from reggan_plugin.change.answer import AnswerSource
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name
from reggan_training.metrics.motion.evaluation import displacement, motion_answers, motion_in_crop
from reggan_training.metrics.motion.measures import (
    ResultKind,
    TrueFace,
    changeable_region,
    explained_motion,
    moved_region,
)
from reggan_training.metrics.motion.test_heads import MotionTrial, TestHead
from reggan_training.rendering.face_states import Weights

Motion = Float[np.ndarray, "2 side side"]

PARTIAL_WEIGHTS = (0.25, 0.5, 0.75)
_TO_A_SIDE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"""Shapes that are called by the side that they move to, and move both halves of the face."""
_EYES = ("left_eye", "right_eye")
_NEEDS_JAW = "mouthClose"
"""Closes lips over an open jaw, and means nothing without one."""


@dataclass(frozen=True, kw_only=True)
class AskedShapes:
    """One request: shapes in full, laid over a source.

    Attributes:
        shapes: one, or two.
        source, target: numbers of the head's states.
    """

    shapes: tuple[str, ...]
    source: int
    target: int


@dataclass(frozen=True, kw_only=True)
class ShapeAnswer:
    """Figures of one request to one head; NaN where there is nothing to measure.

    Attributes:
        shapes: that were asked for.
        family: of the head.
        explained: share of the true motion; see `MotionShares`.
        projection: of the motion on the true one: how far of the way it goes.
        crosstalk: squared motion where the truth has none, over that of the whole truth.
        linear: share of the motion at 0.25, 0.5 and 0.75 that is that of weight 1 in proportion.
        other_side: share of the squared motion on the other half of the face, for a shape of one
            side.
        true_other_side: the same of the rig's own motion.
    """

    shapes: tuple[str, ...]
    family: str
    explained: float
    projection: float
    crosstalk: float
    linear: float
    other_side: float
    true_other_side: float


def states_of_shapes(
    controls: Sequence[str], pairs: int, random: np.random.Generator
) -> tuple[list[Weights], list[AskedShapes]]:
    """States of a head, the first neutral, and requests: each shape alone, then random pairs.

    Args:
        controls: shapes that the head has; others are not asked for.
        pairs: how many of two different shapes, both in full.
        random: draws them.
    """
    shapes = [name for name in ARKIT_SHAPES if name in controls]
    alone: list[Weights] = [{name: 1.0} for name in shapes]
    jaw = 1 + shapes.index("jawOpen") if "jawOpen" in shapes else 0
    sources = [jaw if name == _NEEDS_JAW else 0 for name in shapes]
    if _NEEDS_JAW in shapes and jaw:
        alone[shapes.index(_NEEDS_JAW)] = {"jawOpen": 1.0, _NEEDS_JAW: 1.0}
    asked = [
        AskedShapes(shapes=(name,), source=source, target=number)
        for number, (name, source) in enumerate(zip(shapes, sources, strict=True), 1)
    ]
    free = [name for name in shapes if name != _NEEDS_JAW]
    states: list[Weights] = [{}, *alone]
    for _ in range(pairs):
        first, second = (str(name) for name in random.choice(free, 2, replace=False))
        asked.append(AskedShapes(shapes=(first, second), source=0, target=len(states)))
        states.append({first: 1.0, second: 1.0})
    return states, asked


def measure_shapes(
    model: AnswerSource, head: TestHead, asked: Sequence[AskedShapes]
) -> list[ShapeAnswer]:
    """Ask for every request in full and in part, and compare the motion with the rig's.

    Args:
        model: what is asked.
        head: rasterised in the states of `states_of_shapes`.
        asked: the requests that go with these states.
    """
    return [_measured(model, head, one) for one in asked]


def _measured(model: AnswerSource, head: TestHead, asked: AskedShapes) -> ShapeAnswer:
    trial = head.trial(ResultKind.FULL, "+".join(asked.shapes), asked.source, asked.target, rest=0)
    face = trial.face
    *partial, made = _motions(model, trial, (*PARTIAL_WEIGHTS, 1.0))
    inside = changeable_region(face.side_px)
    seen = face.is_head & face.is_visible & inside
    moved = moved_region(face) & inside
    share = explained_motion(made, face.motion, moved)
    whole = _energy(face.motion, moved)
    is_still = seen & ~moved
    own = _own_half(face, asked.shapes)
    return ShapeAnswer(
        shapes=asked.shapes,
        family=head.head.family,
        explained=share.share,
        projection=share.projection,
        crosstalk=_share(_energy(made, is_still), whole),
        linear=_linear(partial, made, inside),
        other_side=float("nan") if own is None else _other_side(made, seen, own),
        true_other_side=float("nan") if own is None else _other_side(face.motion, seen, own),
    )


def _motions(model: AnswerSource, trial: MotionTrial, weights: Sequence[float]) -> list[Motion]:
    sources = [trial.face.source] * len(weights)
    answers = motion_answers(model, sources, [weight * trial.controls for weight in weights])
    return [displacement(motion_in_crop(one, trial.face.side_px)) for one in answers]


def _energy(motion: Motion, region: Bool[np.ndarray, "side side"]) -> float:
    return float(np.square(motion[:, region].astype(np.float64)).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _linear(
    partial: Sequence[Motion], full: Motion, region: Bool[np.ndarray, "side side"]
) -> float:
    """1 - |m(w) - w m(1)|² / |w m(1)|², the mean over the partial weights."""
    faults = [
        _share(_energy(one - weight * full, region), _energy(weight * full, region))
        for weight, one in zip(PARTIAL_WEIGHTS, partial, strict=True)
    ]
    return 1 - float(np.mean(faults))


def _own_half(face: TrueFace, shapes: tuple[str, ...]) -> Bool[np.ndarray, "side side"] | None:
    """Pixels on the side of a shape that has one: beyond the upright line between the eyes."""
    (shape, *more) = shapes
    if more or shape in _TO_A_SIDE or mirrored_name(shape) == shape:
        return None
    left, right = (face.source_landmarks[LANDMARK_NAMES.index(eye)] for eye in _EYES)
    axis = (np.arange(face.side_px) + 0.5) / face.side_px
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    is_left: Bool[np.ndarray, "side side"] = (points - (left + right) / 2) @ (left - right) > 0
    return is_left if shape.endswith("Left") else ~is_left


def _other_side(
    motion: Motion, seen: Bool[np.ndarray, "side side"], own: Bool[np.ndarray, "side side"]
) -> float:
    return _share(_energy(motion, seen & ~own), _energy(motion, seen))
