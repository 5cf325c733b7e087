"""Between the numbers that a file stores and float pixels, without touching what is unchanged."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from reggan_plugin.array_types import Bool, Float, Shaped
from reggan_plugin.errors import UsageError

Samples = Shaped[np.ndarray, "height width channels"]
"""As stored: uint8, uint16, uint32, float16, float32 or float64; 1 channel (grey) or 3."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.709."""

_AT_ONCE = 1 << 16
"""Values compared at a time."""


def pixels_from_samples(samples: Samples) -> Float[np.ndarray, "height width 3"]:
    """Integers scaled to [0, 1], floats as they are; grey repeated in three channels."""
    values = floats_from_samples(samples)
    return values if values.shape[2] == 3 else np.repeat(values, 3, axis=2)


def floats_from_samples(samples: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return a new float32 array; integers scaled to [0, 1], floats as they are."""
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return samples.astype(np.float32)
    scale = np.iinfo(samples.dtype).max
    if samples.dtype.itemsize > 2:
        return (samples / np.float64(scale)).astype(np.float32)
    values = samples.astype(np.float32)
    values /= np.float32(scale)
    return values


def changed_pixels(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width"]:
    """Pixels in which two images of one kind of floats differ in any bit; NaN equals itself."""
    result = np.empty(before.shape[:2], bool)
    for rows in _strips(before):
        changed, own = _differ(before[rows], after[rows]), result[rows]
        own[:] = changed[..., 0]
        for channel in range(1, changed.shape[2]):  # ten times as fast as any() over a short axis
            own |= changed[..., channel]
    return result


def is_changed(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> bool:
    """Tell whether `changed_pixels` has any."""
    return any(_differ(before[rows], after[rows]).any() for rows in _strips(before))


def _strips(image: Float[np.ndarray, "height width channels"]) -> Iterator[slice]:
    """Yield a few rows at a time: a plane of a large picture is not made for a look at it."""
    rows = max(1, _AT_ONCE // max(1, image.shape[1] * image.shape[2]))
    for top in range(0, len(image), rows):
        yield slice(top, top + rows)


def change_samples(
    samples: Samples,
    before: Float[np.ndarray, "height width colours"],
    after: Float[np.ndarray, "height width colours"],
) -> None:
    """Put `after` into `samples`, in place, where it differs from `before`.

    One channel of samples takes the luma of a pixel of three in which any differs.

    Raises:
        UsageError: a changed pixel is NaN and the samples are integers.
    """
    pixels = changed_pixels(before, after)
    rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    values, changed = after[box], pixels[box][..., None]
    if samples.shape[2] < after.shape[2]:
        values = (values @ _LUMA)[..., None]
    else:
        changed = _differ(before[box], values)
    np.copyto(samples[box], _samples_from_floats(values, samples.dtype), where=changed)


def _differ(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width channels"]:
    bits = np.dtype(f"u{before.dtype.itemsize}")
    return np.asarray(before.view(bits) != after.view(bits))


def _samples_from_floats(
    values: Float[np.ndarray, "height width channels"], dtype: np.dtype[Any]
) -> Samples:
    """Clipped to what `dtype` holds; integers rounded half to even."""
    if dtype.kind == "f":
        limit = np.finfo(dtype).max
        clipped = np.clip(values, -limit, limit) if dtype.itemsize < 4 else values.copy()
        np.copyto(clipped, values, where=np.isinf(values))
        return clipped.astype(dtype)
    if np.isnan(values).any():
        raise UsageError(
            "A changed pixel is NaN, which a file of integers cannot hold. Leave it as it was."
        )
    scaled = np.clip(values, 0, 1, dtype=np.float64 if dtype.itemsize > 2 else np.float32)
    scaled *= np.iinfo(dtype).max
    return np.rint(scaled, out=scaled).astype(dtype)
