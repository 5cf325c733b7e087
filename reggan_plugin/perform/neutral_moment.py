"""The moment in which a face rests, and weights counted from there.

Readers take a face's own shape for expression: narrow eyes read as a squint. What is read at rest
is taken away from all frames.
"""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

AROUND = 2
"""Rows before and after it that count as rest, too."""
_MOST_TAKEN = 0.8
"""Of a weight: what is left is stretched to 1."""
_OPPOSED = tuple(
    (one, other)
    for one, other in (
        *((f"eyeLookIn{side}", f"eyeLookOut{side}") for side in ("Left", "Right")),
        *((f"eyeLookUp{side}", f"eyeLookDown{side}") for side in ("Left", "Right")),
        ("jawLeft", "jawRight"),
        ("mouthLeft", "mouthRight"),
    )
)
_GAZE = np.array([name.startswith("eyeLook") for name in ARKIT_SHAPES])
_TURN_COST = 0.02
"""Of a degree by which the head is turned, in weights: it is read best from the front."""

Weights = Float[np.ndarray, "rows shapes"]


def neutral_row(weights: Weights, turns_deg: Float[np.ndarray, "rows 3"]) -> int:
    """Return the row that is most like the middle of all, looks ahead and moves least.

    Each muscle rests most of the time, so that the median of each weight is that of the resting
    face. The row in which least is read is not: a face whose brows read as low at rest shows least
    when it raises them.

    Args:
        weights: as they are read, without gaps.
        turns_deg: of the head.
    """
    off = np.abs(weights - np.median(weights, axis=0))
    shown = (np.where(_GAZE, 0.5, 1.0) * off).sum(axis=1)
    moves = np.abs(np.gradient(weights, axis=0)).sum(axis=1) if len(weights) > 1 else 0.0
    away = np.abs(turns_deg[:, :2]).max(axis=1)
    return int((_around(shown + moves) + _TURN_COST * away).argmin())


def counted_from(weights: Weights, rest: Float[np.ndarray, " shapes"]) -> Weights:
    """Return weights less those at rest, so that 1 stays 1.

    Shapes that are the opposite of each other, such as looking in and out, are one number for this.
    """
    left = np.maximum(weights - rest, 0) / (1 - np.minimum(rest, _MOST_TAKEN))
    for one, other in _OPPOSED:
        first, second = ARKIT_SHAPES.index(one), ARKIT_SHAPES.index(other)
        both = weights[:, first] - weights[:, second] - (rest[first] - rest[second])
        left[:, first], left[:, second] = np.maximum(both, 0), np.maximum(-both, 0)
    return np.clip(left, 0, 1)


def _around(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """Mean over each row and those beside it."""
    reach = min(AROUND, (len(values) - 1) // 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")
