"""The square of a face that a model sees: placed, cut out of a frame and brought back, with
anti-aliasing both ways; a crop with its details.

What shrinks is averaged; a cubic kernel reads between pixels.
A `CroppedFace` is small, as a model sees it; what looks closer reads the picture around it.
"""

import math
from dataclasses import replace
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
    SixPoints,
)
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import (
    BOX_SIDE_IN_EYE_DISTANCES,
    LANDMARK_NAMES,
    FaceLandmarks,
)
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

ALIGNED_LANDMARKS = ("left_eye", "right_eye", "mouth_left", "mouth_right")
"""The points that fix the crop. Nose and chin move too much with yaw and jaw."""


@frozen(kw_only=False, eq=False)
class FaceCrop:
    """A square crop of `side_px` pixels and the similarity transform that places it.

    `frame_from_crop` maps crop to frame: frame_xy = frame_from_crop @ (x, y, 1). Both sides
    are continuous pixel coordinates; the crop's run from 0 to `side_px`. `yaw_deg` is how far
    the head is turned to its own left, None where no landmarks say so.

    `in_shot` is what the shot says of the face, in parts of the crop's side, where it was tracked.

    `face` is the identity of the face in its tracks, or its place by size, largest first;
    `score` the locator's confidence, None where it did not look; `status` as in `TrackedFace`.
    """

    frame_from_crop: Float[np.ndarray, "2 3"]
    side_px: int
    yaw_deg: float | None = None
    face: int = 0
    score: float | None = None
    status: str = "given"
    in_shot: FaceInShot | None = None

    @property
    def scale(self) -> float:
        """Frame pixels per crop pixel."""
        return float(np.hypot(*self.frame_from_crop[:, 0]))

    @property
    def crop_from_frame(self) -> Float[np.ndarray, "2 3"]:
        """The inverse map, frame to crop."""
        linear = np.linalg.inv(self.frame_from_crop[:, :2])
        return np.column_stack([linear, -linear @ self.frame_from_crop[:, 2]])

    def moved(self, x_px: float, y_px: float) -> "FaceCrop":
        """Return the same crop in a picture whose corner lies at (-x_px, -y_px) of this one's."""
        matrix = self.frame_from_crop.copy()
        matrix[:, 2] += [x_px, y_px]
        return replace(self, frame_from_crop=matrix)

    def scaled(self, factor: float) -> "FaceCrop":
        """Return the same crop in a picture `factor` times as large."""
        return replace(self, frame_from_crop=self.frame_from_crop * factor)

    def rolled(self, roll_deg: float, middle: Float[np.ndarray, "2"]) -> "FaceCrop":
        """Return the same square turned clockwise about a point of the frame."""
        angle = math.radians(roll_deg)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = turn @ self.frame_from_crop
        matrix[:, 2] += middle - turn @ middle
        return replace(self, frame_from_crop=matrix, in_shot=None)

    def resized(self, side_px: int) -> "FaceCrop":
        """Return a larger or smaller square about the same centre, at the same scale and
        rotation.
        """
        matrix = self.frame_from_crop.copy()
        margin_px = (side_px - self.side_px) / 2
        matrix[:, 2] -= matrix[:, :2] @ [margin_px, margin_px]
        return replace(self, frame_from_crop=matrix, side_px=side_px, in_shot=None)

    def finer(self, factor: float) -> "FaceCrop":
        """Return the same square with `factor` times as many pixels on a side, about."""
        side_px = round(factor * self.side_px)
        factor, matrix = side_px / self.side_px, self.frame_from_crop.copy()
        matrix[:, :2] /= factor
        return replace(self, frame_from_crop=matrix, side_px=side_px)

    def corners(self) -> Float[np.ndarray, "4 2"]:
        """Corners of the crop in the frame, in pixels."""
        side = float(self.side_px)
        square = np.array([[0, 0], [side, 0], [side, side], [0, side]])
        return self.place(square)

    def place(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Map points of the crop into the frame, both in pixels."""
        return points @ self.frame_from_crop[:, :2].T + self.frame_from_crop[:, 2]


def crop_from_landmarks(landmarks: FaceLandmarks, canonical: SixPoints, side_px: int) -> FaceCrop:
    """Place the crop so that eyes and mouth come closest to their canonical positions.

    Args:
        landmarks: points of the face in the frame, in pixels.
        canonical: where a model expects them, as fractions of the crop's side.
        side_px: side of the crop that the model sees.

    Raises:
        UsageError: the points coincide or are not finite, so that they place nothing.
    """
    rows = [LANDMARK_NAMES.index(name) for name in ALIGNED_LANDMARKS]
    source, target = canonical[rows] * side_px, landmarks.points[rows]
    if not np.isfinite(target).all() or np.ptp(target, axis=0).max() < 1e-3:
        raise UsageError(
            f"The landmarks {target.round(3).tolist()} place no face; expected four distinct, "
            f"finite points: {', '.join(ALIGNED_LANDMARKS)}."
        )
    return FaceCrop(fit_similarity(source, target), side_px)


def crop_from_box(
    box: tuple[float, float, float, float], canonical: SixPoints, side_px: int
) -> FaceCrop:
    """Place the crop so that the canonical face fills `box` (x, y, width, height; pixels).

    The box is a face box as `FaceLandmarks.box`: brows to below the chin. A box that is not
    square is taken by its centre and its mean side.

    Raises:
        UsageError: the box has no area.
    """
    x, y, width, height = box
    if not (np.isfinite(box).all() and width > 0 and height > 0):
        raise UsageError(f"The face box {box} has no area; give x,y,width,height in pixels.")
    left, top, canonical_side, _ = FaceLandmarks(canonical * side_px).box
    scale = (width + height) / 2 / canonical_side
    centre = np.array([x + width / 2, y + height / 2])
    canonical_centre = np.array([left, top]) + canonical_side / 2
    offset = centre - scale * canonical_centre
    return FaceCrop(np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]]), side_px)


def crop_of_whole_image(height: int, width: int, side_px: int) -> FaceCrop:
    """Place the crop on the largest square in the middle of an image."""
    scale = min(height, width) / side_px
    offset_x, offset_y = (width - scale * side_px) / 2, (height - scale * side_px) / 2
    return FaceCrop(np.array([[scale, 0.0, offset_x], [0.0, scale, offset_y]]), side_px)


def fit_similarity(
    source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "2 3"]:
    """Least-squares similarity (rotation, uniform scale, shift) from `source` to `target`.

    Written as one complex number per point, the fit is target = a * source + b, so that
    a = <source, target> / <source, source> on centred points and reflections cannot occur.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s = (source - source_mean) @ np.array([1, 1j])
    t = (target - target_mean) @ np.array([1, 1j])
    a = np.vdot(s, t) / np.vdot(s, s).real
    linear = np.array([[a.real, -a.imag], [a.imag, a.real]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


CROP_SIDE_PX = 112
CROP_SIDE_IN_EYE_DISTANCES = 4.0
CROP_LANDMARKS = np.array(
    [[0.625, 0.260], [0.375, 0.260], [0.500, 0.430], [0.605, 0.565], [0.395, 0.565], [0.500, 0.765]]
)
"""Mean positions of the six points, as fractions of the crop's side."""


def crop_around_face(points: SixPoints) -> FaceCrop:
    """Place the square so that the face stands upright in its middle."""
    return crop_from_landmarks(FaceLandmarks(points), CROP_LANDMARKS, CROP_SIDE_PX)


def vary_crop(crop: FaceCrop, zoom: float, turn_deg: float) -> FaceCrop:
    """Return the crop enlarged and turned about its middle."""
    angle = math.radians(turn_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = crop.frame_from_crop[:, :2] @ turn * zoom
    offset = face_centre_px(crop) - linear @ np.full(2, crop.side_px / 2)
    return FaceCrop(np.column_stack([linear, offset]), crop.side_px)


def face_size_px(crop: FaceCrop) -> float:
    """Side of the face box, as fitted to eyes and mouth: a turned head keeps its size."""
    eye_distance = crop.scale * crop.side_px / CROP_SIDE_IN_EYE_DISTANCES
    return eye_distance * BOX_SIDE_IN_EYE_DISTANCES


def face_centre_px(crop: FaceCrop) -> Float[np.ndarray, "2"]:
    """Middle of the square, in frame pixels."""
    return np.asarray(crop.place(np.full((1, 2), crop.side_px / 2))[0], dtype=np.float64)


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
