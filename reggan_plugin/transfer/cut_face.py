"""Cut faces out of a picture for the model: what it sees, also behind transparent pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.turned_heads import intensity_share
from reggan_plugin.files.frame import Frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.backdrop import Underlay, before_grey, continue_under_alpha
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.crop import Region, cut_crop, region_of
from reggan_plugin.imaging.in_front_of_face import Front
from reggan_plugin.imaging.region_limits import RegionLimits
from reggan_plugin.models.model_card import MOTION_CONTRACT, ModelCard
from reggan_plugin.transfer.display_picture import coding_of
from reggan_plugin.vocabulary.expression_mix import ExpressionMix


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
            self._underlays[place] = underlay_of(self.pixels, self.alpha, region, self.coding)
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


def cut_face(
    picture: Picture, region: Region, crop: FaceCrop, mix: ExpressionMix, card: ModelCard
) -> CutFace:
    """A face as the model of a card is to see it; `crop` lies in the region."""
    display = picture.display(region, picture.pixels[region])
    shown = colour.clipped_values(colour.finite_values(display))
    before = np.clip(cut_crop(shown, crop), 0.0, 1.0)
    alpha = picture.alpha_in(region)
    if alpha is not None:
        coverage = colour.finite_values(alpha, infinity=0.0)[..., None]
        backdrop = before_grey if card.contract == MOTION_CONTRACT else continue_under_alpha
        before = backdrop(before, cut_crop(coverage, crop)[..., 0])
    return CutFace(region=region, crop=crop, display=display, before=before, mix=mix)


@dataclass(frozen=True, kw_only=True, eq=False)
class CutFrame:
    """A picture and its faces, those that are turned away left out."""

    picture: Picture
    faces: tuple[CutFace, ...]


def underlay_of(
    pixels: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    region: Region,
    coding: PixelCoding,
    front: Front | None = None,
) -> Underlay:
    """Colours beneath what is transparent in a region, or lies under what is in front."""
    return Underlay(pixels, alpha, region, is_premultiplied=coding.is_premultiplied, front=front)


def cut_faces(
    picture: Picture, mix: ExpressionMix, crops: Sequence[FaceCrop], card: ModelCard
) -> CutFrame:
    """All faces of a picture; those that lie outside, or are turned too far, are left out.

    Args:
        picture: that they lie in.
        mix: multiplied by the `intensity_share` of each.
        crops: where they are.
        card: of the model that will see them.
    """
    faces = []
    for crop in crops:
        share = intensity_share(crop.yaw_deg, card.max_yaw_deg)
        region = region_of(crop, *picture.pixels.shape[:2], with_margin=True)
        if share == 0.0 or picture.pixels[region].size == 0:
            continue
        local = crop.moved(-region[1].start, -region[0].start)
        asked = mix if share == 1.0 else mix.scaled(share)
        faces.append(cut_face(picture, region, local, asked, card))
    return CutFrame(picture=picture, faces=tuple(faces))


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
