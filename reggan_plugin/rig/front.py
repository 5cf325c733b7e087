"""What stands before a face (fringe, spectacles, hats): the network's coarse mask, made exact."""

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Float

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
    guide = picture.mean(axis=2).astype(np.float32)
    mean_guide, mean_mask = _averaged(guide, reach), _averaged(mask, reach)
    covariance = _averaged(guide * mask, reach) - mean_guide * mean_mask
    variance = _averaged(guide * guide, reach) - mean_guide**2
    slope = covariance / (np.maximum(variance, 0) + np.float32(_SOFTEST))
    offset = mean_mask - slope * mean_guide
    followed = _averaged(slope, reach) * guide + _averaged(offset, reach)
    matte = np.clip((followed - _FROM) / (_TO - _FROM), 0, 1)
    clean = Image.fromarray(np.round(matte * 255).astype(np.uint8))
    clean = clean.filter(ImageFilter.MedianFilter(_CRUMBS))
    return (np.asarray(clean) / np.float32(255))[..., None]


def _averaged(
    plane: Float[np.ndarray, "rows columns"], reach: int
) -> Float[np.ndarray, "rows columns"]:
    """Means over squares of 2 reach + 1 pixels; edges go on."""
    wide = np.pad(plane, reach + 1, mode="edge")[1:, 1:]
    total = np.pad(wide, ((1, 0), (1, 0))).cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    size = 2 * reach + 1
    sums = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    rows, columns = plane.shape
    return (sums[:rows, :columns] / size**2).astype(np.float32)
