"""What stands before a face, such as hair or spectacles, stays, and is not drawn along; nor is what
lies beside and behind a head, which moves over it. A backdrop for pictures with alpha, so that a
model sees no edge where there is none.
"""

import math
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import (
    Bool,
    CropPixels,
    CropPlane,
    Float,
    Int,
    Pixels,
    Plane,
    RegionPixels,
    RegionPlane,
)
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, Region, box_of, part_inside, place_cells
from reggan_plugin.kernels.pixel_values import (
    average_blocks,
    blur,
    largest_around,
    lay_over,
    line_ends,
    run_on,
    sureness,
)
from reggan_plugin.kernels.sampling import sampled

_EDGE = 0.07
"""Share of a pixel from which on its colour is no longer one of the face."""
_HALF = 0.5
"""Of the matte: from here on a pixel shows what is in front; of a weight: a colour is known."""
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
        wide = largest_around(~largest_around(is_face, _WIDE * reach), (_WIDE + 2) * reach)
        inner = (
            Image.fromarray(~largest_around(is_face, reach))
            .convert("L")
            .filter(ImageFilter.BoxBlur(1))
        )
        thin = largest_around(np.round(matte * 255).astype(np.uint8), _RING)
        sure = np.where(wide, np.asarray(inner), thin * largest_around(~is_face, 2 * reach))
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


_LONGEST_UNDERLAY_PX = 1024
_ROWS_AT_ONCE = 1024
_NARROW = 0.022
"""Half of what counts as narrow, in parts of the crop's side: more than half of a rim."""
_LINES, _UNLIKE, _LONGER, _EVEN = 12, 10.0, 3.0, 3.0
"""Lines that are tried across what is narrow; how much it counts against one that its ends differ,
beside the usual difference, and that it is twice as long as the shortest: with less, skin is drawn
through a brow that ends beneath a rim; the part of `_NARROW` over which neighbours go the same way.
"""
_HAIRY = 0.06
"""How much colours differ from those around them, in parts of their brightness, from which on that
is hair. By eye."""
_NOT_SKIN = (0.5, 0.75)
"""How much a pixel is like the hair nearby rather than like what is bare, 0 to 1, between which its
grain is taken for hair's: skin that shines between hairs came out as pale speckles. By eye."""
_FEW = 1e-3
"""Share of the pixels around from which on hair has a colour of its own."""
_ENDS = 0.4
"""Way on which hair ends beneath a rim, in parts of that from border to border. By eye."""
_UNSURE_ALPHA, SURE_ALPHA = 0.5, 0.95
"""Up to the first a colour counts for nothing, from the second on in full. At the rim of a
silhouette a renderer has few samples of it, and a premultiplied file of 8 bits few levels."""


_GREY = np.float32(0.5)


def before_grey(image: CropPixels, alpha: CropPlane) -> CropPixels:
    """Lay the visible pixels over middle grey, for a model that answers with motion.

    Nothing of it can get into the frame, whose own pixels are moved, and a head is read best where
    it ends in what no head is made of: 0.1 dB to 0.2 dB better than before colours that run on.

    Args:
        image: straight RGB, sRGB-encoded.
        alpha: coverage in [0, 1]. From a half on a pixel is all its own, so that a head that fades
            away in a shot is seen as it is.
    """
    weight = np.clip(alpha / _UNSURE_ALPHA, 0.0, 1.0).astype(np.float32)[..., None]
    return image * weight + _GREY * (1 - weight) if weight.min() < 1.0 else image


def continue_under_alpha(image: RegionPixels, alpha: RegionPlane) -> RegionPixels:
    """Let the colours of the visible pixels run on beneath the transparent ones.

    What a renderer leaves under alpha 0 is mostly black. A model that answers with a picture and
    lowers a jaw would drag that black into the face; with this it drags skin.

    Args:
        image: straight RGB.
        alpha: coverage in [0, 1]; where it is 1 the image comes back as it is.
    """
    weight = np.clip(alpha, 0.0, 1.0).astype(np.float32)
    if weight.min() == 1.0:
        return image
    return run_on(image * weight[..., None], weight)


