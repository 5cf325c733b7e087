"""The answer of a model of contract 2, brought from its crop to the pixels of the frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.crop import Region, place_crop
from reggan_plugin.imaging.region import smooth_step, square_inside_ring
from reggan_plugin.imaging.warp import FREE_FOOTPRINT
from reggan_plugin.motion_answer import MotionAnswer, Painter

_COVER_BEGINS, _COVER_ENDS = 0.25, 0.75
"""A model that is not sure answers with half a cover, which would show the old surface and the new
one at once. So cover is steepened, at the resolution of the frame."""
FULL_MOTION, FULL_GAIN, FULL_COVER = 0.002, 0.02, 0.02
"""From here on (parts of the side; logarithm; share) a change is a change."""
_LEAST = 0.25
"""Below this part of them it is the noise of a network, and the pixel keeps its bits."""
_PAINTER_EDGE = 0.08
"""Parts of a painter's window over which it takes over from the crop's own paint."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameMotion:
    """The change of a face at the pixels of a region of its frame.

    Attributes:
        displacement: (x, y) in pixels from each pixel to where its surface is in the source.
        footprint: pixels of the source that a pixel stands for, by their side; None where the
            motion compresses nowhere by more than the warp takes.
        log_gain: logarithm of the factor on linear light; grey or RGB.
        cover: 0 or 1, soft between; see `_COVER_BEGINS`.
        paint: sRGB-encoded, [0, 1]; of no meaning where the cover is 0.
        weight: 0 where nothing changes, 1 where the change is full.
    """

    displacement: Float[np.ndarray, "rows columns 2"]
    footprint: Float[np.ndarray, "rows columns"] | None
    log_gain: Float[np.ndarray, "rows columns channels"]
    cover: Float[np.ndarray, "rows columns"]
    paint: Float[np.ndarray, "rows columns 3"]
    weight: Float[np.ndarray, "rows columns"]


def motion_in_frame(
    answer: MotionAnswer,
    crop: FaceCrop,
    region: Region,
    matte: Float[np.ndarray, "rows columns"] | None = None,
) -> FrameMotion:
    """Bring an answer to the pixels of a region; all is 0 on a ring of 4 % of the crop's side.

    Args:
        answer: of the model.
        crop: where it lies in the frame.
        region: rows and columns that are wanted.
        matte: what each of their pixels takes of the change, in [0, 1]; None is all of it.
    """
    takes = square_inside_ring(crop, region)
    if matte is not None:
        takes = takes * np.clip(np.nan_to_num(matte), 0.0, 1.0)
    side_in_frame_px = crop.scale * crop.side_px
    to_frame = (crop.frame_from_crop[:, :2] * crop.side_px).T.astype(np.float32)
    motion = np.clip(np.nan_to_num(answer.motion), -1.0, 1.0)
    displacement = _placed(motion @ to_frame, crop, region) * takes[..., None]
    log_gain = _placed(np.nan_to_num(answer.gain), crop, region) * takes[..., None]
    cover, paint = _cover_and_paint(answer, crop, region)
    cover *= takes
    strength = np.hypot(*np.moveaxis(displacement, 2, 0)) / (FULL_MOTION * side_in_frame_px)
    strength = np.maximum(strength, np.abs(log_gain).max(axis=2) / FULL_GAIN)
    strength = np.maximum(strength, cover / FULL_COVER)
    weight = smooth_step((strength - _LEAST) / (1 - _LEAST))
    displacement *= weight[..., None]
    log_gain *= weight[..., None]
    return FrameMotion(
        displacement=displacement,
        footprint=_footprint(motion, crop, region),
        log_gain=log_gain,
        cover=cover * weight,
        paint=paint,
        weight=weight,
    )


def _cover_and_paint(
    answer: MotionAnswer, crop: FaceCrop, region: Region
) -> tuple[Float[np.ndarray, "rows columns"], Float[np.ndarray, "rows columns 3"]]:
    """Steepened cover, and paint where it counts; the painters' in their windows."""
    cover = _placed(np.nan_to_num(answer.cover), crop, region)[..., 0]
    paint = _placed(np.nan_to_num(answer.paint), crop, region)
    for painter in answer.painters:
        window = _window_crop(crop, painter)
        share = _placed(_soft_square(painter.cover.shape[0]), window, region)
        cover += share[..., 0] * (_placed(painter.cover, window, region)[..., 0] - cover)
        paint += share * (_placed(np.nan_to_num(painter.paint), window, region) - paint)
    steep = smooth_step((cover - _COVER_BEGINS) / (_COVER_ENDS - _COVER_BEGINS))
    return steep, np.clip(paint, 0.0, 1.0)


def _placed(
    values: Float[np.ndarray, "cells cells channels"], crop: FaceCrop, region: Region
) -> Float[np.ndarray, "rows columns channels"]:
    """Values that span the crop, by a cubic at the pixels of a region."""
    cells = values.shape[0]
    matrix = crop.frame_from_crop.copy()
    matrix[:, :2] *= crop.side_px / cells
    return place_crop(values, FaceCrop(matrix, cells), region)


def _window_crop(crop: FaceCrop, painter: Painter) -> FaceCrop:
    """The square of a painter in the frame."""
    left, top, right, _ = painter.window
    cells = painter.cover.shape[0]
    corner = crop.place(np.array([[left, top]]) * crop.side_px)[0]
    linear = crop.frame_from_crop[:, :2] * ((right - left) * crop.side_px / cells)
    return FaceCrop(np.column_stack([linear, corner]), cells)


def _soft_square(side_px: int) -> Float[np.ndarray, "side side 1"]:
    """1 inside, falling to 0 at the border."""
    place = (np.arange(side_px) + 0.5) / side_px
    along = smooth_step(np.minimum(place, 1 - place) / _PAINTER_EDGE)
    return np.minimum(along[:, None], along)[..., None]


def _footprint(
    motion: Float[np.ndarray, "cells cells 2"], crop: FaceCrop, region: Region
) -> Float[np.ndarray, "rows columns"] | None:
    """The larger singular value of the map from target to source."""
    if len(motion) < 2:
        return None
    (xy, xx), (yy, yx) = (
        np.gradient(motion[..., axis] * np.float32(len(motion))) for axis in (0, 1)
    )
    turning, shearing = np.hypot(2 + xx + yy, yx - xy), np.hypot(xx - yy, xy + yx)
    larger = (turning + shearing) / 2
    if larger.max() <= FREE_FOOTPRINT:
        return None
    return np.maximum(_placed(larger[..., None], crop, region)[..., 0], np.float32(1.0))
