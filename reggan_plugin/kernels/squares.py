"""The largest, the mean and the middle one of the values around each pixel, and blurs."""

import math

import numpy as np

from reggan_plugin.array_types import Float, Shaped, UInt8
from reggan_plugin.kernels.library import call

_TOGETHER = 16
"""Pixels whose medians are found at once."""


def largest_around(
    levels: Shaped[np.ndarray, "rows columns"], reach: int
) -> Shaped[np.ndarray, "rows columns"]:
    """Return the largest values up to `reach` pixels away in x and y.

    Args:
        levels: whole numbers from 0 to 255, or whether a pixel is set.
        reach: in pixels.
    """
    if levels.ndim != 2 or levels.itemsize != 1 or reach < 0:
        raise ValueError(f"Levels of {levels.dtype} {levels.shape} have no {reach} pixels around.")
    levels = np.ascontiguousarray(levels)
    part, result = np.empty_like(levels), np.zeros_like(levels)
    call("largest_around", levels, *levels.shape, reach, part, result)
    return result


def mean_around(
    plane: Float[np.ndarray, "rows columns"], reach: int
) -> Float[np.ndarray, "rows columns"]:
    """Return means over squares of 2 reach + 1 pixels, float32; edges go on."""
    if plane.ndim != 2 or reach < 0:
        raise ValueError(f"A plane of {plane.shape} has no {reach} pixels around.")
    plane = np.ascontiguousarray(plane, np.float32)
    sums, result = np.empty(plane.shape[1]), np.empty_like(plane)
    if plane.size:
        call("mean_around", plane, *plane.shape, reach, sums, result)
    return result


def median_around(
    levels: UInt8[np.ndarray, "rows columns"], reach: int
) -> UInt8[np.ndarray, "rows columns"]:
    """Return medians over squares of 2 reach + 1 pixels, 15 at most; edges go on."""
    if levels.ndim != 2 or levels.dtype != np.uint8 or not 0 <= reach <= 7:
        raise ValueError(f"Levels of {levels.dtype} {levels.shape} have no {reach} pixels around.")
    wide = np.pad(levels, ((reach, reach), (reach, reach + _TOGETHER)), mode="edge")
    result = np.empty(levels.shape, np.uint8)
    call("median_around", wide, *levels.shape, reach, result)
    return result


def blur(
    plane: Float[np.ndarray, "rows columns"], sigma: float
) -> Float[np.ndarray, "rows columns"]:
    """Blur values from 0 to 1 by a Gaussian of a width in pixels, float32; edges go on.

    What is less than half a level of 255 becomes 0.

    Source: Gwosdek et al., Theoretical foundations of Gaussian convolution by extended box
    filtering, SSVM 2011 (three boxes whose ends count in part).
    """
    if plane.ndim != 2 or not 0 <= sigma < math.inf:
        raise ValueError(f"A plane of {plane.shape} cannot be blurred by {sigma} pixels.")
    plane = np.ascontiguousarray(plane, np.float32)
    variance = sigma * sigma / 3
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    part /= 6 * (variance - (whole + 1) ** 2)
    some, other, result = np.empty_like(plane), np.empty_like(plane), np.zeros_like(plane)
    if plane.size:
        sums = np.empty(max(plane.shape))
        call("blur", plane, *plane.shape, whole + part, some, other, sums, result)
    return result
