"""The change of one face: what makes it, what it is, and how it comes into a frame.

It is motion of surfaces, their light, and new paint:

    y(q) = (1 - cover(q)) * exp(gain(q)) * x(q + motion(q)) + cover(q) * paint(q)

on linear light; q is a place in the crop, in parts of its side. All arrays span the whole crop,
whatever their number of rows: cell i of h has its centre at (i + 0.5) / h.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Float, RegionPixels, RegionPlane
from reggan_plugin.errors import UnusableAnswerError
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.crop import (
    FaceCrop,
    Region,
    ShownFace,
    box_of,
    clipped,
    inside_in_frame,
    part_inside,
    place_cells,
    smooth_step,
)
from reggan_plugin.kernels.pixel_values import weigh_change
from reggan_plugin.kernels.sampling import FREE_FOOTPRINT, sampled
from reggan_plugin.models.model_card import ModelCard
from reggan_plugin.vocabulary.expression import ExpressionMix

COVER_BEGINS, COVER_ENDS = 0.25, 0.75
"""A model that is not sure answers with half a cover, which would show the old surface and the new
one at once. So cover is steepened between these two, at the resolution of the frame."""

FULL_MOTION, FULL_GAIN, FULL_COVER = 0.002, 0.02, 0.02
"""From here on (parts of the side; logarithm; share) a change is a change."""
LEAST = 0.25
"""Below this part of them it is noise, and the pixel keeps its bits."""
_STRETCHED = 5.0
"""Of the way beyond a frame's border: so far from it what lies beside it is stretched instead; at
the border by 1.7."""
_PAINTER_EDGE = 0.08
"""Parts of a painter's window over which it takes over from the crop's own paint."""
_PART_PX = 128
"""Paint is placed in squares of so many pixels, and only where it covers something."""


@frozen(eq=False)
class Painter:
    """Cover and paint of a part of the crop at a resolution of its own.

    Attributes:
        window: left, top, right, bottom in parts of the crop's side; a square.
        cover: in [0, 1].
        paint: sRGB-encoded, [0, 1].
    """

    window: tuple[float, float, float, float]
    cover: Float[np.ndarray, "side side 1"]
    paint: Float[np.ndarray, "paint_side paint_side 3"]


@frozen(eq=False)
class Answer:
    """The change of one face, whatever made it.

    Attributes:
        motion: (x, y) from a place to where its surface is in the source, in parts of the side.
        gain: natural logarithm of the factor on linear light, at the target; grey or RGB.
        cover: 0 where the source shows the surface, 1 where paint stands in for it.
        paint: sRGB-encoded, [0, 1].
        painters: replace cover and paint inside their windows.
        front: 1 where something stands before the face, which stays as it is; None if nothing does.
        head: 1 where the head itself is, which moves over what is beside and behind it; None if
            that moves along.
    """

    motion: Float[np.ndarray, "cells cells 2"]
    gain: Float[np.ndarray, "gain_cells gain_cells channels"]
    cover: Float[np.ndarray, "cover_side cover_side 1"]
    paint: Float[np.ndarray, "paint_side paint_side 3"]
    painters: tuple[Painter, ...] = ()
    front: Float[np.ndarray, "front_side front_side 1"] | None = None
    head: Float[np.ndarray, "head_side head_side 1"] | None = None


@runtime_checkable
class AnswerSource(Protocol):
    """What makes answers: a model, or whatever else knows how a face changes."""

    @property
    def card(self) -> ModelCard:
        """Its name, what it can be asked for, and where a crop puts the face."""
        ...

    @property
    def side_px(self) -> int:
        """Side of the square crop that it wants to see."""
        ...

    @property
    def batch(self) -> int:
        """Faces that are best given at once."""
        ...

    def answer(
        self,
        faces: Sequence[ShownFace],
        mixes: Sequence[ExpressionMix],
        known: Sequence[FaceInShot | None] | None = None,
    ) -> list[Answer]:
        """Answer for each face; values need not be finite.

        Args:
            faces: crops of `side_px`.
            mixes: what each is asked for; none is empty.
            known: what a shot says of each, in parts of the crop's side.

        Raises:
            ModelError: the model answers with something that is no change of a face.
            DeviceMemoryError: not even one face fits into the device's memory.
        """
        ...


def finite(answer: Answer) -> Answer:
    """Bring an answer into its ranges, as float32; NaN becomes 0. All that follows relies on it."""
    return replace(
        answer,
        motion=_within(answer.motion, -1.0, 1.0),
        gain=np.nan_to_num(answer.gain).astype(np.float32),
        cover=_within(answer.cover, 0.0, 1.0),
        paint=_within(answer.paint, 0.0, 1.0),
        painters=tuple(
            replace(one, cover=_within(one.cover, 0.0, 1.0), paint=_within(one.paint, 0.0, 1.0))
            for one in answer.painters
        ),
    )


def _within(
    values: Float[np.ndarray, "*shape"], low: float, high: float
) -> Float[np.ndarray, "*shape"]:
    bounded = np.clip(values, low, high).astype(np.float32, copy=False)
    return np.nan_to_num(bounded) if np.isnan(bounded).any() else bounded


_LARGEST: Mapping[str, float] = {
    "points": 3.0,
    "motion": 3.0,
    "label": 10.0,
    "mix": 10.0,
    "gain": 10.0,
}
_LARGEST_OF_OTHERS = 1000.0
"""What a model's outputs may hold, far beyond what sound ones do: beside these, values are brought
into their ranges."""


def refuse_unsound(outputs: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Refuse outputs of a model that are no numbers of a face; all models pass here once.

    Args:
        outputs: by name.
        names: of those that are used.

    Raises:
        UnusableAnswerError: a value is not finite, or huge.
    """
    for name in names:
        values, largest = outputs[name], _LARGEST.get(name, _LARGEST_OF_OTHERS)
        if not values.size or max(-float(values.min()), float(values.max())) <= largest:
            continue  # NaN is not
        count = int(values.size - np.isfinite(values).sum())
        found = f"{count} of {values.size} values are not finite"
        if not count:
            found = f"the largest is {float(np.abs(values).max()):.3g}"
        raise UnusableAnswerError(
            f"The model's answer to this face is unusable: of its {name}, {found}; expected "
            f"numbers from {-largest:g} to {largest:g}. Use another model, or export it again."
        )


