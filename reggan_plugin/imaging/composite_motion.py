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

    def usable(self, region: Region, *, moves_alpha: bool) -> Bool[np.ndarray, "rows columns"]:
        """Where there is a number, and something to see unless alpha moves."""
        usable = colour.finite_pixels(self.pixels[region])
        if self.alpha is not None:
            alpha = self.alpha[region]
            usable &= np.isfinite(alpha) & (moves_alpha | (alpha > 0))
        return usable


@dataclass(frozen=True, kw_only=True, eq=False)
class MovedRegion:
    """A region of a picture after the change.

    Attributes:
        pixels: as stored.
        alpha: likewise; None where it does not move.
        weight: how much of the change each pixel has, 0 to 1. Where it is 0, pixels and alpha are
            those of before, bit for bit.
    """

    pixels: Float[np.ndarray, "rows columns 3"]
    alpha: Float[np.ndarray, "rows columns"] | None
    weight: Float[np.ndarray, "rows columns"]


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
    moves_alpha &= source.alpha is not None
    stored = source.pixels[region].copy()
    alpha = None if source.alpha is None else source.alpha[region].copy()
    usable = source.usable(region, moves_alpha=moves_alpha)
    rows, columns = np.nonzero((motion.weight > 0) & usable)
    weight = np.zeros_like(motion.weight)
    for start in range(0, len(rows), _LIGHT_AT_ONCE):
        here = rows[start : start + _LIGHT_AT_ONCE], columns[start : start + _LIGHT_AT_ONCE]
        new = _changed(source, motion, region, here)
        shows = np.isfinite(new).all(axis=1)
        if alpha is not None:
            own = alpha[here]
            if moves_alpha:
                own = _moved_alpha(source, motion, region, here)
                shows &= (own > 0) | (alpha[here] > 0)
                alpha[here] = np.where(shows, own, alpha[here])
            if source.coding.is_premultiplied:
                new = new * own[:, None]
        shown = here[0][shows], here[1][shows]
        stored[shown] = new[shows]
        weight[shown] = motion.weight[shown]
    return MovedRegion(pixels=stored, alpha=alpha if moves_alpha else None, weight=weight)


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


def _moved_alpha(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    here: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, " pixels"]:
    """Alpha of the surfaces that move to some pixels; where paint covers them it stays."""
    assert source.alpha is not None, "there is alpha to move"
    block, x, y, footprint = _places(source, motion, region, here)
    alpha = np.nan_to_num(source.alpha[block], nan=0.0, posinf=1.0, neginf=0.0)
    moved = np.clip(sample_picture(alpha[..., None], x, y, footprint)[:, 0], 0.0, 1.0)
    own = source.alpha[region][here]
    return moved + motion.cover[here] * (own - moved)


def _moved(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    here: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, "pixels 3"]:
    """Straight values of the surfaces that move to some pixels of a region."""
    block, x, y, footprint = _places(source, motion, region, here)
    return sample_picture(source.straight(block), x, y, footprint)


def _places(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    here: tuple[np.ndarray, np.ndarray],
) -> tuple[
    Region,
    Float[np.ndarray, " pixels"],
    Float[np.ndarray, " pixels"],
    Float[np.ndarray, " pixels"] | None,
]:
    """A block of the picture, where in it (x, y) surfaces come from, and their footprints."""
    height, width = source.pixels.shape[:2]
    displacement = motion.displacement[here].astype(np.float64)
    x = here[1] + region[1].start + displacement[:, 0]
    y = here[0] + region[0].start + displacement[:, 1]
    block = _around(y, height), _around(x, width)
    footprint = None if motion.footprint is None else motion.footprint[here]
    return block, x - block[1].start, y - block[0].start, footprint


def _around(places: Float[np.ndarray, " pixels"], length: int) -> slice:
    """The pixels along an axis that sampling at places looks at.

    It begins at a multiple of `_ALIGNMENT_PX`, so that averages do not depend on the part.
    """
    low, high = np.clip([places.min(), places.max()], 0, length - 1)
    first = max(0, int(low) - _MARGIN_PX) // _ALIGNMENT_PX * _ALIGNMENT_PX
    last = math.ceil((int(high) + 2 + _MARGIN_PX) / _ALIGNMENT_PX) * _ALIGNMENT_PX
    return slice(first, min(length, last))
