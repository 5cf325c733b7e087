"""Limits of a change: a part of the face, a mask that is wider, narrower or softer."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image

from reggan_plugin.array_types import CropPlane, Float, SixPoints
from reggan_plugin.change.answer import FULL_COVER, FULL_GAIN, FULL_MOTION, Answer
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES, FaceLandmarks
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import blurred, inside_rim, smooth_step

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


_WHOLE = (0.0, 0.0, 1.0, 1.0)


def limit_motion(answer: Answer, limits: RegionLimits, canonical: SixPoints) -> Answer:
    """Hold an answer within limits: a part of the motion, of the light's change and of the cover.

    There is no mask to widen where nothing moves: `grow` above 0 only makes room for `blur`.

    Args:
        answer: of the model.
        limits: those that are all default give `answer` itself.
        canonical: where the landmarks lie in the crop, as parts of its side.
    """
    if limits == RegionLimits():
        return answer
    mask = np.ones_like(answer.cover)
    if limits.grow or limits.blur:
        mask = _where_it_changes(answer)
    share = limit_mask(mask, limits, canonical)
    return replace(
        answer,
        motion=answer.motion * _resized(share, len(answer.motion)),
        gain=answer.gain * _resized(share, len(answer.gain)),
        cover=answer.cover * share,
        painters=tuple(
            replace(one, cover=one.cover * _resized(share, len(one.cover), one.window))
            for one in answer.painters
        ),
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


def _where_it_changes(answer: Answer) -> Float[np.ndarray, "side side 1"]:
    """1 where it does, at the resolution of the cover."""
    side = len(answer.cover)
    length = np.hypot(answer.motion[..., :1], answer.motion[..., 1:])
    light = np.abs(answer.gain).max(axis=2, keepdims=True)
    strength = np.maximum(_resized(length, side) / FULL_MOTION, _resized(light, side) / FULL_GAIN)
    return np.clip(np.maximum(strength, answer.cover / FULL_COVER), 0.0, 1.0)


def _resized(
    plane: Float[np.ndarray, "side side 1"],
    cells: int,
    window: tuple[float, float, float, float] = _WHOLE,
) -> Float[np.ndarray, "cells cells 1"]:
    """Resize a part of a plane; what becomes smaller is averaged.

    A window may reach beyond the plane by its side; there its edges go on.
    """
    wide, beyond = plane[..., 0], 0
    if min(window) < 0 or max(window) > 1:
        beyond = len(plane)
        wide = np.pad(wide, beyond, mode="edge")
    left, top, right, bottom = (edge * len(plane) + beyond for edge in window)
    image = Image.fromarray(np.ascontiguousarray(wide, dtype=np.float32))
    resized = image.resize((cells, cells), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.asarray(resized)[..., None]
