"""A face cut out of a picture for the model, and the model's answer put back: the only place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reggan_plugin.answers.batched_model import Answer, PictureAnswer
from reggan_plugin.answers.motion_answer import MotionAnswer
from reggan_plugin.array_types import Float
from reggan_plugin.display_picture import coding_of
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.backdrop import Underlay, continue_under_alpha
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.composite import composite
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.crop import Region, cut_crop
from reggan_plugin.imaging.frame_motion import motion_in_frame
from reggan_plugin.imaging.front import Front
from reggan_plugin.imaging.limited_motion import limit_motion
from reggan_plugin.imaging.motion_extent import region_of_change
from reggan_plugin.imaging.moved_part import MovedPart, moved_part
from reggan_plugin.imaging.region import RegionLimits, limit_mask

_MOST_AT_ONCE, _MOST_MOVED_AT_ONCE = 2**22, 2**21
"""Pixels of a face that are composed at once: a face in a 16k frame can have 50 million."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameEdit:
    """A frame, and what is to become of it.

    Attributes:
        frame: as read; its matte says how much of the change each pixel takes.
        mix: the expression; multiplied by each face's `intensity_share`.
        crops: where its faces are.
        exposure_ev: stops for a scene-linear frame.
        limits: where on a face the change counts.
        moves_alpha: whether alpha moves with the surfaces.
        keeps_parts: whether the change is wanted as data, too.
    """

    frame: Frame
    mix: ExpressionMix
    crops: Sequence[FaceCrop]
    exposure_ev: float = 0.0
    limits: RegionLimits = field(default_factory=RegionLimits)
    moves_alpha: bool = False
    keeps_parts: bool = False


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """Stored pixels, what they mean, and what each may take of a change."""

    pixels: Float[np.ndarray, "height width 3"]
    alpha: Float[np.ndarray, "height width"] | None = None
    coding: PixelCoding = field(default_factory=PixelCoding)
    limits: RegionLimits = field(default_factory=RegionLimits)
    matte: Float[np.ndarray, "height width"] | None = None
    moves_alpha: bool = False
    keeps_parts: bool = False
    _underlays: dict[tuple[int, ...], Underlay] = field(default_factory=dict, repr=False)

    def underlay(self, region: Region) -> Underlay:
        """Colours beneath what is transparent in a region; worked out once for each."""
        place = tuple(end for axis in region for end in (axis.start, axis.stop))
        if place not in self._underlays:
            self._underlays[place] = _underlay(self.pixels, self.alpha, region, self.coding)
        return self._underlays[place]

    def alpha_in(self, region: Region) -> Float[np.ndarray, "rows columns"] | None:
        """Alpha in a region."""
        return None if self.alpha is None else self.alpha[region]

    def display(
        self, region: Region, stored: Float[np.ndarray, "rows columns 3"]
    ) -> Float[np.ndarray, "rows columns 3"]:
        """The display image of stored pixels of a region."""
        return colour.display_from_stored(stored, self.alpha_in(region), self.coding)


@dataclass(frozen=True, kw_only=True, eq=False)
class CutFace:
    """A face on its way through the model.

    Attributes:
        region: the part of the picture around it.
        crop: where the face lies in the region.
        display: the region's display image.
        before: the face as the model sees it, sRGB-encoded, [0, 1].
        mix: what is asked for.
    """

    region: Region
    crop: FaceCrop
    display: Float[np.ndarray, "rows columns 3"]
    before: Float[np.ndarray, "side side 3"]
    mix: ExpressionMix

    def bands(self, most_px: int) -> Iterator["CutFace"]:
        """The face in parts of its region, from top to bottom; one if it is not large."""
        height, width = self.display.shape[:2]
        step = max(1, most_px // max(1, width))
        for top in range(0, height, step):
            yield self.part((slice(top, min(top + step, height)), slice(0, width)))

    def part(self, within: Region) -> "CutFace":
        """The face in some rows and columns of its region, counted from its corner."""
        rows, columns = (
            slice(axis.start + part.start, axis.start + part.stop)
            for axis, part in zip(self.region, within, strict=True)
        )
        crop = self.crop.moved(-within[1].start, -within[0].start)
        return replace(self, region=(rows, columns), crop=crop, display=self.display[within])


def cut_face(picture: Picture, region: Region, crop: FaceCrop, mix: ExpressionMix) -> CutFace:
    """A face as the model is to see it; `crop` lies in the region."""
    display = picture.display(region, picture.pixels[region])
    before = np.clip(cut_crop(np.clip(_finite(display), 0.0, 1.0), crop), 0.0, 1.0)
    alpha = picture.alpha_in(region)
    if alpha is not None:
        coverage = np.nan_to_num(alpha, nan=0.0)[..., None]
        before = continue_under_alpha(before, cut_crop(coverage, crop)[..., 0])
    return CutFace(region=region, crop=crop, display=display, before=before, mix=mix)


@dataclass(frozen=True, kw_only=True, eq=False)
class CutFrame:
    """A picture and its faces, those that are turned away left out."""

    picture: Picture
    faces: tuple[CutFace, ...]


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
        np.maximum(result.weight[band.region], moved.weight, out=result.weight[band.region])
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
    underlay = _underlay(pixels, alpha, face.region, coding, front)
    return StoredPicture(pixels=pixels, alpha=alpha, coding=coding, underlay=underlay)


def _front_of(face: CutFace, answer: MotionAnswer) -> Front | None:
    if answer.front is None:
        return None
    in_picture = face.crop.moved(face.region[1].start, face.region[0].start)
    return Front(matte=answer.front, crop=in_picture)


def _underlay(
    pixels: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    region: Region,
    coding: PixelCoding,
    front: Front | None = None,
) -> Underlay:
    return Underlay(pixels, alpha, region, is_premultiplied=coding.is_premultiplied, front=front)


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
    edited, weight = composite(_finite(display), face.before, after, mask, face.crop, matte)
    new = colour.stored_from_display(edited, alpha, picture.coding)
    changed = (weight > 0) & usable & colour.finite_pixels(new)
    result.pixels[face.region] = np.where(changed[..., None], new, stored)
    so_far = result.weight[face.region]
    result.weight[face.region] = np.maximum(so_far, np.where(changed, weight, np.float32(0.0)))


def _finite(display: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
    return np.nan_to_num(display, nan=0.0, posinf=1.0, neginf=0.0)


def picture_of(edit: FrameEdit) -> Picture:
    """The picture that an edit changes, without its request."""
    return Picture(
        pixels=edit.frame.pixels,
        alpha=edit.frame.alpha,
        coding=coding_of(edit.frame, edit.exposure_ev),
        limits=edit.limits,
        matte=edit.frame.matte,
        moves_alpha=edit.moves_alpha,
        keeps_parts=edit.keeps_parts,
    )