def region_of_change(answer: Answer, crop: FaceCrop, height: int, width: int) -> Region:
    """Rows and columns of a frame outside of which an answer changes nothing; may be empty."""
    low, high = np.ones(2), np.zeros(2)
    for values, full in (
        (answer.motion, FULL_MOTION),
        (answer.gain, FULL_GAIN),
        (answer.cover, COVER_BEGINS / LEAST),
    ):
        # ten times as fast as max(axis=2)
        largest = np.maximum.reduce([np.abs(plane) for plane in np.moveaxis(values, 2, 0)])
        strong = largest > LEAST * full / 2
        columns, rows = (np.flatnonzero(strong.any(axis=axis)) for axis in (0, 1))
        if rows.size:  # as a cubic spreads them
            first, last = np.array([columns[0], rows[0]]), np.array([columns[-1], rows[-1]])
            low = np.minimum(low, (first - 2) / len(strong))
            high = np.maximum(high, (last + 3) / len(strong))
    for painter in answer.painters:
        low, high = np.minimum(low, painter.window[:2]), np.maximum(high, painter.window[2:])
    if (low >= high).any():
        return slice(0, 0), slice(0, 0)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) * crop.side_px
    return clipped(crop.place(corners), (slice(0, height), slice(0, width)))


def held_inside(answer: Answer, crop: FaceCrop, height: int, width: int) -> Answer:
    """Hold motion so that no place of a frame shows what lies beyond its border.

    There is nothing to show: the border's pixels would go on as streaks, such as below a chin that
    rises in a picture that ends at it. What lies beside the border is stretched instead.
    """
    corners = crop.corners()
    if (corners >= 0).all() and (corners <= [width, height]).all():
        return answer
    motion, side = answer.motion, crop.side_px
    to_frame = (crop.frame_from_crop[:, :2] * side).astype(np.float32).T
    moved = motion @ to_frame
    along = (np.arange(len(motion), dtype=np.float32) + np.float32(0.5)) / len(motion)
    places = crop.place(np.stack(np.meshgrid(along, along), axis=2).reshape(-1, 2) * side)
    held = np.zeros_like(moved)
    for axis, edge, inwards in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        depth = (inwards * (places[:, axis] - edge)).reshape(motion.shape[:2])
        near = (depth >= 0) & (depth < _STRETCHED * np.abs(moved[..., axis]).max())
        on_edge = places[near.ravel()]
        on_edge[:, axis] = edge
        matrix = crop.crop_from_frame / side
        at = (on_edge @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        beyond = -inwards * sampled(moved, at * np.float32(len(motion)))[:, axis]
        beyond *= ((at > 0) & (at < 1)).all(axis=1)
        share = 1 - depth[near] / np.maximum(_STRETCHED * beyond, 1e-6)
        held[..., axis][near] += inwards * beyond.clip(0) * share.clip(0) ** 2
    if not held.any():
        return answer
    return replace(answer, motion=motion + held @ np.linalg.inv(to_frame))


def motion_in_frame(
    answer: Answer, crop: FaceCrop, region: Region, matte: RegionPlane | None = None
) -> FrameMotion:
    """Bring an answer to the pixels of a region; all is 0 on the crop's rim.

    Args:
        answer: of the model.
        crop: where it lies in the frame.
        region: rows and columns that are wanted.
        matte: what each of their pixels takes of the change, in [0, 1]; None is all of it.
    """
    takes = inside_in_frame(crop, region)
    if matte is not None:
        takes *= np.clip(np.nan_to_num(matte), 0.0, 1.0)
    to_frame = (crop.frame_from_crop[:, :2] * crop.side_px).T.astype(np.float32)
    cells = [answer.motion @ to_frame, answer.gain, answer.cover]
    larger = _larger_stretch(answer.motion)
    if larger is not None:
        cells.append(larger[..., None])
    displacement, log_gain, (cover,), *footprint = _placed_planes(cells, crop, region)
    cover, paint = _cover_and_paint(answer, cover, crop, region)
    full = FULL_MOTION * crop.scale * crop.side_px, FULL_GAIN, FULL_COVER
    displacement, log_gain, cover, weight = weigh_change(
        displacement, log_gain, cover, takes, full, LEAST
    )
    return FrameMotion(
        displacement=np.moveaxis(displacement, 0, 2),
        footprint=np.maximum(footprint[0][0], np.float32(1.0)) if footprint else None,
        log_gain=np.moveaxis(log_gain, 0, 2),
        cover=cover,
        paint=paint,
        weight=weight,
    )


def _cover_and_paint(
    answer: Answer, cover: RegionPlane, crop: FaceCrop, region: Region
) -> tuple[RegionPlane, RegionPixels]:
    """Steepened cover, and paint where it counts; the painters' in their windows.

    `cover` is the answer's own in the region, and is written over.
    """
    shares = []
    for painter in answer.painters:
        window = _window_crop(crop, painter)
        place = clipped(window.corners(), region)
        own = place_cells(painter.cover, window, place)[..., 0]
        own *= inside_in_frame(window, place, 0.0, _PAINTER_EDGE)
        within = cover[part_inside(place, region)]
        within += own * (1 - within)  # one over the other, in their order
        own /= np.maximum(within, np.float32(1e-6))
        shares.append((painter, window, place, own))
    steep = smooth_step((cover - COVER_BEGINS) / (COVER_ENDS - COVER_BEGINS))
    paint = np.zeros((*cover.shape, 3), np.float32)
    painted = box_of(steep, region)
    paint[part_inside(painted, region)] = np.clip(place_cells(answer.paint, crop, painted), 0, 1)
    for painter, window, place, share in shares:
        for part in _parts_above_0(share, place):
            under = paint[part_inside(part, region)]
            own = share[part_inside(part, place)]
            placed = place_cells(painter.paint, window, part)
            for channel in range(3):  # twice as fast as all at once
                over = placed[..., channel] - under[..., channel]
                over *= own
                over += under[..., channel]
                np.clip(over, 0.0, 1.0, out=under[..., channel])
    return steep, paint


def _placed_planes(
    cells: Sequence[Float[np.ndarray, "..."]], crop: FaceCrop, region: Region
) -> list[Float[np.ndarray, "..."]]:
    """Place values [cell, cell, channel]; those with as many cells together, as four cost what one
    does.

    Planes come as [channel, row, column], which is several times as fast to work on.
    """
    result = list(cells)
    for count in {len(values) for values in cells}:
        own = [number for number, values in enumerate(cells) if len(values) == count]
        together = place_cells(np.concatenate([cells[i] for i in own], axis=2), crop, region)
        ends = np.cumsum([cells[i].shape[2] for i in own])[:-1]
        for number, planes in zip(own, np.split(np.moveaxis(together, 2, 0), ends), strict=True):
            result[number] = planes
    return result


def _window_crop(crop: FaceCrop, painter: Painter) -> FaceCrop:
    """Return the square of a painter in the frame."""
    left, top, right, _ = painter.window
    cells = painter.cover.shape[0]
    corner = crop.place(np.array([[left, top]]) * crop.side_px)[0]
    linear = crop.frame_from_crop[:, :2] * ((right - left) * crop.side_px / cells)
    return FaceCrop(np.column_stack([linear, corner]), cells)


def _parts_above_0(share: RegionPlane, place: Region) -> Iterator[Region]:
    """Small parts of a place that hold all of its shares above 0."""
    (top, bottom), (left, right) = ((axis.start, axis.stop) for axis in place)
    for row in range(top, bottom, _PART_PX):
        for column in range(left, right, _PART_PX):
            rows, columns = (
                slice(row, min(row + _PART_PX, bottom)),
                slice(column, min(column + _PART_PX, right)),
            )
            within = box_of(share[part_inside((rows, columns), place)], (rows, columns))
            if within[0].start < within[0].stop:
                yield within


def _larger_stretch(
    motion: Float[np.ndarray, "cells cells 2"],
) -> Float[np.ndarray, "cells cells"] | None:
    """Return the larger singular value of the map from target to source, if it is too large."""
    if len(motion) < 2:
        return None
    (xy, xx), (yy, yx) = (
        np.gradient(motion[..., axis] * np.float32(len(motion))) for axis in (0, 1)
    )
    turning, shearing = np.hypot(2 + xx + yy, yx - xy), np.hypot(xx - yy, xy + yx)
    larger = (turning + shearing) / 2
    return None if larger.max() <= FREE_FOOTPRINT else larger
