"""Move the pixels of a face in its frame, change their light, paint on them.

Works on the file's own straight values: floats above 1 travel as they are, and a file of 4K keeps
the detail of 4K. Display-encoded values are moved as they are, too: what the kernel overshoots at
an edge then looks alike on its light and on its dark side. Only light is changed in linear light,
and mixed there with paint.
"""

import math
from dataclasses import field

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int, Pixels, Plane, RegionPixels, RegionPlane
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import PixelCoding, straight_from_stored
from reggan_plugin.imaging.crop import Region
from reggan_plugin.imaging.in_front_and_behind import WHOLE, Beside, Underlay
from reggan_plugin.kernels.pixel_values import put_in_place, relight
from reggan_plugin.kernels.sampling import AT_ONCE, PictureSampler

_MARGIN_PX, _ALIGNMENT_PX = 16, 4
"""Beyond the furthest place that is sampled; the kernel looks at two pixels, of those averaged over
four."""


@frozen(eq=False)
class FrameMotion:
    """The change of a face at the pixels of a region of its frame.

    Attributes:
        displacement: (x, y) in pixels from each pixel to where its surface is in the source.
        footprint: pixels of the source that a pixel stands for, by their side; None where the
            motion compresses nowhere by more than the warp takes.
        log_gain: logarithm of the factor on linear light; grey or RGB.
        cover: 0 or 1, soft between.
        paint: sRGB-encoded, [0, 1]; of no meaning where the cover is 0.
        weight: 0 where nothing changes, 1 where the change is full.
    """

    displacement: Float[np.ndarray, "rows columns 2"]
    footprint: RegionPlane | None
    log_gain: Float[np.ndarray, "rows columns channels"]
    cover: RegionPlane
    paint: RegionPixels
    weight: RegionPlane


@frozen(eq=False)
class StoredPicture:
    """The whole picture that surfaces are taken from.

    Attributes:
        pixels: as stored.
        alpha: likewise.
        coding: what the pixels mean.
        underlay: colours for where there is nothing to see, and what stands before the face.
        beside: what a head moves over; None if that goes along.
    """

    pixels: Pixels
    alpha: Plane | None
    coding: PixelCoding = field(default_factory=PixelCoding)
    underlay: Underlay
    beside: Beside | None = None

    def straight(self, region: Region) -> RegionPixels:
        """Straight values of a region in the file's encoding, all finite.

        What is transparent or no number shows the colours around it: a surface that comes from
        there is that of the nearest place that can be seen.
        """
        pixels = self.pixels[region]
        alpha = None if self.alpha is None else self.alpha[region]
        with np.errstate(invalid="ignore", over="ignore"):
            own = straight_from_stored(pixels, alpha, self.coding.is_premultiplied)
        return self.underlay.beneath(own, alpha, region)

    def usable(self, region: Region, *, moves_alpha: bool) -> Bool[np.ndarray, "rows columns"]:
        """Pixels that are finite, not hidden, and, unless alpha moves, not transparent."""
        usable = colour.finite_pixels(self.pixels[region])
        if self.underlay.front is not None:
            usable &= self.underlay.front.at(region) < WHOLE
        if self.alpha is not None:
            alpha = self.alpha[region]
            usable &= np.isfinite(alpha) & (moves_alpha | (alpha > 0))
        return usable


@frozen(eq=False)
class MovedRegion:
    """A region of a picture after the change.

    Attributes:
        pixels: as stored.
        alpha: likewise; None where it does not move.
        weight: how much of the change each pixel has, 0 to 1. Where it is 0, pixels and alpha are
            those of before, bit for bit.
    """

    pixels: RegionPixels
    alpha: RegionPlane | None
    weight: RegionPlane


def composite_motion(
    source: StoredPicture, motion: FrameMotion, region: Region, *, moves_alpha: bool = False
) -> MovedRegion:
    """Change a region of a picture; what is no number stays, and so does what is transparent.

    Args:
        source: the picture before the change.
        motion: the change at the pixels of the region.
        region: rows and columns of the picture.
        moves_alpha: whether alpha moves with the surfaces, so that a silhouette changes its shape;
            else it stays as it is, and cuts off what moves out over it.
    """
    usable = source.usable(region, moves_alpha=moves_alpha)
    index = np.flatnonzero((motion.weight > 0) & usable)
    mover = _Mover(source, motion, region, moves_alpha=moves_alpha and source.alpha is not None)
    if mover.stays is not None:
        index = index[mover.stays[index] < WHOLE]
    for start in range(0, len(index), AT_ONCE):  # so that it all stays in the processor's cache
        mover.move(index[start : start + AT_ONCE])
    return MovedRegion(pixels=mover.pixels, alpha=mover.alpha, weight=mover.weight)


