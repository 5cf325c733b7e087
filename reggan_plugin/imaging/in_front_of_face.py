"""What stands before a face, such as hair or spectacles: it stays, and is not drawn along.

Nor is what lies beside and behind a head, which moves over it.
"""

import math
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Bool, Float, RegionPlane
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import Region, part_inside, place_cells
from reggan_plugin.interpolation import sampled
from reggan_plugin.kernels.pictures import largest_around

_EDGE = 0.07
"""Share of a pixel from which on its colour is no longer one of the face."""
_HALF = 0.5
_SLOW = 0.003
"""Parts of the crop's side below which motion is no reason to look behind what may be in front."""
_UNSURE = 0.022
"""Parts of the crop's side from the edge of what is wide (hair) within which it is still taken for
the face: its matte ends beside its edge, and its own colours are less odd there than a blur."""
_WIDE = 2
"""Half of what counts as wide, in such parts."""
_RING = 1
"""Pixels of the matte around what is thin (rims) that still have a little of its colour."""
WHOLE = 0.999
"""From here on a pixel is all front, and keeps its bits."""


def hidden_share(front: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """How little of a pixel's colour is of use for what is behind: 1 where anything is before."""
    return np.minimum(front / np.float32(_EDGE), np.float32(1.0))


def within(mask: Bool[np.ndarray, "rows columns"], reach: int) -> Bool[np.ndarray, "rows columns"]:
    """Return the mask, reaching further in x and y."""
    return largest_around(mask, reach)


@frozen(eq=False)
class Front:
    """A matte of what stands before a face, and where it lies in a picture.

    Attributes:
        matte: in [0, 1], over the crop of the face.
        crop: of the face, in the picture.
        around: rows and columns of the picture that are looked at again and again, in part: what
            lies in them is worked out once.
    """

    matte: Float[np.ndarray, "side side 1"]
    crop: FaceCrop
    around: Region = (slice(0, 0), slice(0, 0))

    @property
    def side_px(self) -> float:
        """Of the crop, in pixels of the picture."""
        return self.crop.scale * self.crop.side_px

    def at(self, region: Region) -> RegionPlane:
        """Return the matte at the pixels of a region of the picture."""
        part = self._part(region)
        return self._placed(self.matte, region)[0] if part is None else self._around[0][part]

    def staying(
        self, region: Region, moved_px: Float[np.ndarray, " pixels"]
    ) -> Float[np.ndarray, " pixels"]:
        """Return the share of each pixel of a region that stays as it is.

        What may be in front, and hardly moves, stays: beneath it only a blur would come out.

        Args:
            region: rows and columns of the picture.
            moved_px: length of the motion at the region's pixels, flattened.
        """
        front = self.at(region).ravel()
        slow = 1 - moved_px / np.float32(_SLOW * self.side_px)
        may_be = np.maximum(hidden_share(front), self.hidden(region).ravel())
        return np.maximum(front, may_be * np.clip(slow, 0.0, 1.0))

    def stays(self, region: Region) -> Bool[np.ndarray, "rows columns"]:
        """Pixels of a region that show what stands before the face, most of all."""
        return self.at(region) > _HALF

    def hidden(self, region: Region) -> RegionPlane:
        """`hidden_share` of what surely hides a face, at the pixels of a region of the picture."""
        part = self._part(region)
        if part is None:
            return hidden_share(self._placed(self._sure, region)[0])
        return self._around[1][part]

    def _part(self, region: Region) -> Region | None:
        """Where a region lies in `around`, if it does."""
        pairs = zip(region, self.around, strict=True)
        is_inside = all(o.start <= one.start <= one.stop <= o.stop for one, o in pairs)
        return part_inside(region, self.around) if is_inside else None

    def _placed(
        self, values: Float[np.ndarray, "side side channels"], region: Region
    ) -> Float[np.ndarray, "channels rows columns"]:
        return np.clip(np.moveaxis(place_cells(values, self.crop, region), 2, 0), 0.0, 1.0)

    @cached_property
    def _around(self) -> tuple[RegionPlane, RegionPlane]:
        """The matte, and what is hidden, in `around`: two planes cost little more than one."""
        both = np.concatenate([self.matte, self._sure], axis=2)
        matte, sure = self._placed(both, self.around)
        return matte, hidden_share(sure)

    @cached_property
    def _sure(self) -> Float[np.ndarray, "side side 1"]:
        matte = self.matte[..., 0]
        reach = max(1, round(_UNSURE * len(matte)))
        is_face = matte < _HALF
        wide = within(~within(is_face, _WIDE * reach), (_WIDE + 2) * reach)
        inner = Image.fromarray(~within(is_face, reach)).convert("L").filter(ImageFilter.BoxBlur(1))
        thin = largest_around(np.round(matte * 255).astype(np.uint8), _RING)
        sure = np.where(wide, np.asarray(inner), thin * within(~is_face, 2 * reach))
        return sure[..., None] / np.float32(255)

    def moved(self, x_px: int, y_px: int) -> "Front":
        """Return the same in a picture whose corner lies at (-x_px, -y_px) of this one's."""
        return Front(matte=self.matte, crop=self.crop.moved(x_px, y_px))


@frozen(eq=False)
class Beside:
    """What is beside a head, before and after it moves, and where it lies in a picture.

    Attributes:
        share: that stays, in [0, 1], over the crop of the face.
        crop: of the face, in the picture.
    """

    share: Float[np.ndarray, "side side 1"]
    crop: FaceCrop

    @classmethod
    def of(
        cls,
        head: Float[np.ndarray, "side side 1"],
        motion: Float[np.ndarray, "cells cells 2"],
        crop: FaceCrop,
    ) -> "Beside":
        """Find what a head does not come over: places that would show what lay beside it.

        A head that draws back leaves nothing there that a picture shows.

        Args:
            head: its matte, over the crop.
            motion: from each place to where its surface was, in parts of the crop's side.
            crop: where it lies in the picture.
        """
        off, side = 1 - head, len(head)
        levels = np.ceil(off[..., 0] * 255).astype(np.uint8)
        y, x = np.nonzero(largest_around(levels, math.ceil(np.abs(motion).max() * side)))
        at = ((np.stack([x, y], axis=1) + 0.5) / side).astype(np.float32)
        was = at + sampled(motion, at * np.float32(len(motion)))
        share = np.zeros_like(off)
        share[y, x] = sampled(off, was * np.float32(side))
        return cls(share=share, crop=crop)

    def at(self, region: Region) -> RegionPlane:
        """Return the share of each pixel of a region that stays as it is."""
        return np.clip(place_cells(self.share, self.crop, region)[..., 0], 0.0, 1.0)

    def moved(self, x_px: int, y_px: int) -> "Beside":
        """Return the same in a picture whose corner lies at (-x_px, -y_px) of this one's."""
        return Beside(share=self.share, crop=self.crop.moved(x_px, y_px))
