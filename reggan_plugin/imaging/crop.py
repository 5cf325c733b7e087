"""Resample between a frame and a face crop, with anti-aliasing both ways.

What shrinks is averaged by Pillow's float images; a cubic kernel of our own reads between pixels.
"""

import math

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float, Int
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.kernels.sample import sample_affine

_MARGIN_PX = 4
"""Pixels that interpolation may look at beyond a region."""
_SHARPNESS = -0.5
"""Slope of the cubic kernel one pixel from its middle: the one that Pillow shrinks with."""

Region = tuple[slice, slice]
"""Rows and columns of a frame."""


def cut_crop(
    frame: Float[np.ndarray, "height width channels"], crop: FaceCrop
) -> Float[np.ndarray, "side side channels"]:
    """Sample `crop` from `frame`; beyond its border the frame's edge pixels go on.

    What a crop shrinks is first shrunk along rows and columns, every pixel of it counting, so
    nothing aliases. Values may overshoot by the bicubic kernel; the caller clips where that
    matters.
    """
    block, corner = _block_around(frame, crop)
    block_from_crop = crop.moved(-corner[0], -corner[1]).frame_from_crop
    if crop.scale > 1:
        rows, columns = (math.floor(length / crop.scale) for length in block.shape[:2])
        box = (0.0, 0.0, columns * crop.scale, rows * crop.scale)
        block, block_from_crop = _resized(block, (rows, columns), box), block_from_crop / crop.scale
    planes = _sampled_planes(block, block_from_crop, (crop.side_px, crop.side_px))
    return np.stack([*planes], axis=2)


def region_of(crop: FaceCrop, height: int, width: int, *, with_margin: bool = False) -> Region:
    """Rows and columns of the frame that the crop covers, clipped to the frame; may be empty.

    With its margin the region holds every pixel that `cut_crop` looks at.
    """
    margin = math.ceil(_MARGIN_PX * max(1.0, crop.scale)) if with_margin else 0
    low = np.floor(crop.corners().min(axis=0) - margin)
    high = np.ceil(crop.corners().max(axis=0) + margin)
    left, right = (int(x) for x in np.clip([low[0], high[0]], 0, width))
    top, bottom = (int(y) for y in np.clip([low[1], high[1]], 0, height))
    return slice(top, bottom), slice(left, right)


def place_crop(
    values: Float[np.ndarray, "side side channels"], crop: FaceCrop, region: Region
) -> Float[np.ndarray, "rows columns channels"]:
    """Sample an image in crop space at the pixels of a region of the frame; 0 outside the crop.

    Each channel is a plane of its own in memory. The outermost pixels of `values` are expected to
    be 0 where that must join smoothly.
    """
    rows, columns = region
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    if not values.any():
        return np.zeros((*shape, values.shape[2]), np.float32)
    local = crop.moved(-columns.start, -rows.start)
    return np.moveaxis(_sampled_planes(values, local.crop_from_frame, shape), 0, 2)


def place_cells(
    values: Float[np.ndarray, "cells cells channels"], crop: FaceCrop, region: Region
) -> Float[np.ndarray, "rows columns channels"]:
    """`place_crop` of values that span the crop, whatever their number; the region may be empty."""
    if any(axis.start == axis.stop for axis in region):
        return np.zeros((*(axis.stop - axis.start for axis in region), values.shape[2]), np.float32)
    cells = values.shape[0]
    matrix = crop.frame_from_crop.copy()
    matrix[:, :2] *= crop.side_px / cells
    return place_crop(values, FaceCrop(matrix, cells), region)


def reduce_by(
    values: Float[np.ndarray, "height width channels"], factor: int
) -> Float[np.ndarray, "rows columns channels"]:
    """Average over blocks of `factor` pixels; blocks at the far edges average what is left."""
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane)).reduce(factor))
        for plane in np.moveaxis(values, 2, 0)
    ]
    return np.stack(planes, axis=2)


def _block_around(
    frame: Float[np.ndarray, "height width channels"], crop: FaceCrop
) -> tuple[Float[np.ndarray, "rows columns channels"], tuple[int, int]]:
    """Return the part of the frame around the crop, edge pixels repeated, and its corner (x, y)."""
    height, width = frame.shape[:2]
    margin = math.ceil(_MARGIN_PX * max(1.0, crop.scale))
    low = np.floor(crop.corners().min(axis=0)).astype(int) - margin
    high = np.ceil(crop.corners().max(axis=0)).astype(int) + margin
    rows = np.clip(np.arange(low[1], high[1]), 0, height - 1)
    columns = np.clip(np.arange(low[0], high[0]), 0, width - 1)
    block = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    beyond = (*(_repeats(axis) for axis in (rows, columns)), (0, 0))
    if np.any(beyond):
        block = np.pad(block, beyond, mode="edge")
    return block, (int(low[0]), int(low[1]))


def _resized(
    values: Float[np.ndarray, "height width channels"],
    shape: tuple[int, int],
    box: tuple[float, float, float, float],
) -> Float[np.ndarray, "rows columns channels"]:
    """Resize a box (left, top, right, bottom) of an image by a cubic; what shrinks is averaged."""
    rows, columns = shape
    result = np.empty((rows, columns, values.shape[2]), np.float32)
    for channel, plane in enumerate(np.moveaxis(values, 2, 0)):
        image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
        result[..., channel] = np.asarray(
            image.resize((columns, rows), Image.Resampling.BICUBIC, box, reducing_gap=2.0)
        )
    return result


def _repeats(places: Int[np.ndarray, " places"]) -> tuple[int, int]:
    """How often the first and the last of rising places come again."""
    before = int(np.count_nonzero(places == places[0])) - 1
    return before, len(places) - 1 - int(places[-1] - places[0]) - before


def _sampled_planes(
    values: Float[np.ndarray, "height width channels"],
    source_from_target: Float[np.ndarray, "2 3"],
    shape: tuple[int, int],
) -> Float[np.ndarray, "channels rows columns"]:
    """Sample every channel at affine positions; 0 outside `values`.

    Coarser targets are averaged first.
    """
    reduction = max(1, math.floor(float(np.hypot(*source_from_target[:, 0]))))
    if reduction > 1:
        values = reduce_by(values, reduction)
    return sample_affine(values, source_from_target / reduction, shape, _SHARPNESS)


def part_inside(part: Region, region: Region) -> Region:
    """Return the same rows and columns, counted from the region's corner."""
    (rows, columns), (top, left) = part, (axis.start for axis in region)
    return (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )


def box_of(values: Float[np.ndarray, "rows columns"], region: Region) -> Region:
    """Return the rows and columns of a region in which values are above 0."""
    rows, columns = (np.flatnonzero((values > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(region[0].start, region[0].start), slice(region[1].start, region[1].start)
    top, left = region[0].start, region[1].start
    return (
        slice(top + int(rows[0]), top + int(rows[-1]) + 1),
        slice(left + int(columns[0]), left + int(columns[-1]) + 1),
    )


def clipped(corners: Float[np.ndarray, "corners 2"], region: Region) -> Region:
    """Return the part of a region that a polygon with these corners lies in; may be empty."""
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    edges = [
        np.clip([low[axis], high[axis]], within.start, within.stop).astype(int).tolist()
        for axis, within in ((1, region[0]), (0, region[1]))
    ]
    return slice(*edges[0]), slice(*edges[1])
