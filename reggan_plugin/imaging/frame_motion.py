"""The answer of a model of contract 2, brought from its crop to the pixels of the frame."""

from dataclasses import dataclass

import numpy as np

from reggan_plugin.answers.cover import COVER_BEGINS, COVER_ENDS
from reggan_plugin.answers.motion_answer import MotionAnswer, Painter
from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.crop import Region, place_cells
from reggan_plugin.imaging.least_change import (
    FULL_COVER,
    FULL_GAIN,
    FULL_MOTION,
    LEAST,
)
from reggan_plugin.imaging.rectangles import box_of, clipped, part_inside
from reggan_plugin.imaging.rim import inside_rim_in_frame, smooth_step
from reggan_plugin.imaging.warp import FREE_FOOTPRINT

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
        cover: 0 or 1, soft between; see `COVER_BEGINS`.
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
    """Bring an answer to the pixels of a region; all is 0 on the crop's rim.

    Args:
        answer: of the model.
        crop: where it lies in the frame.
        region: rows and columns that are wanted.
        matte: what each of their pixels takes of the change, in [0, 1]; None is all of it.
    """
    takes = inside_rim_in_frame(crop, region)
    if matte is not None:
        takes *= np.clip(np.nan_to_num(matte), 0.0, 1.0)
    to_frame = (crop.frame_from_crop[:, :2] * crop.side_px).T.astype(np.float32)
    motion = np.clip(np.nan_to_num(answer.motion), -1.0, 1.0)
    displacement = _placed_planes(motion @ to_frame, crop, region)
    log_gain = _placed_planes(np.nan_to_num(answer.gain), crop, region)
    cover, paint = _cover_and_paint(answer, crop, region)
    weight = np.hypot(*displacement)
    weight *= np.float32(1 / (FULL_MOTION * crop.scale * crop.side_px))
    for plane, full in (*((plane, FULL_GAIN) for plane in log_gain), (cover, FULL_COVER)):
        np.maximum(weight, np.abs(plane) * np.float32(1 / full), out=weight)
    weight *= takes
    weight = smooth_step((weight - LEAST) / np.float32(1 - LEAST))
    takes *= weight
    for plane in (*displacement, *log_gain, cover):
        plane *= takes
    return FrameMotion(
        displacement=np.moveaxis(displacement, 0, 2),
        footprint=_footprint(motion, crop, region),
        log_gain=np.moveaxis(log_gain, 0, 2),
        cover=cover,
        paint=paint,
        weight=weight,
    )


def _cover_and_paint(
    answer: MotionAnswer, crop: FaceCrop, region: Region
) -> tuple[Float[np.ndarray, "rows columns"], Float[np.ndarray, "rows columns 3"]]:
    """Steepened cover, and paint where it counts; the painters' in their windows."""
    cover = place_cells(np.nan_to_num(answer.cover), crop, region)[..., 0]
    shares = []
    for painter in answer.painters:
        window = _window_crop(crop, painter)
        place = clipped(window.corners(), region)
        share = place_cells(_soft_square(window.side_px), window, place)
        shares.append((painter, window, place, share))
        within = cover[part_inside(place, region)]
        own = place_cells(np.nan_to_num(painter.cover), window, place)[..., 0]
        within += share[..., 0] * (own - within)
    steep = smooth_step((cover - COVER_BEGINS) / (COVER_ENDS - COVER_BEGINS))
    paint = np.zeros((*cover.shape, 3), np.float32)
    painted = box_of(steep, region)
    paint[part_inside(painted, region)] = place_cells(np.nan_to_num(answer.paint), crop, painted)
    for painter, window, place, share in shares:
        under = paint[part_inside(place, region)]
        under += share * (place_cells(np.nan_to_num(painter.paint), window, place) - under)
    return steep, np.clip(paint, 0.0, 1.0, out=paint)


def _placed_planes(
    values: Float[np.ndarray, "cells cells channels"], crop: FaceCrop, region: Region
) -> Float[np.ndarray, "channels rows columns"]:
    """The same with the channels first, which is several times as fast to work on."""
    channels = range(values.shape[2])
    return np.stack([place_cells(values[..., i : i + 1], crop, region)[..., 0] for i in channels])


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
    return np.maximum(place_cells(larger[..., None], crop, region)[..., 0], np.float32(1.0))
