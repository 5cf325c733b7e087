"""A frame, or a part of it, as a display shows it: the picture in which faces are detected."""

import math
from typing import Literal

import numpy as np

from reggan_plugin.array_types import Pixels, Plane, UInt8
from reggan_plugin.change.pipeline import Picture
from reggan_plugin.faces.locator import GRAY_WEIGHTS, LONGEST_BASE_PX
from reggan_plugin.files.frame import Encoding, Frame
from reggan_plugin.imaging import colour
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, PixelCoding
from reggan_plugin.imaging.crop import Region
from reggan_plugin.kernels.pixel_values import percentile
from reggan_plugin.kernels.sampling import block_means

ArrayEncoding = Literal["srgb", "linear"]
ChannelOrder = Literal["RGB", "BGR"]
"""What the numbers of a Python program's arrays are."""

_LUMA = np.array(LUMA_WEIGHTS, dtype=np.float32)
_MIDDLE_GREY = 0.18
_FACE_PERCENTILE = 60.0
_BRIGHT_PERCENTILE, _STOPS_OF_A_PICTURE = 95, 8
_MAX_AUTO_STOPS = 12.0


def auto_exposure_ev(luma: Plane) -> float:
    """Return the half stops that bring a face (luma, straight, scene-linear) to middle grey.

    Half stops keep the result the same under the small differences between machines. What is
    more than eight stops below the bright parts is a background's noise and does not count.
    Returns 0 for a picture that is black or holds no number.
    """
    lit = luma[np.isfinite(luma) & (luma > 0)]
    if lit.size == 0:
        return 0.0
    lit = lit[lit >= percentile(lit, _BRIGHT_PERCENTILE) * 2.0**-_STOPS_OF_A_PICTURE]
    with np.errstate(over="ignore"):  # of numbers that are nearly 0
        stops = np.log2(_MIDDLE_GREY / percentile(lit, _FACE_PERCENTILE))
    return float(np.clip(np.round(2 * stops) / 2, -_MAX_AUTO_STOPS, _MAX_AUTO_STOPS))


def coding_of(frame: Frame, exposure_ev: float = 0.0) -> PixelCoding:
    """Return the coding of the frame's pixels as a display image; only linear ones take the
    exposure.
    """
    is_linear = frame.encoding is Encoding.SCENE_LINEAR
    return PixelCoding(
        is_linear=is_linear,
        is_premultiplied=frame.alpha is not None and frame.alpha_is_premultiplied,
        colour_space=frame.colour_space,
        exposure_ev=exposure_ev if is_linear else 0.0,
    )


def display_picture(
    frame: Frame, region: Region | None = None, longest_px: int = LONGEST_BASE_PX
) -> tuple[Pixels, int]:
    """Return the picture, sRGB-encoded in [0, 1], and how many pixels of the frame one of its
    spans.

    A scene-linear one is exposed by itself. Where alpha is 0 the stored values are taken.

    Args:
        frame: the whole frame.
        region: the rows and columns that are wanted; None for all.
        longest_px: larger ones are averaged down, to save memory and time.
    """
    pixels, alpha, coding, factor = _exposed(frame, region, longest_px)
    return colour.clipped_values(colour.display_from_stored(pixels, alpha, coding)), factor


def gray_picture(frame: Frame) -> tuple[Plane, int]:
    """Return what a locator sees of `display_picture`, which is never there as a whole."""
    pixels, alpha, coding, factor = _exposed(frame, None, LONGEST_BASE_PX)
    return colour.weighed(pixels, alpha, coding, GRAY_WEIGHTS, is_display=True), factor


def _exposed(
    frame: Frame, region: Region | None, longest_px: int
) -> tuple[Pixels, Plane | None, PixelCoding, int]:
    """Pixels and alpha of a region, averaged down, all finite; their coding, with an exposure."""
    rows, columns = region or (slice(None), slice(None))
    pixels = colour.finite_values(frame.pixels[rows, columns])
    alpha = None if frame.alpha is None else colour.finite_values(frame.alpha[rows, columns])
    factor = max(1, math.ceil(max(pixels.shape[:2]) / longest_px))
    if factor > 1:
        pixels = block_means(pixels, factor)
        alpha = None if alpha is None else block_means(alpha[..., None], factor)[..., 0]
    coding = coding_of(frame)
    if coding.is_linear:
        luma = colour.weighed(pixels, alpha, coding, _LUMA, is_display=False)
        coding = coding_of(frame, auto_exposure_ev(luma))
    return pixels, alpha, coding, factor


def shown_samples(
    frame: Frame, exposure_ev: float = 0.0
) -> UInt8[np.ndarray, "height width channels"]:
    """Return a whole frame as a display shows it, with its alpha; of 8 bits the stored values.

    Args:
        frame: as read.
        exposure_ev: stops by which a scene-linear one is raised.
    """
    display = colour.display_from_stored(frame.pixels, frame.alpha, coding_of(frame, exposure_ev))
    planes = [display] if frame.alpha is None else [display, frame.alpha[..., None]]
    values = colour.clipped_values(np.concatenate(planes, axis=2))
    return np.rint(values * 255).astype(np.uint8)


def exposure_of(frame: Frame, region: Region) -> float:
    """Return the stops that bring a part of a scene-linear frame to middle grey, in half-stop
    steps.
    """
    alpha = None if frame.alpha is None else frame.alpha[region]
    coding = coding_of(frame)
    luma = colour.weighed(frame.pixels[region], alpha, coding, _LUMA, is_display=False)
    return auto_exposure_ev(luma)


def picture_of(frame: Frame, exposure_ev: float = 0.0) -> Picture:
    """Return a frame as the picture in which faces change; a scene-linear one takes the exposure.

    The frame's matte says how much of the change each pixel takes.
    """
    coding = coding_of(frame, exposure_ev)
    return Picture(pixels=frame.pixels, alpha=frame.alpha, coding=coding, matte=frame.matte)
