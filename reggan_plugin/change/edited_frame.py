"""A picture, and the faces in it on their way through a change."""

from collections.abc import Iterator
from dataclasses import field, replace

import numpy as np

from reggan_plugin.array_types import Pixels, Plane, RegionPixels, RegionPlane
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.backdrop import Underlay
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.crop import Region, ShownFace
from reggan_plugin.imaging.moved_part import MovedPart
from reggan_plugin.imaging.region_limits import RegionLimits
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
