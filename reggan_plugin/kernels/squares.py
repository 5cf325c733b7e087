"""The largest, the mean and the middle one of the values around each pixel, and blurs."""

import math

import numpy as np

from reggan_plugin.array_types import Float, Shaped, UInt8
from reggan_plugin.kernels.library import call

_TOGETHER = 16
"""Pixels whose medians are found at once."""

_WIDEST = 1e5
"""Pixels of a blur; the largest picture has 16,384 to a side."""


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


def follow_edges(
    mask: Float[np.ndarray, "rows columns"],
    guide: Float[np.ndarray, "rows columns"],
    reach: int,
    soft: float,
) -> Float[np.ndarray, "rows columns"]:
    """Let a mask follow the edges of its guide, float32; beyond the border the edge goes on.

    Args:
        mask: a coarse one.
        guide: a picture of the same size, in one channel.
        reach: in squares of 2 reach + 1 pixels the mask becomes a straight line of the guide.
        soft: variance of the guide below which a square counts as flat: there the mask stays soft.

    Source: He, Sun and Tang, Guided image filtering, ECCV 2010.
    """
    if mask.ndim != 2 or mask.shape != guide.shape or reach < 0:
        raise ValueError(f"A mask of {mask.shape} cannot follow {guide.shape} by {reach} pixels.")
    mask, guide = (np.ascontiguousarray(one, np.float32) for one in (mask, guide))
    parts, sums = np.empty((4, *mask.shape), np.float32), np.empty(mask.shape[1])
    result = np.empty_like(mask)
    if mask.size:
        call("follow_edges", guide, mask, *mask.shape, reach, float(soft), parts, sums, result)
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
    if plane.ndim != 2 or not 0 <= sigma <= _WIDEST:
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
