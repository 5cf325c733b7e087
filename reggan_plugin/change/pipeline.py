"""The way of a face, from the picture that it lies in to the changed one: the only list of steps.

    cut        `cut_crop`, then the backdrop of the model where the picture is transparent
    answer     the source's own answer, `finite`
    limit      `limit_motion`
    compose    `region_of_change`, `motion_in_frame`, `composite_motion`

Frames, textures, the page, the evaluation and the checks of an export all go this way. Steps of
`cut` and `compose` may run in any thread; `answer` takes the faces of many pictures at once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

import numpy as np

from reggan_plugin.array_types import CropPixels, Pixels, Plane, RegionPixels, RegionPlane
from reggan_plugin.change.answer import (
    Answer,
    AnswerSource,
    finite,
    held_inside,
    motion_in_frame,
    region_of_change,
)
from reggan_plugin.change.region_limits import RegionLimits
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.landmarks_and_pose import intensity_share
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.composite_motion import StoredPicture, composite_motion
from reggan_plugin.imaging.crop import (
    CroppedFace,
    FaceCrop,
    Region,
    ShownFace,
    cut_crop,
    part_inside,
    region_of,
)
from reggan_plugin.imaging.in_front_and_behind import (
    Beside,
    Front,
    Underlay,
    before_grey,
    continue_under_alpha,
)
from reggan_plugin.imaging.moved_part import MovedPart, moved_part
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard
from reggan_plugin.vocabulary.expression import ExpressionMix


@frozen(eq=False)
class Picture:
    """Stored pixels, what they mean, and what each may take of a change."""

    pixels: Pixels
    alpha: Plane | None = None
    coding: PixelCoding = field(default_factory=PixelCoding)
    limits: RegionLimits = field(default_factory=RegionLimits)
    matte: Plane | None = None
    moves_alpha: bool = False
    keeps_parts: bool = False
    _underlays: dict[tuple[int, ...], Underlay] = field(default_factory=dict, repr=False)

    def underlay(self, region: Region) -> Underlay:
        """Colours beneath what is transparent in a region; worked out once for each."""
        place = tuple(end for axis in region for end in (axis.start, axis.stop))
        if place not in self._underlays:
            self._underlays[place] = Underlay(
                self.pixels, self.alpha, region, is_premultiplied=self.coding.is_premultiplied
            )
        return self._underlays[place]

    def alpha_in(self, region: Region) -> RegionPlane | None:
        """Alpha in a region."""
        return None if self.alpha is None else self.alpha[region]

    def display(self, region: Region, stored: RegionPixels) -> RegionPixels:
        """Return the display image of stored pixels of a region."""
        return colour.display_from_stored(stored, self.alpha_in(region), self.coding)


@frozen(eq=False)
class CutFace:
    """A face on its way through the model.

    Attributes:
        region: the part of the picture around it.
        crop: where the face lies in the region.
        display: the region's display image, in [0, 1].
        before: the face as it is shown to the model.
        mix: what is asked for.
    """

    region: Region
    crop: FaceCrop
    display: RegionPixels
    before: ShownFace
    mix: ExpressionMix

    def bands(self, most_px: int) -> Iterator["CutFace"]:
        """Cut the face into parts of its region, from top to bottom; one if it is not large."""
        height, width = self.display.shape[:2]
        step = max(1, most_px // max(1, width))
        for top in range(0, height, step):
            yield self.part((slice(top, min(top + step, height)), slice(0, width)))

    def part(self, within: Region) -> "CutFace":
        """Cut out some rows and columns of the face's region, counted from its corner."""
        rows, columns = (
            slice(axis.start + part.start, axis.start + part.stop)
            for axis, part in zip(self.region, within, strict=True)
        )
        crop = self.crop.moved(-within[1].start, -within[0].start)
        return replace(self, region=(rows, columns), crop=crop, display=self.display[within])


@frozen(eq=False)
class FrameCrops:
    """A picture and its faces, those that are turned away left out."""

    picture: Picture
    faces: tuple[CutFace, ...]


@frozen(eq=False)
class EditedFrame:
    """A frame after its edit: what may have changed, and all of it on request.

    Attributes:
        before: pixels of the whole frame, as stored.
        box: its rows and columns beyond which nothing changed.
        inside: pixels of the box after the edit.
        inside_weight: of the change in each of them, 0 to 1.
        alpha: as stored; None if the frame keeps its own.
        parts: the change as data, where that is wanted and the model says it; of parts that
            overlap the later one counts.
    """

    before: Pixels
    box: Region
    inside: RegionPixels
    inside_weight: RegionPlane
    alpha: Plane | None = None
    parts: list[MovedPart] = field(default_factory=list)

    @classmethod
    def unchanged(cls, before: Pixels) -> "EditedFrame":
        """Take a frame that did not change at all."""
        nowhere = slice(0, 0), slice(0, 0)
        weight = np.zeros((0, 0), np.float32)
        return cls(before=before, box=nowhere, inside=before[nowhere], inside_weight=weight)

    @property
    def pixels(self) -> Pixels:
        """All pixels of the frame, as stored: a new array each time."""
        whole = self.before.copy()
        whole[self.box] = self.inside
        return whole

    @property
    def weight(self) -> Plane:
        """Weight of the change in each pixel of the frame: a new array each time."""
        whole = np.zeros(self.before.shape[:2], np.float32)
        whole[self.box] = self.inside_weight
        return whole


