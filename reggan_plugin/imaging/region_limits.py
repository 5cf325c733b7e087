"""`--region upper|lower`, `--mask-grow`, `--mask-blur`: what a user limits a change to."""

import math
from typing import Literal

import numpy as np

from reggan_plugin.array_types import CropPlane, Float, RegionPlane, SixPoints
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.landmarks_and_crop import LANDMARK_NAMES, FaceCrop, FaceLandmarks
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import Region
from reggan_plugin.kernels.change import inside_border

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

    `begins` and `over` are parts of the crop's side, as of `inside_border`.
    """
    rows, columns = region
    shape = rows.stop - rows.start, columns.stop - columns.start
    matrix = crop.crop_from_frame / crop.side_px
    return inside_border(matrix, (rows.start, columns.start), shape, begins, over)


def smooth_step(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """0 up to 0, 1 from 1 on, without a kink between."""
    clipped = np.clip(values, 0.0, 1.0)
    curve = clipped * -2.0
    curve += 3.0
    clipped *= clipped
    clipped *= curve
    return np.asarray(clipped, dtype=np.float32)


FacePart = Literal["all", "upper", "lower"]

LARGEST_GROWTH, LARGEST_BLUR = 0.25, 0.25
"""Beyond these nothing of the mask's own shape is left."""

_SPLIT = (0.3, 0.7)
"""Place where *lower* begins and *upper* ends, from the eyes (0) to the mouth (1): the nose."""


@frozen
class RegionLimits:
    """The part of a face where the change counts. Lengths are parts of the side of its face box.

    Attributes:
        part: `upper` has brows, lids and eyes, `lower` cheeks, mouth and jaw. They meet softly
            on the nose, so that the two changes together are that of `all`.
        grow: how far the model's mask is widened; negative narrows it.
        blur: standard deviation of the Gaussian that softens it, after it was widened.
    """

    part: FacePart = "all"
    grow: float = 0.0
    blur: float = 0.0

    def __post_init__(self) -> None:
        if not abs(self.grow) <= LARGEST_GROWTH:
            raise UsageError(
                f"A mask cannot grow by {self.grow:g} of a face; give -{LARGEST_GROWTH} to "
                f"{LARGEST_GROWTH}, such as 0.05."
            )
        if not 0 <= self.blur <= LARGEST_BLUR:
            raise UsageError(
                f"A mask cannot be blurred by {self.blur:g} of a face; give 0 to {LARGEST_BLUR}, "
                "such as 0.03."
            )


def limit_mask(
    mask: Float[np.ndarray, "side side 1"], limits: RegionLimits, canonical: SixPoints
) -> Float[np.ndarray, "side side 1"]:
    """Return the mask of a face crop within limits, in [0, 1]; 0 on the crop's rim.

    Args:
        mask: the model's, in [0, 1].
        limits: what to do to it; those that are all default give `mask` itself.
        canonical: where the landmarks lie in the crop, as parts of its side.
    """
    if limits == RegionLimits():
        return mask
    side_px, plane = mask.shape[0], mask[..., 0]
    face_side_px = FaceLandmarks(canonical * side_px).box[2]
    if limits.grow:
        plane = _grown(plane, round(limits.grow * face_side_px))
    if limits.blur:
        plane = blurred(plane, limits.blur * face_side_px)
    if limits.grow or limits.blur:
        plane = plane * inside_rim(side_px)
    if limits.part != "all":
        plane = plane * _share_of_part(limits.part, canonical, side_px)[:, None]
    return np.ascontiguousarray(plane[..., None])


def _share_of_part(
    part: FacePart, canonical: SixPoints, side_px: int
) -> Float[np.ndarray, " side"]:
    """Share of each row that belongs to a part of the face; those of both parts add up to 1."""
    rows = dict(zip(LANDMARK_NAMES, canonical[:, 1] * side_px, strict=True))
    eyes = (rows["left_eye"] + rows["right_eye"]) / 2
    mouth = (rows["mouth_left"] + rows["mouth_right"]) / 2
    along = (np.arange(side_px) + 0.5 - eyes) / (mouth - eyes)
    lower = smooth_step((along - _SPLIT[0]) / (_SPLIT[1] - _SPLIT[0]))
    return lower if part == "lower" else np.float32(1.0) - lower


def _grown(plane: CropPlane, by_px: int) -> CropPlane:
    """Return the largest value within a disc around each pixel; the smallest for a negative
    radius.
    """
    if by_px < 0:
        return np.float32(1.0) - _grown(np.float32(1.0) - plane, -by_px)
    padded = np.pad(plane, by_px, mode="edge")
    result = along_row = padded
    for reach in range(by_px + 1):
        left, right = np.roll(padded, -reach, axis=1), np.roll(padded, reach, axis=1)
        along_row = np.maximum(along_row, np.maximum(left, right))
        for dy in range(by_px + 1):
            if math.isqrt(by_px**2 - dy**2) == reach:  # half the disc's width in that row
                up, down = np.roll(along_row, -dy, axis=0), np.roll(along_row, dy, axis=0)
                result = np.maximum(result, np.maximum(up, down))
    inner = slice(by_px, by_px + plane.shape[0])
    return result[inner, inner]


def blurred(plane: CropPlane, sigma_px: float) -> CropPlane:
    """Convolved with a Gaussian; beyond the border there is 0."""
    offsets = np.arange(plane.shape[0])[:, None] - np.arange(plane.shape[0])
    weights = np.exp(-0.5 * (offsets / max(sigma_px, 1e-3)) ** 2)
    weights = (weights / weights[plane.shape[0] // 2].sum()).astype(np.float32)
    return np.clip(weights @ plane @ weights.T, 0.0, 1.0)