def _drawn_across(
    colours: Float[np.ndarray, "height width colours"],
    hole: Bool[np.ndarray, "height width"],
    reach: int,
) -> Float[np.ndarray, "height width colours"]:
    """Colours of a hole that is narrow, such as a rim, drawn across it from border to border.

    Of the lines through a pixel those count whose two ends look most alike: a brow that is seen on
    both sides of a rim goes on beneath it, and one that ends before the rim ends there. Beneath
    what is wide, such as a lock of hair, the colours stay.
    """
    is_deep = hole & ~largest_around(~hole, reach)
    is_thin = hole & ~largest_around(is_deep, 2 * reach)
    if not is_thin.any():
        return colours
    most, whole = 3 * reach, tuple(slice(0, length) for length in hole.shape)
    box = tuple(  # nothing that is further away counts
        slice(max(0, one.start - most), one.stop + most)
        for one in box_of(is_thin, (whole[0], whole[1]))
    )
    part, hole = colours[box], hole[box]
    own, flat = np.flatnonzero(is_thin[box]), part.reshape(-1, part.shape[2])
    angles = np.pi * np.arange(_LINES)[:, None] / _LINES
    angles, along = np.concatenate([angles, angles + np.pi]), np.arange(1, most + 1)
    ways = np.rint([along * np.sin(angles), along * np.cos(angles)]).astype(np.int64)
    ends, steps = line_ends(hole, ~hole, own, np.moveaxis(ways, 0, 2))
    usual, grain, tufts = _hair_grain(part, hole, reach)
    is_hair = tufts.ravel()
    # single hairs, or skin between them, would be drawn on as streaks
    smooth = (part + tufts[..., None] * (usual - part)).reshape(flat.shape)
    drawn, apart, length, grains = [], [], [], []
    for line in range(_LINES):
        (first, second), (near, far) = ends[line::_LINES], steps[line::_LINES]
        one, other, long = smooth[first], smooth[second], near + far
        is_whole = (first >= 0) & (second >= 0)
        beyond = [
            _beyond(grain, end, ways[:, way, np.rint(off).astype(int).clip(1, most) - 1])
            for end, off, way in ((first, near, line), (second, far, line + _LINES))
        ]
        length.append(np.where(is_whole, long, np.inf))
        unlike = np.subtract(one, other, dtype=np.float64)
        apart.append(np.where(is_whole, (unlike**2).sum(axis=1), 0))
        hairy = is_hair[first], is_hair[second]
        across = (near / long).astype(np.float32)
        # hair ends within a short way: mixed all the way, a brow would have a dark halo
        soon = np.clip((across - 0.5) / _ENDS + 0.5, 0, 1)
        across += np.abs(hairy[0] - hairy[1]) * (soon - across)
        drawn.append(one + across[:, None] * (other - one))
        # fading sooner than colours do, or there would be crumbs where hair ends
        parts = hairy[0] * (1 - across) ** 2, hairy[1] * across**2
        grains.append(beyond[0] * parts[0][:, None] + beyond[1] * parts[1][:, None])
    longer = np.stack(length) / np.minimum(np.min(length, axis=0), 2 * most) - 1
    usual = np.mean(apart, axis=0)
    weights = np.exp(-_UNLIKE * np.stack(apart) / np.maximum(usual, 1e-9) - _LONGER * longer)
    weights /= np.maximum(weights.sum(axis=0), 1e-9)
    total = np.zeros((len(own), 1), np.float32)
    mixed = np.zeros((len(own), flat.shape[1]), np.float32)
    most_even, hair = np.zeros(len(own), np.float32), np.zeros_like(mixed)
    for weight, long, colour, texture in zip(weights, length, drawn, grains, strict=True):
        plane = np.zeros(hole.shape, np.float32)
        plane.ravel()[own] = weight
        # neighbours go the same way, or single pixels would stand out
        even = blur(plane, reach / _EVEN).ravel()[own] * np.isfinite(long)
        total += even[:, None]
        mixed += even[:, None] * colour
        hair = np.where((even > most_even)[:, None], texture, hair)
        most_even = np.maximum(most_even, even)
    at = np.divmod(own, hole.shape[1])
    seen = flat[np.where(ends < 0, own, ends)]
    hair = np.clip(mixed / np.maximum(total, 1e-9) + hair, seen.min(axis=0), seen.max(axis=0))
    part[at] = np.where(total > 0, hair, part[at])
    return colours


