"""Values between samples: those of a picture between its pixels, bilinear or with its fine detail,
percentile and median of a set.

The latter are NumPy's, bit for bit, without `numpy.ma`, which NumPy's own load.
"""

import math
from collections.abc import Iterator

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.kernels import pictures


def four_around(
    x: Float[np.ndarray, "*places"], y: Float[np.ndarray, "*places"]
) -> Iterator[
    tuple[Int[np.ndarray, "*places"], Int[np.ndarray, "*places"], Float[np.ndarray, "*places"]]
]:
    """Rows, columns and weights (float32) of the four pixels around each place.

    The weights of a place add up to 1. What lies beyond the border is for the caller to say.

    Args:
        x: of the places, in index coordinates: pixel centres lie at whole numbers.
        y: likewise.
    """
    left, top = (np.floor(axis).astype(np.int64) for axis in (x, y))
    across, down = (x - left).astype(np.float32), (y - top).astype(np.float32)
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - across) * np.abs(1 - below - down)
            yield top + below, left + right, weight


def sample_bilinear(
    values: Float[np.ndarray, "height width *channels"],
    x: Float[np.ndarray, "*places"],
    y: Float[np.ndarray, "*places"],
) -> Float[np.ndarray, "..."]:
    """Values at places, as for `four_around`, float32; beyond the border the edge goes on."""
    return pictures.sample_bilinear(values, np.stack([x, y], axis=-1), 0.0)


def percentile(values: Float[np.ndarray, "..."], percent: float) -> np.floating:
    """Return the value that so many per cent of `values` (floats, at least one) do not exceed.

    Between two of them it lies on a straight line, as NumPy's does by default.
    """
    place = percent / 100 * (values.size - 1)
    low = int(place)
    high = min(low + 1, values.size - 1)
    parted = np.partition(values, (low, high), axis=None)
    share, step = place - low, parted[high] - parted[low]
    return parted[low] + step * share if share < 0.5 else parted[high] - step * (1 - share)


def median(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " columns"]:
    """Return the middle value of each column, or the mean of the two in the middle."""
    last = len(rows) - 1
    middle = last // 2, (last + 1) // 2
    return np.partition(rows, middle, axis=0)[list(middle)].mean(axis=0)


def sampled(
    picture: Float[np.ndarray, "rows columns channels"], places: Float[np.ndarray, "*shape 2"]
) -> Float[np.ndarray, "*shape channels"]:
    """Values at places (x, y) in pixels, the first centre at 0.5; as `sample_bilinear`."""
    return pictures.sample_bilinear(picture, places, 0.5)


_SHARPNESS = -0.75
"""Slope of the kernel one pixel from its middle. On skin at 100 % this one leaves 1.02 of the steps
between pixels; -0.5 leaves 0.96, Lanczos' three lobes 1.06 for twice the time."""
FREE_FOOTPRINT = 1.5
"""Pixels of the picture, by their side, that the kernel takes for one without aliasing."""
_MOST_LEVELS = 3
_OVERSHOOT = 0.25
"""By how much a value may leave the range of its neighbours: in parts of that range, or of what
is darkest there if that is less."""
AT_ONCE = 1 << 14
"""Places sampled at a time, so that what is worked on stays in the processor's cache."""


class PictureSampler:
    """Reads a picture at places by a cubic kernel; beyond its border the edge goes on.

    A value leaves the range of the sixteen pixels around it only as far as fine texture needs: a
    lamp of 50 throws no dark ring on skin of 0.2.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans.
    ASSP 29(6), 1981; levels of detail after Williams, "Pyramidal parametrics", SIGGRAPH 1983.
    """

    def __init__(self, picture: Float[np.ndarray, "height width channels"]) -> None:
        """Be ready to read a picture, which is finite and of any range."""
        self._levels = {0: picture}

    def at(
        self, x: Float[np.ndarray, " places"], y: Float[np.ndarray, " places"]
    ) -> Float[np.ndarray, "places channels"]:
        """Values at places in index coordinates: pixel centres lie at whole numbers."""
        return pictures.sample_cubic(self._levels[0], x, y, _SHARPNESS, _OVERSHOOT)

    def moved(
        self,
        index: Int[np.ndarray, " places"],
        moves: Float[np.ndarray, "2 rows columns"],
        corner: tuple[int, int],
        footprint: Float[np.ndarray, " pixels"] | None = None,
    ) -> Float[np.ndarray, "places channels"]:
        """Values that come to pixels of a region.

        Args:
            index: of these pixels in the flattened region, rising.
            moves: right and down from each pixel of the region to where its surface is.
            corner: row and column of the region's first pixel in the picture.
            footprint: pixels of the picture that each pixel of the region stands for, by their
                side; where that is more than 1.5 the picture is averaged first. None is 1
                everywhere.
        """
        result = pictures.sample_moved(
            self._levels[0], moves, index, corner, 1, _SHARPNESS, _OVERSHOOT
        )
        if footprint is None:
            return result
        footprint = footprint[index]
        coarse = np.flatnonzero(footprint > FREE_FOOTPRINT)
        if not len(coarse):
            return result
        # between two levels of detail
        level = np.log2(footprint[coarse] / FREE_FOOTPRINT)
        level = np.minimum(level, _MOST_LEVELS - 1).astype(np.float32)
        total = np.maximum(1 - level, 0)[:, None] * result[coarse]
        for number in range(1, math.ceil(level.max()) + 1):
            share, factor = np.maximum(1 - np.abs(level - number), 0), 2**number
            here = np.flatnonzero(share)
            if number not in self._levels:
                self._levels[number] = pictures.block_means(self._levels[0], factor)
            found = self._levels[number], moves, index[coarse[here]], corner, factor
            total[here] += share[here, None] * pictures.sample_moved(*found, _SHARPNESS, _OVERSHOOT)
        result[coarse] = total
        return result
