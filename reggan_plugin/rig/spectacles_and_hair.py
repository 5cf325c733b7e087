"""What stands before a face (fringe, hats, spectacles): the network's coarse mask, made exact.

Spectacles are lifted off, so that they stay where they are while the face behind them moves. Their
edges are found in the picture. Their numbers were chosen on rendered faces:
`tests/measurements/spectacles.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.crop import ShownFace
from reggan_plugin.imaging.in_front_and_behind import continue_under_alpha, hidden_share
from reggan_plugin.kernels.pixel_values import blur, follow_edges, largest_around, median_around
from reggan_plugin.kernels.sampling import sampled
from reggan_plugin.rig.dense_landmarks import SIDES, eye_rows, rows_of
from reggan_plugin.rig.raster import WHOLE, channels_averaged, line_of, smooth_arc

HEAD, FRONT, SPECTACLES = 1, 2, 3
"""Planes of a label: the head; what is before it, but for spectacles; those, in models that know of
them. The first is what lies behind."""
_THIN = 3
"""Cells of the label across which a thing has to be: of thinner ones crumbs would stay behind."""
_REACH_PX = 7
"""Of the window in which the mask follows the picture's edges, on a crop of 384 pixels."""
_SOFTEST = 4e-4
"""Variance of colour below which a window counts as flat and the mask stays soft."""
_FROM, _TO = 0.35, 0.65
"""Shares of the followed mask that count as none and as all."""
_HEAD_FROM, _HEAD_TO = 0.5, 0.75
"""Likewise of the head. With 0.35 and 0.65 more of what is beside it goes along (an error of 4.0
levels instead of 3.4 there, on 14 held-out heads with hair), with 0.6 and 0.85 (2.6) cheeks that
widen come out less."""
_CERTAIN, _NEAR_EDGE, _EDGE_FADES = 0.2, 0.02, 0.05
"""Shares from 0 or 1 up to which a pixel is surely outside or inside; blur, in parts of the crop's
side, by which one is near the edge; and how far from 0 or 1 the blurred mask is there."""
_FEWEST_TOLD, _LEAST_SPREAD, _TOLD_SPREAD = 32, 1e-3, 0.2
"""Pixels of either that tell their colours; variance that each has at least; and the deviation that
their sum is brought to."""
_CRUMBS = 5
"""Pixels of a window of which more than half have to be in front: crumbs would stay behind."""
_LEAST = 0.002
"""Share of the crop that has to be in front; less is noise."""
_BROW, _TAIL_GOES_ON = 0.075, 1.0
"""Of a brow: half of its width with its hairs, in eye distances; how far its tail goes on beyond
the last landmark, in steps between landmarks."""
_TAIL = 0.12
"""Of its tail, which droops."""
_BROW_HIDDEN = 0.3
"""Share of a brow from which on it counts as hidden, and what is before it stays. Of 146 brows
of held-out heads, 34 of them beneath fringes, none that is wholly seen has more than 0.29."""