Face = CropPixels
"""A crop as a model sees it, sRGB-encoded, in [0, 1]."""
MOST_FINER, _FINER_STEPS = 4, 4
"""Most sides of a model's crop at which details are seen, and steps between one and the next: eyes,
mouths and edges cost by their pixels, and more of them than a frame has show nowhere."""
_MOST_AT_ONCE = 2**21
"""Pixels of a face that are composed at once: a face in a 16k frame can have 50 million."""


def cut_faces(
    picture: Picture, mix: ExpressionMix, crops: Sequence[FaceCrop], card: ModelCard
) -> FrameCrops:
    """All faces of a picture; those that lie outside, or are turned too far, are left out.

    Args:
        picture: that they lie in.
        mix: what each is asked for, multiplied by its `intensity_share`.
        crops: where they are.
        card: of the model that will see them.
    """
    faces = []
    for crop in crops:
        share = intensity_share(crop.yaw_deg, card.max_yaw_deg, card.handling.fade_deg)
        region = region_of(crop, *picture.pixels.shape[:2], with_margin=True)
        own = mix.of_face(crop.face)
        is_left = bool(mix.by_face) and own.changes_nothing
        if share == 0.0 or is_left or picture.pixels[region].size == 0:
            continue
        local = crop.moved(-region[1].start, -region[0].start)
        asked = own if share == 1.0 else own.scaled(share)
        faces.append(cut_face(picture, region, local, asked, card))
    return FrameCrops(picture=picture, faces=tuple(faces))


def cut_face(
    picture: Picture,
    region: Region,
    crop: FaceCrop,
    mix: ExpressionMix,
    card: ModelCard,
    *,
    most_finer: int = MOST_FINER,
) -> CutFace:
    """Cut out a face as the model of a card is to see it; `crop` lies in the region.

    Its details are seen at up to so many times the side of the model's own crop: for a draft 1.
    """
    display = picture.display(region, picture.pixels[region])
    display = colour.clipped_values(display)
    small = np.clip(cut_crop(display, crop), 0.0, 1.0)
    alpha, coverage = picture.alpha_in(region), None
    if alpha is not None and not (alpha == 1).all():
        coverage = colour.finite_values(alpha, infinity=0.0)
        backdrop = before_grey if card.handling.backdrop == "grey" else continue_under_alpha
        small = backdrop(small, cut_crop(coverage[..., None], crop)[..., 0])
    before: ShownFace = small
    finer = min(finer_for(crop, card), most_finer)
    if finer > 1:
        before = CroppedFace(small, display, crop.finer(finer), coverage)
    return CutFace(region=region, crop=crop, display=display, before=before, mix=mix)


def finer_for(crop: FaceCrop, card: ModelCard) -> float:
    """Say at how many times the side of a model's crop it is shown the details of a face.

    A rig paints eyes and mouths at the frame's own resolution; networks have a size of their own.
    """
    if card.contract != RIG_CONTRACT:
        return 1
    return min(max(1.0, math.ceil(crop.scale * _FINER_STEPS) / _FINER_STEPS), MOST_FINER)


def answer_faces(
    source: AnswerSource,
    faces: Sequence[ShownFace],
    mixes: Sequence[ExpressionMix],
    known: Sequence[FaceInShot | None] | None = None,
) -> list[Answer]:
    """Ask for the change of faces.

    Args:
        source: that is asked.
        faces: crops of its side.
        mixes: what each is asked for.
        known: what a shot says of each face, in parts of the crop's side.

    Raises:
        ModelError, DeviceMemoryError: as `AnswerSource.answer`.
    """
    return [finite(answer) for answer in source.answer(faces, mixes, known)]


