"""Paint for faces without colour: those of stone, and all of a black-and-white picture."""

from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.motion_answer import MotionAnswer

_TOP, _BOTTOM, _LEFT, _RIGHT = 0.42, 0.78, 0.36, 0.64
"""From the eyes to the lips, where neither hair nor backdrop are, in parts of the side."""
_MOST = 98
"""Percentile of a face's saturation that its lips reach, and a highlight's rim does not."""
_COLOURLESS, _COLOURED = 0.18, 0.26
"""On 60 held-out heads, stone and grey metal reach 0.18 at most, skin and toons 0.27 at least."""
_BEYOND = 1.2
"""Mouths of stone are hardly more saturated than the stone outside: chosen on the same heads."""
_DARKEST = 0.02
"""Below this a pixel has no colour, but noise."""


def muted(answer: MotionAnswer, face: Float[np.ndarray, "side side 3"]) -> MotionAnswer:
    """The answer with paint that is hardly more colourful than a face without colour.

    Args:
        answer: of the model.
        face: that it was asked about, sRGB-encoded, in [0, 1].
    """
    side = len(face)
    rows, columns = (
        slice(int(_TOP * side), int(_BOTTOM * side)),
        slice(int(_LEFT * side), int(_RIGHT * side)),
    )
    most = float(np.percentile(_saturation(np.clip(face[rows, columns], 0.0, 1.0)), _MOST))
    share = min(1.0, max(0.0, (_COLOURED - most) / (_COLOURED - _COLOURLESS)))
    if not share:
        return answer
    limit = np.float32(_BEYOND * most)

    def paint(own: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
        own = np.nan_to_num(own)
        grey, largest = own.mean(axis=2, keepdims=True), own.max(axis=2, keepdims=True)
        # so much of the distance from grey is left that the saturation is the limit
        beyond = (largest - own.min(axis=2, keepdims=True)) - limit * (largest - grey)
        kept = np.minimum(np.float32(1.0), limit * grey / np.maximum(beyond, np.float32(1e-6)))
        return own + np.float32(share) * (1 - kept) * (grey - own)

    painters = tuple(replace(one, paint=paint(one.paint)) for one in answer.painters)
    return replace(answer, paint=paint(answer.paint), painters=painters)


def _saturation(
    picture: Float[np.ndarray, "rows columns 3"],
) -> Float[np.ndarray, "rows columns"]:
    """As of HSV: how far the least of the three is below the largest, in parts of that."""
    largest = picture.max(axis=2)
    return (largest - picture.min(axis=2)) / np.maximum(largest, np.float32(_DARKEST))
