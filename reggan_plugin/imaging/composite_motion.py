"""Move the pixels of a face within their frame, change their light, and paint what was hidden.

Works on the file's own straight values: floats above 1 travel as they are, and a file of 4K keeps
the detail of 4K. Display-encoded values are moved as they are, too: what the kernel overshoots at
an edge then looks alike on its light and on its dark side. Only light is changed in linear light,
and mixed there with paint.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from reggan_plugin.imaging import colour
from reggan_plugin.imaging.backdrop import Underlay
from reggan_plugin.imaging.colour import PixelCoding
from reggan_plugin.imaging.crop import Region
from reggan_plugin.imaging.frame_motion import FrameMotion
from reggan_plugin.imaging.warp import sample_picture

_MARGIN_PX, _ALIGNMENT_PX = 16, 4
"""Beyond the furthest place that is sampled; the kernel looks at three pixels, of those averaged
over four."""
_LIGHT_AT_ONCE = 1 << 18
"""Pixels whose light is changed at a time; bounds the memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredPicture:
    """The whole picture that surfaces are taken from.

    Attributes:
        pixels: as stored.
        alpha: likewise.
        coding: what the pixels mean.
        underlay: colours for where there is nothing to see.
    """

    pixels: Float[np.ndarray, "height width 3"]
    alpha: Float[np.ndarray, "height width"] | None
    coding: PixelCoding = field(default_factory=PixelCoding)
    underlay: Underlay

    def straight(self, region: Region) -> Float[np.ndarray, "rows columns 3"]:
        """Straight values of a region in the file's encoding, all finite.

        What is transparent or no number shows the colours around it: a surface that comes from
        there is that of the nearest place that can be seen.
        """
        pixels = self.pixels[region]
        alpha = None if self.alpha is None else self.alpha[region]
        with np.errstate(invalid="ignore", over="ignore"):
            own = colour.straight_from_stored(pixels, alpha, self.coding)
        return self.underlay.beneath(own, alpha, region)

    def usable(self, region: Region) -> Bool[np.ndarray, "rows columns"]:
        """Where there is something to see that is a number."""
        usable = colour.finite_pixels(self.pixels[region])
        if self.alpha is not None:
            usable &= np.isfinite(self.alpha[region]) & (self.alpha[region] > 0)
        return usable


def composite_motion(
    source: StoredPicture, motion: FrameMotion, region: Region
) -> tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns"]]:
    """Pixels of a region after the change, as stored, and how much each of them changed, 0 to 1.

    Where that is 0 they are the source's own, bit for bit; so are those that are transparent or no
    number. Alpha stays as it is.

    Args:
        source: the picture before the change.
        motion: the change at the pixels of the region.
        region: rows and columns of the picture.
    """
    stored = source.pixels[region].copy()
    alpha = None if source.alpha is None else source.alpha[region]
    rows, columns = np.nonzero((motion.weight > 0) & source.usable(region))
    weight = np.zeros_like(motion.weight)
    for start in range(0, len(rows), _LIGHT_AT_ONCE):
        here = rows[start : start + _LIGHT_AT_ONCE], columns[start : start + _LIGHT_AT_ONCE]
        straight = _changed(source, motion, region, here)
        own_alpha = None if alpha is None else alpha[here][None]
        new = colour.stored_from_straight(straight[None], own_alpha, source.coding)[0]
        usable = np.isfinite(new).all(axis=1)
        here = here[0][usable], here[1][usable]
        stored[here] = new[usable]
        weight[here] = motion.weight[here]
    return stored, weight


def _changed(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    here: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, "pixels 3"]:
    """Straight values of some pixels of a region after the change."""
    moved = _moved(source, motion, region, here)
    log_gain, cover = motion.log_gain[here], motion.cover[here][:, None]
    if not (log_gain.any() or cover.any()):
        return moved
    exposure = np.float32(2.0**-source.coding.exposure_ev)
    paint = colour.linear_from_srgb(motion.paint[here]) * exposure
    with np.errstate(over="ignore"):
        light = colour.light_from_straight(moved[None], source.coding)[0] * np.exp(log_gain)
        light += cover * (paint - light)
    return colour.straight_from_light(light[None], source.coding)[0]


def _moved(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    here: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, "pixels 3"]:
    """Straight values of the surfaces that move to some pixels of a region."""
    height, width = source.pixels.shape[:2]
    displacement = motion.displacement[here].astype(np.float64)
    x = here[1] + region[1].start + displacement[:, 0]
    y = here[0] + region[0].start + displacement[:, 1]
    block = _around(y, height), _around(x, width)
    footprint = None if motion.footprint is None else motion.footprint[here]
    straight = source.straight(block)
    return sample_picture(straight, x - block[1].start, y - block[0].start, footprint)


def _around(places: Float[np.ndarray, " pixels"], length: int) -> slice:
    """The pixels along an axis that sampling at places looks at.

    It begins at a multiple of `_ALIGNMENT_PX`, so that averages do not depend on the part.
    """
    low, high = np.clip([places.min(), places.max()], 0, length - 1)
    first = max(0, int(low) - _MARGIN_PX) // _ALIGNMENT_PX * _ALIGNMENT_PX
    last = math.ceil((int(high) + 2 + _MARGIN_PX) / _ALIGNMENT_PX) * _ALIGNMENT_PX
    return slice(first, min(length, last))
