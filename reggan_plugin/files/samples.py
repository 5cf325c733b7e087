"""Between the numbers that a file stores and float pixels, without touching what is unchanged."""

from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Shaped

Samples = Shaped[np.ndarray, "height width channels"]
"""As stored: uint8, uint16, uint32, float16, float32 or float64; 1 channel (grey) or 3."""

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.709."""


def pixels_from_samples(samples: Samples) -> Float[np.ndarray, "height width 3"]:
    """Integers scaled to [0, 1], floats as they are; grey repeated in three channels."""
    values = floats_from_samples(samples)
    return values if values.shape[2] == 3 else np.repeat(values, 3, axis=2)


def floats_from_samples(samples: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """A new float32 array; integers scaled to [0, 1], floats as they are."""
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return samples.astype(np.float32)
    scale = np.iinfo(samples.dtype).max
    if samples.dtype.itemsize > 2:
        return (samples / np.float64(scale)).astype(np.float32)
    return samples.astype(np.float32) / np.float32(scale)


def changed_samples(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width channels"]:
    """Where two float32 images differ in any bit; so NaN is equal to itself."""
    return before.view(np.uint32) != after.view(np.uint32)


def changed_pixels(
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Bool[np.ndarray, "height width"]:
    """Where two float32 images differ in any bit of any channel."""
    return np.logical_or.reduce(changed_samples(before, after), axis=2)


def replace_samples(
    samples: Samples,
    before: Float[np.ndarray, "height width channels"],
    after: Float[np.ndarray, "height width channels"],
) -> Samples:
    """A copy of `samples` that holds `after` where it differs from `before`.

    One channel of samples takes the luma of a pixel of three in which any differs.

    Raises:
        ValueError: a changed pixel is NaN and the samples are integers.
    """
    changed = changed_samples(before, after)
    replaced = samples.copy()
    rows = np.flatnonzero(changed.any(axis=(1, 2)))
    if not rows.size:
        return replaced
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    values, where = after[span], changed[span]
    if samples.shape[2] < after.shape[2]:
        values = (values @ _LUMA)[..., None]
        where = np.logical_or.reduce(where, axis=2, keepdims=True)
    replaced[span][where] = _samples_from_floats(values[where], samples.dtype)
    return replaced


def _samples_from_floats(
    values: Float[np.ndarray, " count"], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Clipped to what `dtype` holds; integers rounded half to even."""
    if dtype.kind == "f":
        limit = np.finfo(dtype).max
        finite = np.isfinite(values)
        return np.where(finite, np.clip(values, -limit, limit), values).astype(dtype)
    if np.isnan(values).any():
        raise ValueError("a changed pixel is NaN, which an integer image cannot hold")
    scale = np.iinfo(dtype).max
    return np.rint(np.clip(values, 0, 1).astype(np.float64) * scale).astype(dtype)