class _Mover:
    """Moves the pixels of a region, a few at a time.

    Attributes:
        pixels: as stored, so far.
        alpha: likewise; None if it does not move.
        weight: of the change, so far.
        stays: share of each pixel, flattened, that stays as it is; None if none does.
    """

    def __init__(
        self, source: StoredPicture, motion: FrameMotion, region: Region, *, moves_alpha: bool
    ) -> None:
        self._source, self._motion = source, motion
        self._moves = np.ascontiguousarray(np.moveaxis(motion.displacement, 2, 0))
        with np.errstate(over="ignore"):
            self._gains = np.exp(np.moveaxis(motion.log_gain, 2, 0))
        self._gains = self._gains.reshape(len(self._gains), -1)
        self._cover = motion.cover.ravel() if motion.cover.any() else None
        self._footprint = None if motion.footprint is None else motion.footprint.ravel()
        self.pixels = source.pixels[region].copy()
        self.weight = np.zeros_like(motion.weight)
        self._own_alpha = None if source.alpha is None else source.alpha[region].ravel()
        front = source.underlay.front
        self.stays: Float[np.ndarray, " pixels"] | None = None
        if front is not None:
            self.stays = front.staying(region, np.hypot(*self._moves).ravel())
        if source.beside is not None:
            beside = source.beside.at(region).ravel()
            self.stays = beside if self.stays is None else np.maximum(self.stays, beside)
        block = block_around(motion.displacement, region, source.pixels.shape[:2])
        top, left = (part.start - whole.start for part, whole in zip(region, block, strict=True))
        self._corner, self._colours = (top, left), PictureSampler(source.straight(block))
        self.alpha: RegionPlane | None = None
        self._alphas: PictureSampler | None = None
        if moves_alpha and source.alpha is not None:
            self.alpha = source.alpha[region].copy()
            alpha = np.nan_to_num(source.alpha[block], nan=0.0, posinf=1.0, neginf=0.0)
            self._alphas = PictureSampler(alpha[..., None])

    def move(self, index: Int[np.ndarray, " places"]) -> None:
        """Change the pixels with these places in the flattened region."""
        motion, where = self._motion, (index, self._moves, self._corner, self._footprint)
        new = self._lit(self._colours.moved(*where), index)
        if self._own_alpha is not None:
            alpha = self._own_alpha[index]
            if self.alpha is not None and self._alphas is not None:
                moved = np.clip(self._alphas.moved(*where)[:, 0], 0.0, 1.0)
                moved += motion.cover.ravel()[index] * (alpha - moved)  # paint is as it was there
                shows = colour.finite_pixels(new[None])[0] & ((moved > 0) | (alpha > 0))
                own, alpha = alpha, np.where(shows, moved, alpha)
                share = 0.0 if self.stays is None else self.stays[index]
                self.alpha.ravel()[index] = alpha + share * (own - alpha)
                index, new, alpha = index[shows], new[shows], alpha[shows]
            if self._source.coding.is_premultiplied:
                new *= alpha[:, None]
        put_in_place(new, index, self.pixels, self.weight, motion.weight, self.stays)

    def _lit(
        self, straight: Float[np.ndarray, "places 3"], index: Int[np.ndarray, " places"]
    ) -> Float[np.ndarray, "places 3"]:
        """Values in their new light, and under paint."""
        coding, paint = self._source.coding, self._motion.paint.reshape(-1, 3)
        gains, cover, exposure = self._gains, self._cover, 2.0**-coding.exposure_ev
        if coding.colour_space is None:
            own = paint if cover is not None else None
            is_encoded = not coding.is_linear
            relight(straight, index, gains, cover, own, exposure=exposure, is_encoded=is_encoded)
            return straight
        with np.errstate(over="ignore"):
            light = colour.light_from_straight(straight[None], coding)[0] * gains[:, index].T
            if cover is not None:
                paint_light = colour.linear_from_srgb(paint[index]) * np.float32(exposure)
                light += cover[index, None] * (paint_light - light)
        return colour.straight_from_light(light[None], coding)[0]


def block_around(
    displacement: Float[np.ndarray, "rows columns 2"], region: Region, shape: tuple[int, ...]
) -> Region:
    """Return the part of a picture of this shape that surfaces of a region come from.

    It begins at multiples of `_ALIGNMENT_PX`, so that averages do not depend on the region.
    """
    edges = []
    for axis, within, length in ((1, region[0], shape[0]), (0, region[1], shape[1])):
        shift = displacement[..., axis]
        low = within.start + float(shift.min(initial=0.0)) - _MARGIN_PX
        high = within.stop + float(shift.max(initial=0.0)) + _MARGIN_PX
        first = math.floor(low / _ALIGNMENT_PX) * _ALIGNMENT_PX
        last = math.ceil(high / _ALIGNMENT_PX) * _ALIGNMENT_PX
        edges.append(slice(min(max(0, first), length), min(max(0, last), length)))
    return edges[0], edges[1]
