"""Paste the picture of a model of contract 1 over the face, and keep the frame's fine detail."""

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Float
from reggan_plugin.errors import CropMismatchError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.imaging.crop import Region, place_crop, region_of

_SMALL_CHANGE, _LARGE_CHANGE = 0.05, 0.20
"""Below the first the picture keeps its fine detail, above the second it loses it."""


def composite(
    display: Float[np.ndarray, "height width 3"],
    before: Float[np.ndarray, "side side 3"],
    after: Float[np.ndarray, "side side 3"],
    mask: Float[np.ndarray, "side side 1"],
    crop: FaceCrop,
    matte: Float[np.ndarray, "height width"] | None = None,
) -> tuple[Float[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
    """Add the change of a face crop to a display image.

    The change mask * (after - before) is brought to the resolution of the picture. Detail finer
    than the crop stays where the change is small (pores, stubble) and gives way where it is
    large (the old mouth). Above white the change fades out, so highlights keep their order.

    Args:
        display: straight, sRGB-encoded, finite; may leave [0, 1].
        before: the crop as the model saw it, in [0, 1].
        after: the crop as the model answered, in [0, 1].
        mask: where the answer counts, in [0, 1].
        crop: where the three lie in `display`.
        matte: what each pixel of `display` takes of the change, in [0, 1]; None is all of it.

    Returns:
        The new image, and the weight of the change. Where that is 0 the two images differ by no
        more than rounding may: the caller keeps the stored pixels bit for bit.

    Raises:
        CropMismatchError: the crops are not `crop.side_px` on a side.
    """
    _refuse_other_sides(crop, before=before, after=after, mask=mask)
    weights = np.zeros(display.shape[:2], dtype=np.float32)
    region = region_of(crop, *display.shape[:2])
    result = display.copy()
    block = display[region]
    if block.size == 0:
        return result, weights
    change = place_crop(after - before, crop, region)
    weight = np.clip(place_crop(mask, crop, region), 0.0, 1.0)
    if matte is not None:
        weight = weight * matte[region][..., None]
    edited = weight * change
    lost = np.float32(np.clip(crop.scale - 1.0, 0.0, 1.0))  # a finer crop loses no detail
    if lost > 0:
        gives_way = np.clip(place_crop(_large_change(before, after, mask), crop, region), 0, 1)
        edited -= lost * weight * gives_way * _detail(block, before, crop, region)
    edited *= np.clip(2.0 - block, 0.0, 1.0)
    # Light does not become negative: detail laid over a darker base may not pass below 0.
    result[region] = np.maximum(block + edited, np.minimum(block, 0.0))
    weights[region] = np.where((edited != 0).any(axis=2), weight[..., 0], 0.0)
    return result, weights


def _refuse_other_sides(crop: FaceCrop, **images: Float[np.ndarray, "..."]) -> None:
    for name, image in images.items():
        if image.shape[:2] != (crop.side_px, crop.side_px):
            raise CropMismatchError(
                f"{name} is {image.shape[1]}x{image.shape[0]}, expected a square of "
                f"{crop.side_px} pixels as its crop."
            )


def _detail(
    block: Float[np.ndarray, "rows columns 3"],
    before: Float[np.ndarray, "side side 3"],
    crop: FaceCrop,
    region: Region,
) -> Float[np.ndarray, "rows columns 3"]:
    """What of a region of the picture is finer than the crop."""
    return np.clip(block - place_crop(before, crop, region), -1.0, 1.0)


def _large_change(
    before: Float[np.ndarray, "side side 3"],
    after: Float[np.ndarray, "side side 3"],
    mask: Float[np.ndarray, "side side 1"],
) -> Float[np.ndarray, "side side 1"]:
    """0 where a crop changes little, 1 where it shows something else; smooth between."""
    change = (mask * np.abs(after - before)).max(axis=2)
    levels = np.clip(change * 255 + 0.5, 0, 255).astype(np.uint8)
    share = before.shape[0] / 256  # the same part of a face, whatever the model's resolution
    spread = Image.fromarray(levels).filter(ImageFilter.MaxFilter(2 * max(1, round(2 * share)) + 1))
    blurred = spread.filter(ImageFilter.GaussianBlur(3 * share))
    smooth = np.asarray(blurred, dtype=np.float32) / 255.0
    ramp = np.clip((smooth - _SMALL_CHANGE) / (_LARGE_CHANGE - _SMALL_CHANGE), 0.0, 1.0)
    return np.asarray(ramp * ramp * (3.0 - 2.0 * ramp), dtype=np.float32)[..., None]
