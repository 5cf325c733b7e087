"""Spectacles lifted off a face, so that they stay where they are while the face behind them moves.

A network says about where they are (`reggan_plugin.rig.source`); their edges are found here, in the
picture. The numbers were chosen on rendered faces: `tests/measurements/spectacles.py`.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.backdrop import continue_under_alpha
from reggan_plugin.imaging.cropped_face import ShownFace
from reggan_plugin.imaging.in_front_of_face import hidden_share
from reggan_plugin.kernels.squares import largest_around

_LIGHTNESS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SHADE, _HUE = 0.6, 2.5
"""Weights of differences: light and shade on metal differ more than its hue does."""
_LIKELY, _LEAST = 0.5, 0.0032
"""Share of a cell from which on it counts, and the mean over the crop of those that count: less is
no pair of spectacles."""
_AROUND = 5
"""Cells of a window in which the surest ones tell a frame's colour."""
_SURE, _CLEAR = 0.6, 0.6
"""Parts of the largest share, and of the largest contrast, around from which on they do."""
_ALIKE = 0.18
"""Largest difference from a frame's usual colour of what tells its colour here."""
_REACH, _NOT, _MAY = 3, 0.2, 0.4
"""Cells of a window by which a frame may be wider than the network says; largest share in it where
it is none, and from which on it may be one. What is kept further out is brows, seen twice then."""
_FROM, _TO = 0.05, 0.75
"""Shares of a frame, by its colour, that count as none and as all."""
_TOLD = 0.06
"""Difference of colour from which on a frame can be told from the skin around it."""


class LiftedFace(NamedTuple):
    """`face` without what stood before it, and `front`, which says where that was; None if none."""

    face: ShownFace
    front: Float[np.ndarray, "side side 1"] | None


def shows_spectacles(share: Float[np.ndarray, "cells cells"]) -> bool:
    """Whether there are spectacles, by the share of each cell of a crop that shows some."""
    return bool(share[share > _LIKELY].sum() >= _LEAST * share.size)


def lift_spectacles(
    face: Float[np.ndarray, "side side 3"], share: Float[np.ndarray, "cells cells"]
) -> LiftedFace:
    """Take spectacles off an aligned face that wears some; the colours around them run on beneath.

    Args:
        face: sRGB-encoded, in [0, 1].
        share: of each cell of the same crop that shows spectacles.
    """
    front = _matte(face, share)
    return LiftedFace(continue_under_alpha(face, 1 - hidden_share(front)), front[..., None])


def _matte(
    face: Float[np.ndarray, "side side 3"], share: Float[np.ndarray, "cells cells"]
) -> Float[np.ndarray, "side side"]:
    """Follow the edges of a frame, at the face's own resolution.

    Where the frame may be, a pixel's share of it is how far its colour lies on the way from the
    skin's around to the frame's, less how far beside it. So brows that touch a frame stay with the
    face.
    """
    side = len(face)
    levels = np.round(share * 255).astype(np.uint8)
    around = largest_around(levels, _AROUND // 2).astype(np.float32)
    is_ridge = (share > _LIKELY) & (share * 255 >= _SURE * around)
    wide = _resized(Image.fromarray(largest_around(levels, _REACH // 2)), side)
    matte = np.clip((wide / np.float32(255) - _NOT) / np.float32(_MAY - _NOT), 0, 1)
    ridge = _resized(Image.fromarray(is_ridge.astype(np.uint8) * 255), side) > 127
    rows = np.flatnonzero(matte.any(axis=1))
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    near, ridge = face[band], ridge[band]
    seen, none = _opponent(near), (matte[band] == 0).astype(np.float32)
    skin = _opponent(continue_under_alpha(near, none))
    contrast = np.sqrt(_squared(seen - skin)) * ridge
    window = max(1, round(_AROUND * side / share.shape[0] / 2)) * 2 + 1
    own = ridge & (contrast >= _CLEAR * _largest_around(contrast, window))
    if own.any():
        own &= _squared(seen - np.median(seen[own], axis=0)) < _ALIKE**2
    frame = _opponent(continue_under_alpha(near, own.astype(np.float32)))
    way, gone = frame - skin, seen - skin
    apart = np.maximum(np.sqrt(_squared(way)), np.float32(1e-6))
    along = _summed(gone * way) / apart
    beside = np.sqrt(np.maximum(_squared(gone) - along**2, 0))
    of_frame = (along - beside) / apart
    of_frame = np.where(apart > _TOLD, (of_frame - _FROM) / (_TO - _FROM), 1)
    matte[band] *= np.clip(np.maximum(of_frame, own), 0, 1)
    return matte


def _resized(image: Image.Image, side: int) -> Float[np.ndarray, "side side"]:
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), np.float32)


def _largest_around(
    plane: Float[np.ndarray, "rows columns"], size: int
) -> Float[np.ndarray, "rows columns"]:
    """Largest values, which are at most 4, in squares of an odd number of pixels."""
    levels = np.minimum(plane * np.float32(255 / 4), 255).astype(np.uint8)
    return largest_around(levels, size // 2) * np.float32(4 / 255)


def _squared(colour: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns"]:
    return _summed(colour * colour)


def _summed(colour: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns"]:
    """Add channels one after the other, which is ten times as fast as `sum(axis=2)`."""
    return (colour[..., 0] + colour[..., 1]) + colour[..., 2]


def _opponent(colour: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
    """Lightness, and how far red and blue differ from it."""
    light = colour @ _LIGHTNESS
    red, blue = (_HUE * (colour[..., channel] - light) for channel in (0, 2))
    return np.stack([_SHADE * light, red, blue], axis=2)