@frozen(eq=False)
class FrameAnswers:
    """A picture with the answer for each of its faces, within what a user limits it to."""

    cut: FrameCrops
    answers: tuple[Answer, ...]

    def compose(self) -> EditedFrame:
        """Composite the changed faces into the picture; in any thread."""
        picture, pairs = self.cut.picture, []
        for face, answer in zip(self.cut.faces, self.answers, strict=True):
            answer = held_inside(answer, face.crop, *face.display.shape[:2])
            changed = region_of_change(answer, face.crop, *face.display.shape[:2])
            pairs.append((face, face.part(changed), answer))
        box = _box_around([part.region for _, part, _ in pairs])
        moves_alpha = picture.moves_alpha and picture.alpha is not None
        result = EditedFrame(
            before=picture.pixels,
            box=box,
            inside=picture.pixels[box].copy(),
            inside_weight=np.zeros(picture.pixels[box].shape[:2], np.float32),
            alpha=picture.alpha.copy() if moves_alpha and picture.alpha is not None else None,
        )
        for index, (face, part, answer) in enumerate(pairs):
            _move(result, picture, face, part, answer, index)
        return result


def change_picture(picture: Pixels, crop: FaceCrop, answer: Answer) -> EditedFrame:
    """Change a face in an opaque picture, sRGB-encoded, by an answer that is there already."""
    height, width = picture.shape[:2]
    before = np.clip(cut_crop(picture, crop), 0.0, 1.0)
    whole = slice(0, height), slice(0, width)
    face = CutFace(region=whole, crop=crop, display=picture, before=before, mix=ExpressionMix())
    cut = FrameCrops(picture=Picture(pixels=picture), faces=(face,))
    return FrameAnswers(cut=cut, answers=(answer,)).compose()


def change_crop(crop: Face, answer: Answer) -> EditedFrame:
    """Change a crop as if it were a whole frame."""
    return change_picture(crop, FaceCrop(np.eye(2, 3), len(crop)), answer)


def _box_around(regions: Sequence[Region]) -> Region:
    """Return the smallest box that holds regions, empty ones left out."""
    filled = [one for one in regions if all(axis.start < axis.stop for axis in one)]
    if not filled:
        return slice(0, 0), slice(0, 0)
    rows, columns = (
        slice(min(axis.start for axis in axes), max(axis.stop for axis in axes))
        for axes in zip(*filled, strict=True)
    )
    return rows, columns


def _move(
    result: EditedFrame, picture: Picture, face: CutFace, part: CutFace, answer: Answer, index: int
) -> None:
    """Move, in place, the pixels of a face; of two that overlap, the second moves the first.

    Args:
        result: that takes them.
        picture: before any face moved.
        face: that moves.
        part: of it, beyond which its answer changes nothing.
        answer: to it.
        index: number of the face, in the order in which they move.
    """
    is_first = index == 0
    source = _source_of(result, picture, face, answer, is_first=is_first)
    before = result.weight > 0 if picture.keeps_parts and not is_first else None
    if not part.display.size:
        return
    for band in part.bands(_MOST_AT_ONCE):
        matte = None if picture.matte is None else picture.matte[band.region]
        local = slice(0, band.display.shape[0]), slice(0, band.display.shape[1])
        motion = motion_in_frame(answer, band.crop, local, matte)
        moves_alpha = result.alpha is not None
        moved = composite_motion(source, motion, band.region, moves_alpha=moves_alpha)
        own = part_inside(band.region, result.box)
        result.inside[own] = moved.pixels
        if result.alpha is not None and moved.alpha is not None:
            result.alpha[band.region] = moved.alpha
        so_far = result.inside_weight[own]
        so_far[:] = moved.weight if is_first else np.maximum(so_far, moved.weight)
        if picture.keeps_parts:
            result.parts.append(moved_part(source, motion, moved, band.region, before, face=index))


def _source_of(
    result: EditedFrame, picture: Picture, face: CutFace, answer: Answer, *, is_first: bool
) -> StoredPicture:
    """Find the picture that surfaces of a face are taken from: the frame, earlier faces moved."""
    pixels, alpha, coding = picture.pixels, picture.alpha, picture.coding
    in_picture = face.crop.moved(face.region[1].start, face.region[0].start)
    front = beside = None
    if answer.head is not None:
        beside = Beside.of(answer.head, answer.motion, in_picture)
    if answer.front is not None:
        pixels_px = face.display.shape[0] * face.display.shape[1]
        around = face.region if pixels_px <= _MOST_AT_ONCE else (slice(0, 0), slice(0, 0))
        front = Front(matte=answer.front, crop=in_picture, around=around)
    if is_first and front is None:
        underlay = picture.underlay(face.region)
        return StoredPicture(
            pixels=pixels, alpha=alpha, coding=coding, underlay=underlay, beside=beside
        )
    if not is_first:
        pixels = result.pixels
        alpha = alpha if result.alpha is None else result.alpha.copy()
    premultiplied = coding.is_premultiplied
    underlay = Underlay(pixels, alpha, face.region, is_premultiplied=premultiplied, front=front)
    return StoredPicture(
        pixels=pixels, alpha=alpha, coding=coding, underlay=underlay, beside=beside
    )
