"""Stored pixels as a display shows them, and the curve of sRGB."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.kernels.library import call, stored_rows

_CELLS, _STEP, _TERMS = 1024, 21, 6


def srgb_curve(
    values: Float[np.ndarray, "*shape"], *, is_back: bool
) -> Float[np.ndarray, "*shape"]:
    """Put values through the curve of sRGB, or back, float32; it is odd, and goes on beyond 1.

    Args:
        values: of any kind; what is not finite stays as it is.
        is_back: from encoded to linear values.
    """
    values = np.ascontiguousarray(values, np.float32)
    result = np.empty(values.shape, np.float32)
    power = _power(2.4 if is_back else 1 / 2.4)
    call("srgb_curve", values, values.size, power, int(is_back), result)
    return result


def display_pixels(
    pixels: Float[np.ndarray, "rows columns 3"],
    alpha: Float[np.ndarray, "rows columns"] | None,
    gain: float | None,
) -> Float[np.ndarray, "rows columns 3"]:
    """Return stored pixels as a display image, float32; what is not finite stays so.

    Args:
        pixels: as stored.
        alpha: by which they are divided where it is finite and above 0; None if by nothing.
        gain: factor on linear values before they are encoded; None if they are encoded already.
    """
    result = np.empty((*pixels.shape[:2], 3), np.float32)
    power = None if gain is None else _power(1 / 2.4)
    stored = stored_rows(pixels, alpha)
    call("display_pixels", *stored, float(1 if gain is None else gain), power, result)
    return result


def tones(
    pixels: Float[np.ndarray, "rows columns 3"],
    alpha: Float[np.ndarray, "rows columns"] | None,
    weights: Float[np.ndarray, "3"],
    *,
    gain: float = 1.0,
    is_encoded: bool = False,
    is_held: bool = False,
) -> Float[np.ndarray, "rows columns"]:
    """Weigh the colours of stored pixels, float32.

    Args:
        pixels: as stored.
        alpha: by which they are divided where it is finite and above 0; None if by nothing.
        weights: of the three colours.
        gain: factor on the colours.
        is_encoded: whether they are then put through the curve of sRGB.
        is_held: whether they are then held in [0, 1].
    """
    weights = np.ascontiguousarray(weights, np.float32)
    if weights.shape != (3,):
        raise ValueError(f"{weights} weigh no three colours.")
    result = np.empty(pixels.shape[:2], np.float32)
    power = _power(1 / 2.4) if is_encoded else None
    stored = stored_rows(pixels, alpha)
    call("tones", *stored, float(gain), power, int(is_held), weights, result)
    return result


def relight(
    values: Float[np.ndarray, "pixels 3"],
    index: Int[np.ndarray, " pixels"],
    gains: Float[np.ndarray, "channels places"],
    cover: Float[np.ndarray, " places"] | None,
    paint: Float[np.ndarray, "places 3"] | None,
    *,
    exposure: float,
    is_encoded: bool,
) -> None:
    """Change the light of pixels and lay paint over them, in place, in linear light.

    Args:
        values: of the pixels, float32.
        index: the place of each.
        gains: factors on light at the places, of one channel for all or of three.
        cover: how far paint covers, 0 to 1; None if nowhere.
        paint: encoded by the curve of sRGB.
        exposure: factor on the light of paint.
        is_encoded: whether the pixels are encoded, too; else they are linear.
    """
    channels, size = gains.shape
    planes = [
        None if one is None else np.ascontiguousarray(one, np.float32) for one in (cover, paint)
    ]
    fits = all(one is None or len(one) == size for one in planes)
    is_whole = values.dtype == np.float32 and values.flags.c_contiguous
    if channels not in (1, 3) or not fits or values.shape != (len(index), 3) or not is_whole:
        raise ValueError(f"{values.shape}, {gains.shape} and what covers them do not fit.")
    if (cover is None) != (paint is None) or (size == 0 and len(index)):
        raise ValueError("Paint needs to say how far it covers.")
    index, gains = np.ascontiguousarray(index, np.int64), np.ascontiguousarray(gains, np.float32)
    encoded = _power(1 / 2.4) if is_encoded else None
    counted = values, index, len(index), size, gains, channels
    call("relight", *counted, *planes, float(exposure), encoded, _power(2.4))


def floats_from_halves(
    channels: Sequence[Float[np.ndarray, "rows columns"]],
) -> Float[np.ndarray, "rows columns 3"]:
    """Return float32 pixels of three channels of half floats, each value as it is."""
    shape = channels[0].shape
    if len(channels) != 3 or any(one.shape != shape for one in channels):
        raise ValueError(f"Channels of {[one.shape for one in channels]} make no pixels.")
    result = np.empty((*shape, 3), np.float32)
    halves = [np.ascontiguousarray(one, np.float16) for one in channels]
    call("floats_from_halves", *halves, halves[0].size, result)
    return result


@cache
def _power(exponent: float) -> Float[np.ndarray, " numbers"]:
    """Return what `colour.c` raises with: its cells, then the series of (1 + t)^exponent."""
    bits = np.arange(_CELLS, dtype=np.uint32) << np.uint32(_STEP)
    with np.errstate(invalid="ignore"):
        low = bits.view(np.float32).astype(np.float64)
    cells = np.zeros((_CELLS, 4), np.float32)
    middle = (low + np.append(low[1:], np.inf)) / 2
    usable = np.isfinite(middle) & (bits < np.uint32(0x7F800000)) & (low > 0)
    with np.errstate(over="ignore", under="ignore"):
        cells[usable, 0] = middle[usable]
        cells[usable, 1] = 1 / middle[usable]
        cells[usable, 2] = middle[usable] ** exponent
    terms = [1.0]
    for number in range(1, _TERMS):
        terms.append(terms[-1] * (exponent - number + 1) / number)
    return np.append(cells.ravel(), np.array(terms, np.float32))
