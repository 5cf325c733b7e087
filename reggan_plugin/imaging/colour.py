"""Colour between what a file stores and what a model sees.

A *display image* is straight (not premultiplied), sRGB-encoded RGB. Its curve goes on beyond
[0, 1]: highlights stay above 1 and negative values negative, so that a change can be added and
everything decoded again.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from reggan_plugin.array_types import Bool, Float, Pixels, Plane
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.pixel_values import display_pixels, lie_within, srgb_curve, tones

LUMA_WEIGHTS = (0.2126, 0.7152, 0.0722)
"""Rec. 709 weights of red, green and blue."""
AT_ONCE = 1 << 14
"""Values worked on at a time: a whole picture at a time takes two to three times as long."""


@runtime_checkable
class ColourSpace(Protocol):
    """Meaning of a file's numbers, where that is neither linear nor sRGB-encoded Rec. 709.

    Both ways take and give straight RGB, float32; linear is scene-linear with the primaries of
    Rec. 709 and D65, unclamped. Values that are not finite may become any that are not finite.
    """

    def linear_from_own(self, own: Pixels) -> Pixels:
        """Decode; the argument is not changed."""
        ...

    def own_from_linear(self, linear: Pixels) -> Pixels:
        """Encode; the argument is not changed."""
        ...


@frozen
class PixelCoding:
    """Relation of stored RGB to a display image.

    Attributes:
        is_linear: stored values, or what `colour_space` makes of them, are scene-linear; else
            they are sRGB-encoded.
        is_premultiplied: stored RGB is multiplied by alpha.
        colour_space: of the stored values, if it has been declared.
        exposure_ev: stops by which scene-linear values are raised before encoding.
    """

    is_linear: bool = False
    is_premultiplied: bool = False
    colour_space: ColourSpace | None = None
    exposure_ev: float = 0.0


def display_from_stored(stored: Pixels, alpha: Plane | None, coding: PixelCoding) -> Pixels:
    """Return the display image, NaN and infinities left in place; float32.

    Where alpha is 0 there is nothing to divide by: the stored values are taken as they are.
    """
    if not coding.is_linear and coding.colour_space is None:
        return straight_from_stored(stored, alpha, coding.is_premultiplied)
    if coding.colour_space is None and stored.dtype == np.float32:
        own = alpha if coding.is_premultiplied else None
        return display_pixels(stored, own, 2.0**coding.exposure_ev)
    display = np.empty(stored.shape, np.float32)
    for some in strips(stored):
        own = None if alpha is None else alpha[some]
        linear = linear_from_stored(stored[some], own, coding)
        display[some] = srgb_from_linear(linear * np.float32(2.0**coding.exposure_ev))
    return display


def strips(image: Pixels) -> Iterator[slice]:
    """Yield a few rows at a time, which stay in the processor's cache."""
    rows = max(1, 4 * AT_ONCE // max(1, 3 * image.shape[1]))
    for top in range(0, len(image), rows):
        yield slice(top, top + rows)


def stored_from_display(display: Pixels, alpha: Plane | None, coding: PixelCoding) -> Pixels:
    """Undo `display_from_stored`, up to rounding."""
    image = display
    if coding.is_linear or coding.colour_space is not None:
        image = linear_from_srgb(image) * np.float32(2.0**-coding.exposure_ev)
    if coding.colour_space is not None:
        image = coding.colour_space.own_from_linear(image)
    return stored_from_straight(image, alpha, coding.is_premultiplied)


def linear_from_stored(stored: Pixels, alpha: Plane | None, coding: PixelCoding) -> Pixels:
    """Straight values; scene-linear if the coding is, and not exposed yet."""
    image = straight_from_stored(stored, alpha, coding.is_premultiplied)
    return image if coding.colour_space is None else coding.colour_space.linear_from_own(image)


def weighed(
    stored: Pixels,
    alpha: Plane | None,
    coding: PixelCoding,
    weights: Float[np.ndarray, "3"],
    *,
    is_display: bool,
) -> Plane:
    """Weigh the colours of a picture, which is never there as a whole.

    Args:
        stored: pixels.
        alpha: likewise.
        coding: what they mean.
        weights: of red, green and blue.
        is_display: of the display image, held in [0, 1]; else of linear values, not exposed.
    """
    if coding.colour_space is None:
        own = alpha if coding.is_premultiplied else None
        gain = 2.0**coding.exposure_ev if is_display else 1.0
        is_encoded = is_display and coding.is_linear
        return tones(stored, own, weights, gain=gain, is_encoded=is_encoded, is_held=is_display)
    result = np.empty(stored.shape[:2], np.float32)
    for some in strips(stored):
        own = None if alpha is None else alpha[some]
        if is_display:
            values = np.clip(display_from_stored(stored[some], own, coding), 0.0, 1.0)
        else:
            values = linear_from_stored(stored[some], own, coding)
        result[some] = values @ weights
    return result


def light_from_straight(straight: Pixels, coding: PixelCoding) -> Pixels:
    """Convert straight values of any encoding to light: linear Rec. 709, not exposed."""
    if coding.colour_space is not None:
        return coding.colour_space.linear_from_own(straight)
    return straight if coding.is_linear else linear_from_srgb(straight)


def straight_from_light(light: Pixels, coding: PixelCoding) -> Pixels:
    """Undo `light_from_straight`, up to rounding."""
    if coding.colour_space is not None:
        return coding.colour_space.own_from_linear(light)
    return light if coding.is_linear else srgb_from_linear(light)


def srgb_from_linear(linear: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Encode with the sRGB curve, odd for negative values, not clamped above 1.

    Source: IEC 61966-2-1; the odd extension follows its Amendment 1 (scRGB, sYCC).
    """
    if linear.dtype == np.float32:
        return srgb_curve(linear, is_back=False)
    return _encoded(linear)


def linear_from_srgb(encoded: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Undo `srgb_from_linear`."""
    if encoded.dtype == np.float32:
        return srgb_curve(encoded, is_back=True)
    return _decoded(encoded)


def _encoded(linear: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    size, line = np.abs(linear), np.float32(0.0031308)
    with np.errstate(invalid="ignore"):
        curved = np.maximum(size, line)  # NumPy is slow with powers of 0
        encoded = np.where(
            size <= line,
            size * np.float32(12.92),
            np.float32(1.055) * np.power(curved, np.float32(1 / 2.4)) - np.float32(0.055),
        )
    return np.asarray(np.copysign(encoded, linear))


def _decoded(encoded: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    size = np.abs(encoded)
    with np.errstate(invalid="ignore", over="ignore"):
        linear = np.where(
            size <= np.float32(0.04045),
            size / np.float32(12.92),
            np.power((size + np.float32(0.055)) / np.float32(1.055), np.float32(2.4)),
        )
    return np.asarray(np.copysign(linear, encoded))


def finite_pixels(image: Pixels) -> Bool[np.ndarray, "height width"]:
    """Mask of pixels whose three channels are all finite."""
    if finite_values(image) is image:  # a tenth of the time of a look at each
        return np.ones(image.shape[:2], bool)
    red, green, blue = (np.isfinite(channel) for channel in np.moveaxis(image, 2, 0))
    return np.asarray(red & green & blue)  # five times as fast as all(axis=2)


def finite_values(
    values: Float[np.ndarray, "*shape"], *, infinity: float = 1.0
) -> Float[np.ndarray, "*shape"]:
    """Return the values themselves if all are finite; else a copy with 0 for NaN and its negative.

    Args:
        values: of any kind.
        infinity: what stands for it.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        if lie_within(values) or np.isfinite(values.sum()):  # many times as fast as at each
            return values
    return np.nan_to_num(values, nan=0.0, posinf=infinity, neginf=0.0)


def clipped_values(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the values themselves if all lie in [0, 1]; else a copy in which they do, NaN as 0.

    To look at a picture takes a fraction of the time of writing a second one into new memory.
    """
    return values if lie_within(values) else np.clip(finite_values(values), 0.0, 1.0)


def straight_from_stored(stored: Pixels, alpha: Plane | None, is_premultiplied: bool) -> Pixels:
    """Straight values in the file's own encoding."""
    if is_premultiplied and alpha is not None:
        if stored.dtype == np.float32:
            return display_pixels(stored, alpha, None)
        return stored / _divisor(alpha)
    return stored


def stored_from_straight(straight: Pixels, alpha: Plane | None, is_premultiplied: bool) -> Pixels:
    """Undo `straight_from_stored`, up to rounding."""
    if is_premultiplied and alpha is not None:
        return straight * _divisor(alpha)
    return straight


def _divisor(alpha: Plane) -> Float[np.ndarray, "height width 1"]:
    usable = np.isfinite(alpha) & (alpha > 0)
    return np.where(usable, alpha, np.float32(1.0)).astype(np.float32)[..., None]