def front_matte(
    picture: Float[np.ndarray, "side side 3"], label: Float[np.ndarray, "shown cells cells"]
) -> Float[np.ndarray, "side side 1"] | None:
    """Matte of what stands before the face, None if nothing does.

    Args:
        picture: the crop, sRGB-encoded.
        label: shares of what lies where, [0, 1].
    """
    side = len(picture)
    levels = np.round(label[FRONT] * 255).astype(np.uint8)
    thick = 255 - largest_around(255 - levels, _THIN // 2)
    grown = largest_around(thick, _THIN // 2 + 1)
    coarse = Image.fromarray(np.minimum(levels, grown) / np.float32(255))
    mask = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    if (mask > 0.5).mean() < _LEAST:
        return None
    reach = max(1, round(_REACH_PX * side / 384))
    followed = follow_edges(mask, channels_averaged(picture), reach, _SOFTEST)
    matte = np.clip((followed - _FROM) / (_TO - _FROM), 0, 1)
    clean = median_around(np.round(matte * 255).astype(np.uint8), _CRUMBS // 2)
    return (clean / np.float32(255))[..., None]


def head_matte(
    picture: Float[np.ndarray, "side side 3"], head: Float[np.ndarray, "cells cells"]
) -> Float[np.ndarray, "side side 1"]:
    """Matte of the head, which moves over what is beside it: its outline as the picture has it.

    Args:
        picture: the crop, sRGB-encoded.
        head: share of each cell, [0, 1].
    """
    side = len(picture)
    mask = _resized(Image.fromarray(np.asarray(head, np.float32)), side)
    reach = max(1, round(_REACH_PX * side / 384))
    followed = follow_edges(mask, _told_apart(picture, mask), reach, _SOFTEST)
    return np.clip((followed - _HEAD_FROM) / (_HEAD_TO - _HEAD_FROM), 0, 1)[..., None]


def without_holes(head: Float[np.ndarray, "cells cells"]) -> Float[np.ndarray, "cells cells"]:
    """Fill what the head surrounds on all sides, such as a beard of which the network is unsure.

    Source: Vincent, Morphological grayscale reconstruction in image analysis, 1993.

    Args:
        head: share of each cell, [0, 1].
    """
    levels = 255 - np.round(head * 255).astype(np.uint8)
    reached = levels.copy()
    reached[1:-1, 1:-1] = 0
    for _ in range(levels.size):
        before, reached = reached, np.minimum(largest_around(reached, 1), levels)
        if (before == reached).all():
            break
    filled = levels > reached
    return np.where(filled, 1 - reached / np.float32(255), head)


def _told_apart(
    picture: Float[np.ndarray, "side side 3"], mask: Float[np.ndarray, "side side"]
) -> Float[np.ndarray, "side side"]:
    """Return the sum of channels that tells a mask's inside best from its outside, near its edge.

    Source: Fisher, The use of multiple measurements in taxonomic problems, 1936.
    """
    near = blur(mask, _NEAR_EDGE * len(mask))
    inside = picture[(mask > 1 - _CERTAIN) & (near < 1 - _EDGE_FADES)][::4].astype(np.float64)
    outside = picture[(mask < _CERTAIN) & (near > _EDGE_FADES)][::4].astype(np.float64)
    if min(len(inside), len(outside)) < _FEWEST_TOLD:
        return channels_averaged(picture)
    way, spread = inside.mean(axis=0) - outside.mean(axis=0), _LEAST_SPREAD * np.eye(3)
    for part in (inside, outside):
        off = part - part.mean(axis=0)
        spread += off.T @ off / (2 * len(part))
    weights = np.linalg.solve(spread, way)
    weights *= _TOLD_SPREAD / max(float(np.concatenate([inside, outside]).dot(weights).std()), 1e-9)
    return picture @ weights.astype(np.float32)


def seen_brows(
    places: Float[np.ndarray, "points 2"], label: Float[np.ndarray, "shown cells cells"]
) -> list[str]:
    """Sides of the brows that nothing hides; of others, what is before them stays.

    Args:
        places: of the landmarks, in parts of the crop's side.
        label: shares of what lies where, as for `front_matte`.
    """
    front = label[FRONT][..., None]
    at = places.astype(np.float32) * np.float32(label.shape[-1])
    return [s for s in SIDES if sampled(front, at[rows_of("brow", s)]).mean() < _BROW_HIDDEN]


def whole_brows(
    places: Float[np.ndarray, "points 2"], sides: Sequence[str], side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 along brows, up to their tails: a brow moves as one piece.

    Where a lock lies on its tail, or touches it, the tail would stay behind with the lock.

    Args:
        places: of the landmarks, in parts of the crop's side.
        sides: of the brows.
        side_px: of the result.
    """
    eye = np.linalg.norm(places[eye_rows("left")].mean(0) - places[eye_rows("right")].mean(0))
    found = np.zeros((side_px, side_px), np.float32)
    for side in sides:
        brow = places[rows_of("brow", side)]
        end = brow[:1] + _TAIL_GOES_ON * (brow[:1] - brow[1:2])
        along = np.concatenate([end, smooth_arc(brow)])
        for part, width in ((along, _BROW), (along[: len(along) // 3], _TAIL)):
            line = line_of(part, 2 * width * float(eye), WHOLE, side_px)
            found = np.maximum(found, line)
    return found


_LIGHTNESS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SHADE, _HUE = 0.6, 2.5
"""Weights of differences: light and shade on metal differ more than its hue does."""
_LIKELY, _LEAST_WORN = 0.5, 0.0032
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
_FRAME_FROM, _FRAME_TO = 0.05, 0.75
"""Shares of a frame, by its colour, that count as none and as all."""
_TOLD = 0.06
"""Difference of colour from which on a frame can be told from the skin around it."""


class LiftedFace(NamedTuple):
    """`face` without what stood before it, and `front`, which says where that was; None if none."""

    face: ShownFace
    front: Float[np.ndarray, "side side 1"] | None


def shows_spectacles(
    share: Float[np.ndarray, "cells cells"], places: Float[np.ndarray, "points 2"]
) -> bool:
    """Whether there are spectacles.

    Brows are none, though the network may say so of thick ones: lifted off, they would be torn.

    Args:
        share: of each cell of a crop that shows some.
        places: of the landmarks, in parts of the crop's side.
    """
    rims = share * (1 - whole_brows(places, SIDES, len(share)))
    return bool(rims[rims > _LIKELY].sum() >= _LEAST_WORN * rims.size)


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
    of_frame = np.where(apart > _TOLD, (of_frame - _FRAME_FROM) / (_FRAME_TO - _FRAME_FROM), 1)
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


def both_fronts(
    first: Float[np.ndarray, "side side 1"] | None,
    second: Float[np.ndarray, "other other 1"] | None,
) -> Float[np.ndarray, "larger larger 1"] | None:
    """One matte of all that two mattes of a crop show, at the larger resolution."""
    if first is None or second is None:
        return second if first is None else first
    small, large = sorted((first, second), key=len)
    image = Image.fromarray(np.ascontiguousarray(small[..., 0]))
    grown = image.resize((len(large), len(large)), Image.Resampling.BILINEAR)
    return np.maximum(large, np.asarray(grown)[..., None])
