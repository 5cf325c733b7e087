"""A face as one frame shows it, and its motion to the next one, to a hundredth of an eye distance.

Landmarks are read anew in every frame, each time a little off. What the pixels themselves did in
between is known far better: two patches of the face are laid over each other by least squares.
The mouth speaks and the eyes blink meanwhile; pixels that do not follow the rest count little.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import CropPlane, Float, Pixels, SixPoints, UInt8
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.imaging.crop import (
    FaceCrop,
    crop_around_face,
    cut_crop,
    face_centre_px,
    face_size_px,
    fit_similarity,
)
from reggan_plugin.kernels.sampling import sample_bilinear

PATCH_SIDE_PX = 64
"""A patch spans four eye distances, so that one of its pixels is a sixteenth of one."""
_LOOK_SIDE = 16

Patch = UInt8[np.ndarray, "side side"]


@frozen(eq=False)
class Detection:
    """A face in one frame.

    Attributes:
        points: the six landmarks, in pixels of the picture as displayed.
        score: that this is a face, in [0, 1].
        patch: the upright face in grey, as `patch_around` cuts it.
        in_shot: its dense landmarks, in the same pixels; None where nobody looked for them.
    """

    points: SixPoints
    score: float
    patch: Patch
    in_shot: FaceInShot | None = None

    @cached_property
    def centre_px(self) -> Float[np.ndarray, "2"]:
        """Middle of the face."""
        return face_centre_px(crop_around_face(self.points))

    @cached_property
    def size_px(self) -> float:
        """Side of the face box; a turned head keeps it."""
        return face_size_px(crop_around_face(self.points))


def patch_crop(points: SixPoints) -> FaceCrop:
    """Place of a face's patch in its frame."""
    crop = crop_around_face(points)
    matrix = crop.frame_from_crop.copy()
    matrix[:, :2] *= crop.side_px / PATCH_SIDE_PX
    return replace(crop, frame_from_crop=matrix, side_px=PATCH_SIDE_PX)


def patch_around(image: Pixels, points: SixPoints) -> Patch:
    """Return the grey patch of the face in a picture that is sRGB-encoded in [0, 1]."""
    gray = cut_crop(image, patch_crop(points)) @ np.array(LUMA_WEIGHTS, dtype=np.float32)
    return np.asarray(np.rint(gray.clip(0.0, 1.0) * 255).astype(np.uint8))


def unlikeness(one: Detection, other: Detection) -> float:
    """Difference of two faces' looks, whatever the exposure: 0 for the same patch, up to 2."""
    return float(1.0 - (_look(one.patch) * _look(other.patch)).mean())


def _look(patch: Patch) -> Float[np.ndarray, "rows columns"]:
    """Return the patch in a few cells, of mean 0 and variance 1."""
    cells = patch.reshape(_LOOK_SIDE, -1, _LOOK_SIDE, PATCH_SIDE_PX // _LOOK_SIDE)
    means = cells.mean(axis=(1, 3), dtype=np.float64)
    return np.asarray((means - means.mean()) / max(float(means.std()), 1e-6))


_STEPS = 12
_SMALL_STEP_PX = 0.003
_FARTHEST_PX = 6.0
_MOST_SCALING = 0.15
_LEAST_LIKENESS = 0.9
"""Correlation of the patches, laid over each other, under which they are not the same face."""

Similarity = Float[np.ndarray, "3 3"]


def face_motion(one: Detection, other: Detection) -> Similarity:
    """Return the similarity transform of the picture that carries a face from one frame to another.

    Where the patches cannot be laid over each other (occlusion, a fast turn), it is taken from
    the landmarks, as uncertain as they are.
    """
    between = register_patches(one.patch, other.patch)
    if between is None:
        return _square(fit_similarity(one.points, other.points))
    frame_from_one = _square(patch_crop(one.points).frame_from_crop)
    frame_from_other = _square(patch_crop(other.points).frame_from_crop)
    return np.asarray(frame_from_other @ between @ np.linalg.inv(frame_from_one))


def register_patches(one: Patch, other: Patch) -> Similarity | None:
    """Return the transform M for which `other` at M x looks as `one` at x; None if there is none
    near.

    Source: the inverse compositional algorithm, Baker and Matthews, IJCV 2004, with Huber's
    weights. Coordinates are pixels from the patch's corner.
    """
    middle = PATCH_SIDE_PX / 2
    y, x = np.mgrid[:PATCH_SIDE_PX, :PATCH_SIDE_PX] + 0.5 - middle
    window = np.clip(1.2 - np.hypot(x, y) / middle, 0.0, 1.0)
    template, moved = _normalised(one, window), _normalised(other, window)
    slope_y, slope_x = np.gradient(template)
    slopes = np.stack(
        [slope_x, slope_y, slope_x * x + slope_y * y, slope_y * x - slope_x * y], axis=-1
    )
    motion = np.eye(3)
    for _ in range(_STEPS):
        place = np.tensordot(motion, np.stack([x, y, np.ones_like(x)]), 1)
        error = (
            sample_bilinear(moved, np.moveaxis(place[:2] + (middle - 0.5), 0, -1), 0.0) - template
        )
        weight = window / np.maximum(1.0, np.abs(error) / 0.3)
        error -= (error * weight).sum() / weight.sum()
        weighted = slopes * weight[..., None]
        normal = np.tensordot(weighted, slopes, ((0, 1), (0, 1)))
        shift_x, shift_y, zoom, turn = np.linalg.lstsq(
            normal, np.tensordot(weighted, error, ((0, 1), (0, 1))), rcond=1e-6
        )[0]
        if max(abs(shift_x), abs(shift_y)) > _FARTHEST_PX or max(abs(zoom), abs(turn)) > 0.5:
            return None
        step = np.array([[1 + zoom, -turn, shift_x], [turn, 1 + zoom, shift_y], [0, 0, 1]])
        motion = motion @ np.linalg.inv(step)
        if max(abs(shift_x), abs(shift_y), middle * abs(zoom), middle * abs(turn)) < _SMALL_STEP_PX:
            break
    if not _is_plausible(motion) or _likeness(template, template + error, window) < _LEAST_LIKENESS:
        return None
    to_middle, back = np.eye(3), np.eye(3)
    to_middle[:2, 2], back[:2, 2] = -middle, middle
    return np.asarray(back @ motion @ to_middle)


def _normalised(patch: Patch, window: CropPlane) -> Float[np.ndarray, "s s"]:
    """Return the patch with mean 0 and variance 1 in the window: an exposure changes nothing."""
    values = patch.astype(np.float64)
    values -= (values * window).sum() / window.sum()
    return values / max(float(np.sqrt((values**2 * window).sum() / window.sum())), 1e-3)


def _is_plausible(motion: Similarity) -> bool:
    """Tell whether a face that was just read may be so far off where it was read."""
    far = np.abs(motion[:2, 2]).max() > _FARTHEST_PX
    return not far and bool(np.abs(motion[:2, :2] - np.eye(2)).max() <= _MOST_SCALING)


def _likeness(one: CropPlane, other: CropPlane, window: CropPlane) -> float:
    """Correlation of two patches in the window."""
    one = one - (one * window).sum() / window.sum()
    other = other - (other * window).sum() / window.sum()
    both = (one**2 * window).sum() * (other**2 * window).sum()
    return float((one * other * window).sum() / np.sqrt(max(both, 1e-12)))


def _square(matrix: Float[np.ndarray, "2 3"]) -> Similarity:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
