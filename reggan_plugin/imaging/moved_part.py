"""The change of a part of a picture, as data that a compositor can work with.

    result = (1 - cover) * exp(log_gain) * source(pixel + displacement) + cover * paint

on straight linear light, where `source` is the picture before the change.
"""

import numpy as np

from reggan_plugin.array_types import Bool, Float, RegionPixels, RegionPlane
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import straight_from_stored
from reggan_plugin.imaging.composite_motion import (
    FrameMotion,
    MovedRegion,
    StoredPicture,
    block_around,
)
from reggan_plugin.imaging.crop import Region
from reggan_plugin.imaging.in_front_and_behind import SURE_ALPHA, Beside, Front
from reggan_plugin.kernels.sampling import PictureSampler

_ROUNDING = 1e-4
"""Of the kernel's weights, which add up to 1."""


@frozen(eq=False)
class MovedPart:
    """A change at the pixels of a region; where its weight is 0 there is none.

    Attributes:
        face: which of the picture's faces it is a part of, in the order in which they moved.
        region: rows and columns of the picture.
        displacement: (x, y) in pixels from each pixel to where its surface is in the source.
        log_gain: logarithm of the factor on linear light; grey or RGB.
        cover: 0 where the source shows the surface, 1 where paint stands in for it.
        paint: straight linear Rec. 709, in the picture's own exposure.
        weight: 0 to 1.
        footprint: as that of `FrameMotion`.
        front: what stands before the face.
        beside: what a head moves over; None if that goes along.
    """

    face: int
    region: Region
    displacement: Float[np.ndarray, "rows columns 2"]
    log_gain: Float[np.ndarray, "rows columns channels"]
    cover: RegionPlane
    paint: RegionPixels
    weight: RegionPlane
    footprint: RegionPlane | None
    front: Front | None = None
    beside: Beside | None = None


def moved_part(
    source: StoredPicture,
    motion: FrameMotion,
    moved: MovedRegion,
    region: Region,
    moved_before: Bool[np.ndarray, "height width"] | None = None,
    *,
    face: int = 0,
) -> MovedPart:
    """Return the change of a region as data.

    Paint takes over where nobody could find the surface in the source: beyond the rim of what
    alpha shows, beside pixels that are no numbers, behind spectacles and at their rims, and where
    another face had moved before.

    Args:
        source: what the surfaces were taken from.
        motion: the change that was asked for.
        moved: what it made of the region.
        region: rows and columns of the picture.
        moved_before: pixels of the whole picture that an earlier face has changed.
        face: its number.
    """
    gain = 2.0**-source.coding.exposure_ev
    paint = colour.linear_from_srgb(motion.paint) * np.float32(gain)
    cover = motion.cover
    lost = (moved.weight > 0) & ~_is_found(source, motion, region, moved_before)
    if lost.any():
        alpha = moved.alpha
        if alpha is None and source.alpha is not None:
            alpha = source.alpha[region]
        own = None if alpha is None else alpha[lost][None]
        straight = straight_from_stored(
            moved.pixels[lost][None], own, source.coding.is_premultiplied
        )
        cover = np.where(lost, np.float32(1.0), cover)
        paint[lost] = colour.light_from_straight(straight, source.coding)[0]
    return MovedPart(
        face=face,
        region=region,
        displacement=motion.displacement,
        log_gain=motion.log_gain,
        cover=cover,
        paint=paint,
        weight=moved.weight,
        footprint=motion.footprint,
        front=source.underlay.front,
        beside=source.beside,
    )


def _is_found(
    source: StoredPicture,
    motion: FrameMotion,
    region: Region,
    moved_before: Bool[np.ndarray, "height width"] | None,
) -> Bool[np.ndarray, "rows columns"]:
    """Pixels whose whole kernel is opaque, finite and unchanged from the file."""
    block = block_around(motion.displacement, region, source.pixels.shape[:2])
    whole = colour.finite_pixels(source.pixels[block])
    front = source.underlay.front
    if front is not None:
        whole &= front.hidden(block) == 0
    if source.alpha is not None:
        whole &= np.nan_to_num(source.alpha[block]) >= SURE_ALPHA
    if moved_before is not None:
        whole &= ~moved_before[block]
    found = np.ones(motion.weight.shape, bool)
    if whole.all():
        return found
    rows, columns = np.nonzero(motion.weight > 0)
    right, down = (motion.displacement[rows, columns, axis].astype(np.float64) for axis in (0, 1))
    x = columns + (region[1].start - block[1].start) + right
    y = rows + (region[0].start - block[0].start) + down
    share = PictureSampler(whole[..., None].astype(np.float32)).at(x, y)[:, 0]
    found[rows, columns] = np.abs(share - 1) < _ROUNDING
    return found if front is None else found & (front.at(region) == 0)
