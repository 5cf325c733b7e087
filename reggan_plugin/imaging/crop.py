"""Resample between a frame and a face crop, with anti-aliasing both ways; a crop with its details.

What shrinks is averaged; a cubic kernel reads between pixels.
A `CroppedFace` is small, as a model sees it; what looks closer reads the picture around it.
"""

import math
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import (
    Bool,
    CropPixels,
    CropPlane,
    Float,
    Int,
    RegionPixels,
    RegionPlane,
)
from reggan_plugin.faces.landmarks_and_crop import FaceCrop
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.library import call
from reggan_plugin.kernels.sampling import (
    block_means,
    sample_affine,
    sample_bilinear,
    sampled,
    shrink,
)

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
    margin = math.ceil(_MARGIN_PX * max(1.0, crop.scale))
    left, top = np.floor(crop.corners().min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(crop.corners().max(axis=0)).astype(int).tolist()
    ends = (top - margin, bottom + margin), (left - margin, right + margin)
    block_from_crop = crop.moved(margin - left, margin - top).frame_from_crop
    if crop.scale > 1:
        rows, columns = (math.floor((end - start) / crop.scale) for start, end in ends)
        corner = top - margin, left - margin
        block = shrink(frame, corner, (rows, columns), crop.scale, _SHARPNESS)
        block_from_crop = block_from_crop / crop.scale
    else:
        block = _block(frame, *ends)
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
    if not values[::16, ::16].any() and not values.any():  # a few tell it of most
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


def _block(
    frame: Float[np.ndarray, "height width channels"], *ends: tuple[int, int]
) -> Float[np.ndarray, "rows columns channels"]:
    """Return rows and columns of the frame, edge pixels repeated where they lie beyond it."""
    rows, columns = (
        np.clip(np.arange(*axis), 0, length - 1)
        for axis, length in zip(ends, frame.shape, strict=False)
    )
    block = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    beyond = (*(_repeats(axis) for axis in (rows, columns)), (0, 0))
    return np.pad(block, beyond, mode="edge") if np.any(beyond) else block


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
        values = block_means(values, reduction)
    return sample_affine(values, source_from_target / reduction, shape, _SHARPNESS)


def part_inside(part: Region, region: Region) -> Region:
    """Return the same rows and columns, counted from the region's corner."""
    (rows, columns), (top, left) = part, (axis.start for axis in region)
    return (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )


def box_of(values: RegionPlane | Bool[np.ndarray, "rows columns"], region: Region) -> Region:
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


@frozen(kw_only=False, eq=False)
class CroppedFace:
    """A face at a model's size, whose details are read from its picture where they are needed.

    To cut out all of a face at the picture's own resolution takes many times as long, and only
    eyes, mouth and the edges of skin look at that.

    Attributes:
        small: the face as the model sees it, sRGB-encoded, in [0, 1].
        picture: around it, sRGB-encoded, in [0, 1]; None if it has no more detail.
        crop: where the face lies in the picture, its side as details are to be seen.
        coverage: of the picture, finite, where it is not opaque: what shows nothing is as in
            `small`.
    """

    small: CropPixels
    picture: RegionPixels | None = None
    crop: FaceCrop | None = None
    coverage: RegionPlane | None = None

    @property
    def side_px(self) -> int:
        """Side of the face as details are to be seen."""
        return len(self.small) if self.crop is None else self.crop.side_px

    @cached_property
    def whole(self) -> Float[np.ndarray, "fine_side fine_side 3"]:
        """All of the face at the size of its details or above, a multiple of the small one's."""
        if self.picture is None or self.crop is None:
            return self.small
        side_px = -(-self.side_px // len(self.small)) * len(self.small)
        along = (np.arange(side_px, dtype=np.float32) + np.float32(0.5)) / side_px
        return self.at(np.stack(np.meshgrid(along, along), axis=2))

    def at(self, places: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 3"]:
        """Colours at places (x, y) in parts of the face's side; beyond the border the edge goes on.

        In straight lines between pixels: of the picture, or of averages where it is much finer
        than details are to be seen.
        """
        if self.picture is None or self.crop is None or not places.size:
            return sampled(self.small, places * np.float32(len(self.small)))
        matrix = self.crop.frame_from_crop * [self.crop.side_px, self.crop.side_px, 1.0]
        step = max(1, math.floor(self.crop.scale))
        part, corner = _part_around(places, matrix, self.picture.shape[:2], step)
        matrix = (matrix - np.column_stack([np.zeros((2, 2)), corner])) / step
        colours = block_means(self.picture[part], step)
        colours = sample_bilinear(colours, places, 0.5, matrix)
        if self.coverage is None:
            return colours
        share = block_means(self.coverage[part][..., None], step)
        share = np.clip(sample_bilinear(share, places, 0.5, matrix), 0, 1)
        if share.min() == 1:
            return colours
        small = sampled(self.small, places * np.float32(len(self.small)))
        return small + share * (colours - small)


def _part_around(
    places: Float[np.ndarray, "*shape 2"],
    matrix: Float[np.ndarray, "2 3"],
    size: tuple[int, int],
    step: int,
) -> tuple[Region, Int[np.ndarray, "2"]]:
    """Return rows and columns of a picture that bilinear samples look at, and their corner (x, y).

    They begin at multiples of a step, so that averages of so many pixels do not depend on them.
    """
    x, y = ((float(axis.min()), float(axis.max())) for axis in (places[..., 0], places[..., 1]))
    ends = np.array([[right, down, 1.0] for right in x for down in y]) @ matrix.T / step
    edges = []
    for axis, length in ((1, size[0]), (0, size[1])):
        low, high = ends[:, axis].min(), ends[:, axis].max()
        first = min(max((math.floor(low) - 1) * step, 0), (length - 1) // step * step)
        edges.append(slice(first, min(max((math.ceil(high) + 1) * step, first + 1), length)))
    return (edges[0], edges[1]), np.array([edges[1].start, edges[0].start])


ShownFace = CropPixels | CroppedFace
"""What a model is shown: a crop, sRGB-encoded, in [0, 1], with or without the picture around it."""


def small_of(face: ShownFace) -> CropPixels:
    """Return the crop itself."""
    return face.small if isinstance(face, CroppedFace) else face


_RIM, _RAMP = 0.04, 0.04
"""Parts of the square's side, from its border: where a change is 0, and where it comes back."""


def inside_rim(side_px: int) -> CropPlane:
    """0 on the rim of a square, 1 inside of it, smooth between; at the square's own pixels."""
    distance = np.minimum(np.arange(side_px), np.arange(side_px)[::-1]) / side_px
    inside = smooth_step((distance - _RIM) / _RAMP)
    return np.minimum(inside[:, None], inside)


def inside_in_frame(
    crop: FaceCrop, region: Region, begins: float = _RIM, over: float = _RAMP
) -> RegionPlane:
    """0 outside a crop and on its rim, 1 inside of it, smooth between; at pixels of the frame.

    Args:
        crop: the square.
        region: rows and columns of the frame.
        begins: where it is 0 up to, from the border, in parts of the crop's side.
        over: how much further in it is 1, likewise.
    """
    matrix = crop.crop_from_frame / crop.side_px
    rows, columns = (np.arange(axis.start, axis.stop) + 0.5 for axis in region)
    across = (matrix[:, :1] * columns + matrix[:, 2:]).astype(np.float32)
    down = (matrix[:, 1:2] * rows).astype(np.float32)
    share = np.empty((len(rows), len(columns)), np.float32)
    call("inside_border", across, down, *share.shape, float(begins), float(over), share)
    return share


def smooth_step(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """0 up to 0, 1 from 1 on, without a kink between."""
    clipped = np.clip(values, 0.0, 1.0)
    curve = clipped * -2.0
    curve += 3.0
    clipped *= clipped
    clipped *= curve
    return np.asarray(clipped, dtype=np.float32)


def blurred(plane: CropPlane, sigma_px: float) -> CropPlane:
    """Convolved with a Gaussian; beyond the border there is 0."""
    offsets = np.arange(plane.shape[0])[:, None] - np.arange(plane.shape[0])
    weights = np.exp(-0.5 * (offsets / max(sigma_px, 1e-3)) ** 2)
    weights = (weights / weights[plane.shape[0] // 2].sum()).astype(np.float32)
    return np.clip(weights @ plane @ weights.T, 0.0, 1.0)