def _hair_grain(
    colours: Float[np.ndarray, "height width colours"],
    hole: Bool[np.ndarray, "height width"],
    reach: int,
) -> tuple[
    Float[np.ndarray, "height width colours"], Float[np.ndarray, "height width colours"], Plane
]:
    """Return the hair's usual colours, its grain, and how much each place is hair, 0 to 1.

    The grain is what colours differ by from those around them, where it is much, as in hair; else
    0. Colours that are drawn across a hole have none of it: a brow would be a smear there. Skin
    beside a brow is no hair.
    """
    known = (~hole).astype(np.float32)
    near, far = reach / 3, reach
    counts = {wide: np.maximum(blur(known, wide), 1e-6) for wide in (near, far)}

    def usual(values: Float[np.ndarray, "height width"], wide: float) -> Plane:
        return blur(values * known, wide) / counts[wide]

    planes = np.moveaxis(colours, 2, 0)
    means = np.stack([usual(plane, near) for plane in planes])
    grain = planes - means
    grey, power = planes.mean(axis=0), grain.mean(axis=0) ** 2
    level = np.maximum(usual(np.abs(grey), far), 1e-9)
    share = known * np.clip(np.sqrt(usual(power, far).clip(0)) / (_HAIRY * level) - 1, 0, 1)
    # hair is more like what has most grain nearby than like what has none
    tuft, bare = (
        blur(grey * one, far) / np.maximum(blur(one, far), 1e-9)
        for one in (share * power / level**2, known * (1 - share))
    )
    way = tuft - bare
    scale = way / np.maximum(way**2, (1e-3 * level) ** 2)
    is_hair = np.clip(2 * (means.mean(axis=0) - bare) * scale - 0.5, 0, 1)
    is_hair *= known * np.minimum(2 * share, 1)
    least, whole = _NOT_SKIN
    share *= np.clip(((grey - bare) * scale - least) / (whole - least), 0, 1)
    count = blur(is_hair, near)
    of_hair = np.stack([blur(plane * is_hair, near) for plane in planes]) / np.maximum(count, 1e-6)
    means = np.where(count > _FEW, of_hair, means)
    return np.moveaxis(means, 0, 2), np.moveaxis(grain * share, 0, 2), is_hair


def _beyond(
    grain: Float[np.ndarray, "height width colours"],
    ends: Int[np.ndarray, " pixels"],
    ways: Int[np.ndarray, "2 pixels"],
) -> Float[np.ndarray, "pixels colours"]:
    """Return the grain so many rows and columns behind the ends of lines; 0 where there is none.

    Ends are flat indices, negative where a line has none.
    """
    places = np.stack(np.divmod(ends, grain.shape[1])) + ways
    size = np.array(grain.shape[:2])[:, None]
    inside = (ends >= 0) & ((places >= 0) & (places < size)).all(axis=0)
    return grain[tuple(places * inside)] * inside[:, None]


class Underlay:
    """Colours that run on beneath what is transparent, no number, or before a face.

    They are worked out once, when they are needed, at a resolution that bounds time and memory.
    """

    def __init__(
        self,
        pixels: Pixels,
        alpha: Plane | None,
        region: Region,
        *,
        is_premultiplied: bool,
        front: Front | None = None,
    ) -> None:
        """Be ready to look at a region of a picture.

        Args:
            pixels: as stored, in any encoding.
            alpha: likewise.
            region: rows and columns whose colours run on; not empty.
            is_premultiplied: whether the pixels are multiplied by alpha.
            front: what stands before the face.
        """
        self.front = front
        self._pixels, self._alpha, self._region = pixels, alpha, region
        self._is_premultiplied = is_premultiplied
        longest = max(axis.stop - axis.start for axis in region)
        self._factor = math.ceil(longest / _LONGEST_UNDERLAY_PX)

    def beneath(
        self, straight: RegionPixels, alpha: RegionPlane | None, region: Region
    ) -> RegionPixels:
        """Straight values of a region, laid over what runs on beneath them; all finite.

        Values that are no part of other ones are written over.
        """
        hidden = None if self.front is None else self.front.hidden(region)
        share = sureness(straight, alpha, hidden, (_UNSURE_ALPHA, SURE_ALPHA))
        if share is None:
            return straight
        top, left = (
            own.start - first.start for own, first in zip(region, self._region, strict=True)
        )
        own = straight if straight.base is None else straight.copy()
        return lay_over(own, share, self._colours, (top, left), self._factor)

    @cached_property
    def _colours(self) -> Float[np.ndarray, "rows columns channels"]:
        """The whole region, averaged over blocks of `_factor` pixels."""
        rows, columns = self._region
        step = self._factor * max(1, _ROWS_AT_ONCE // self._factor)
        parts = []
        for top in range(rows.start, rows.stop, step):
            strip = slice(top, min(top + step, rows.stop)), columns
            alpha = None if self._alpha is None else self._alpha[strip]
            hidden = None if self.front is None else self.front.hidden(strip)
            known = self._pixels[strip], alpha, hidden, self._factor
            parts.append(average_blocks(*known, is_premultiplied=self._is_premultiplied))
        colours, weight = (np.concatenate(values) for values in zip(*parts, strict=True))
        filled = run_on(colours, weight)
        if self.front is None:
            return filled
        reach = _NARROW * self.front.side_px / self._factor
        return _drawn_across(filled, largest_around(weight < _HALF, 1), max(1, round(reach)))
