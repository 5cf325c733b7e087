"""Paste a model's answer back into the picture that its face was cut from: the only place."""

from dataclasses import dataclass, field

import numpy as np

from reggan_plugin.answers.batched_model import Answer, PictureAnswer
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.array_types import Float
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.composite_picture import composite
from reggan_plugin.imaging.frame_motion import motion_in_frame
from reggan_plugin.imaging.in_front_of_face import Front
from reggan_plugin.imaging.least_change import region_of_change
from reggan_plugin.imaging.moved_part import MovedPart, moved_part
from reggan_plugin.imaging.region_limits import RegionLimits, limit_mask
from reggan_plugin.imaging.region_limits_of_motion import limit_motion
from reggan_plugin.transfer.cut_face import CutFace, CutFrame, Picture, underlay_of

_MOST_AT_ONCE, _MOST_MOVED_AT_ONCE = 2**22, 2**21
"""Pixels of a face that are composed at once: a face in a 16k frame can have 50 million."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EditedFrame:
    """A frame after its edit.

    Attributes:
        pixels: as stored.
        weight: of the change in each, 0 to 1.
        alpha: as stored; None if the frame keeps its own.
        parts: the change as data, where that is wanted and the model says it; of parts that
            overlap the later one counts.
    """

    pixels: Float[np.ndarray, "height width 3"]
    weight: Float[np.ndarray, "height width"]
    alpha: Float[np.ndarray, "height width"] | None = None
    parts: list[MovedPart] = field(default_factory=list)


def limited_answer(
    answer: Answer, limits: RegionLimits, canonical: Float[np.ndarray, "6 2"]
) -> Answer:
    """The answer where the change counts; `canonical` are the landmarks in parts of the side."""
    if isinstance(answer, MotionAnswer):
        return limit_motion(answer, limits, canonical)
    after, mask = answer
    return after, limit_mask(mask, limits, canonical)


@dataclass(frozen=True, kw_only=True, eq=False)
class AnsweredFrame:
    """A picture with what the model answered for each of its faces, and where that counts."""

    cut: CutFrame
    answers: tuple[Answer, ...]

    def compose(self) -> EditedFrame:
        """The picture with its changed faces; in any thread."""
        picture = self.cut.picture
        shape = picture.pixels.shape[:2]
        moves_alpha = picture.moves_alpha and picture.alpha is not None
        result = EditedFrame(
            pixels=picture.pixels.copy(),
            weight=np.zeros(shape, dtype=np.float32),
            alpha=picture.alpha.copy() if moves_alpha and picture.alpha is not None else None,
        )
        pairs = zip(self.cut.faces, self.answers, strict=True)
        for index, (face, answer) in enumerate(pairs):
            if isinstance(answer, MotionAnswer):
                _move(result, picture, face, answer, index)
                continue
            for band in face.bands(_MOST_AT_ONCE):
                _put_back(result, picture, band, answer, is_first=index == 0)
        return result


def _move(
    result: EditedFrame, picture: Picture, face: CutFace, answer: MotionAnswer, index: int
) -> None:
    """Move, in place, the pixels of a face; of two that overlap, the second moves the first."""
    is_first = index == 0
    source = _source_of(result, picture, face, answer, is_first=is_first)
    before = result.weight > 0 if picture.keeps_parts and not is_first else None
    changed_part = region_of_change(answer, face.crop, *face.display.shape[:2])
    for band in face.part(changed_part).bands(_MOST_MOVED_AT_ONCE):
        matte = None if picture.matte is None else picture.matte[band.region]
        local = slice(0, band.display.shape[0]), slice(0, band.display.shape[1])
        motion = motion_in_frame(answer, band.crop, local, matte)
        moves_alpha = result.alpha is not None
        moved = composite_motion(source, motion, band.region, moves_alpha=moves_alpha)
        result.pixels[band.region] = moved.pixels
        if result.alpha is not None and moved.alpha is not None:
            result.alpha[band.region] = moved.alpha
        so_far = result.weight[band.region]
        so_far[:] = moved.weight if is_first else np.maximum(so_far, moved.weight)
        if picture.keeps_parts:
            result.parts.append(moved_part(source, motion, moved, band.region, before, face=index))


def _source_of(
    result: EditedFrame,
    picture: Picture,
    face: CutFace,
    answer: MotionAnswer,
    *,
    is_first: bool,
) -> StoredPicture:
    """The picture that surfaces of a face are taken from: the frame, with faces moved before."""
    pixels, alpha, coding = picture.pixels, picture.alpha, picture.coding
    front = _front_of(face, answer)
    if is_first and front is None:
        underlay = picture.underlay(face.region)
        return StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)
    if not is_first:
        pixels = result.pixels.copy()
        alpha = alpha if result.alpha is None else result.alpha.copy()
    underlay = underlay_of(pixels, alpha, face.region, coding, front)
    return StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)


def _front_of(face: CutFace, answer: MotionAnswer) -> Front | None:
    if answer.front is None:
        return None
    in_picture = face.crop.moved(face.region[1].start, face.region[0].start)
    return Front(matte=answer.front, crop=in_picture)


def _put_back(
    result: EditedFrame, picture: Picture, face: CutFace, answer: PictureAnswer, *, is_first: bool
) -> None:
    """Change, in place, the pixels of a face; of two that overlap, the second over the first."""
    after, mask = answer
    stored = result.pixels[face.region]
    display = face.display if is_first else picture.display(face.region, stored)
    alpha = picture.alpha_in(face.region)
    usable = colour.finite_pixels(display)
    if alpha is not None:
        usable &= np.isfinite(alpha) & (alpha > 0)
    matte = None if picture.matte is None else picture.matte[face.region]
    shown = colour.finite_values(display)
    edited, weight = composite(shown, face.before, after, mask, face.crop, matte)
    new = colour.stored_from_display(edited, alpha, picture.coding)
    changed = (weight > 0) & usable & colour.finite_pixels(new)
    result.pixels[face.region] = np.where(changed[..., None], new, stored)
    so_far = result.weight[face.region]
    result.weight[face.region] = np.maximum(so_far, np.where(changed, weight, np.float32(0.0)))
