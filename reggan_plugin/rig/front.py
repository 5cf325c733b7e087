"""What stands before a face (fringe, spectacles, hats): the network's coarse mask, made exact."""

from functools import cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Float, UInt8
from reggan_plugin.rig.layout import SIDES, eye_rows, rows_of
from reggan_plugin.rig.planes import WHOLE, channels_averaged, line_of, sampled, smooth_arc

_LABEL = 2
"""Channel of the network's labels for what is worn before the face."""
_THIN = 3
"""Cells of the label across which a thing has to be: thinner ones (rims, single strands) are known
too coarsely, and half of a rim that stays behind is worse than one that bends."""
_REACH_PX = 7
"""Of the window in which the mask follows the picture's edges, on a crop of 384 pixels."""
_SOFTEST = 4e-4
"""Variance of colour below which a window counts as flat and the mask stays soft."""
_FROM, _TO = 0.35, 0.65
"""Shares of the followed mask that count as none and as all."""
_CRUMBS = 5
"""Pixels of a window of which more than half have to be in front: crumbs would stay behind."""
_LEAST = 0.002
"""Share of the crop that has to be in front; less is noise."""
_ROWS_AT_ONCE = 64
_BROW, _BROW_TAIL, _TAIL_GOES_ON = 0.075, 3, 2.0
"""Of a brow: half of its width with its hairs, in eye distances; landmarks of its tail, beside
which hair often lies; how far that goes on beyond the last one, in steps between landmarks."""
_TAIL = 0.12
"""Of its tail, which droops."""
_BROW_HIDDEN = 0.4
"""Share of the rest of a brow from which on it counts as hidden, and is held as a whole."""


def front_matte(
    picture: Float[np.ndarray, "side side 3"], label: Float[np.ndarray, "3 cells cells"]
) -> Float[np.ndarray, "side side 1"] | None:
    """Matte of what stands before the face, None if nothing does.

    Args:
        picture: the crop, sRGB-encoded.
        label: shares of what lies where: behind the head, the head, what is before the face.

    Source: He, Sun and Tang, Guided image filtering, ECCV 2010.
    """
    side = len(picture)
    levels = np.round(np.clip(np.nan_to_num(label[_LABEL]), 0, 1) * 255).astype(np.uint8)
    thick = Image.fromarray(levels).filter(ImageFilter.MinFilter(_THIN))
    coarse = Image.fromarray(
        np.minimum(levels, np.asarray(thick.filter(ImageFilter.MaxFilter(_THIN + 2))))
        / np.float32(255)
    )
    mask = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    if (mask > 0.5).mean() < _LEAST:
        return None
    reach = max(1, round(_REACH_PX * side / 384))
    guide = channels_averaged(picture).astype(np.float32)
    mean_guide, mean_mask = _averaged(guide, reach), _averaged(mask, reach)
    covariance = _averaged(guide * mask, reach) - mean_guide * mean_mask
    variance = _averaged(guide * guide, reach) - mean_guide**2
    slope = covariance / (np.maximum(variance, 0) + np.float32(_SOFTEST))
    offset = mean_mask - slope * mean_guide
    followed = _averaged(slope, reach) * guide + _averaged(offset, reach)
    matte = np.clip((followed - _FROM) / (_TO - _FROM), 0, 1)
    clean = _median(np.round(matte * 255).astype(np.uint8), _CRUMBS)
    return (clean / np.float32(255))[..., None]


def whole_brows(
    places: Float[np.ndarray, "points 2"], label: Float[np.ndarray, "3 cells cells"], side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 along brows that are seen, up to their tails: a brow moves as one piece.

    Where a lock lies on its tail, or touches it, the tail would stay behind with the lock.

    Args:
        places: of the landmarks, in parts of the crop's side.
        label: shares of what lies where, as for `front_matte`.
        side_px: of the result.
    """
    eye = np.linalg.norm(places[eye_rows("left")].mean(0) - places[eye_rows("right")].mean(0))
    found = np.zeros((side_px, side_px), np.float32)
    for side in SIDES:
        brow = places[rows_of("brow", side)]
        seen = brow[_BROW_TAIL:].astype(np.float32) * np.float32(label.shape[-1])
        hidden = sampled(np.nan_to_num(label[_LABEL])[..., None], seen).mean()
        if hidden < _BROW_HIDDEN:
            end = brow[:1] + _TAIL_GOES_ON * (brow[:1] - brow[1:2])
            along = np.concatenate([end, smooth_arc(brow)])
            for part, width in ((along, _BROW), (along[: len(along) // 3], _TAIL)):
                line = line_of(part, 2 * width * float(eye), WHOLE, side_px)
                found = np.maximum(found, line)
    return found


def _median(
    levels: UInt8[np.ndarray, "rows columns"], size: int
) -> UInt8[np.ndarray, "rows columns"]:
    """Return medians over squares of an odd size; edges go on.

    All squares are sorted at once, by exchanges that do not depend on them: six times as fast as
    Pillow's filter.
    """
    rows, columns = levels.shape
    wide = np.pad(levels, size // 2, mode="edge")
    result = np.empty_like(levels)
    for top in range(0, rows, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, rows - top)
        places = [
            wide[top + down : top + down + count, right : right + columns].copy()
            for down, right in np.ndindex(size, size)
        ]
        larger = np.empty_like(places[0])
        for low, high in _exchanges(size * size):
            np.maximum(places[low], places[high], out=larger)
            np.minimum(places[low], places[high], out=places[low])
            places[high], larger = larger, places[high]
        result[top : top + count] = places[size * size // 2]
    return result


@cache
def _exchanges(count: int) -> list[tuple[int, int]]:
    """Return the pairs to be put in order, one after the other, that sort so many values.

    Source: Batcher, Sorting networks and their applications, AFIPS 1968 (odd-even merge).
    """
    pairs = []
    largest = 1 << ((count - 1).bit_length() - 1)
    step = largest
    while step:
        distance, rest, width = step, 0, largest
        while True:
            pairs += [(i, i + distance) for i in range(count - distance) if i & step == rest]
            if width == step:
                break
            distance, rest, width = width - step, step, width // 2
        step //= 2
    return pairs


def _averaged(
    plane: Float[np.ndarray, "rows columns"], reach: int
) -> Float[np.ndarray, "rows columns"]:
    """Means over squares of 2 reach + 1 pixels; edges go on."""
    wide = np.pad(plane, reach + 1, mode="edge")[1:, 1:]
    total = np.pad(wide, ((1, 0), (1, 0))).astype(np.float64)
    for above, row in pairwise(total):  # half the time of cumsum downwards
        row += above
    np.cumsum(total, axis=1, out=total)
    size = 2 * reach + 1
    sums = total[size:, size:] - total[:-size, size:]
    sums -= total[size:, :-size]
    sums += total[:-size, :-size]
    sums /= size**2
    rows, columns = plane.shape
    return sums[:rows, :columns].astype(np.float32)
