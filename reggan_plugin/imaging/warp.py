"""Sample a picture at places that lie anywhere between its pixels, and keep its fine detail."""

import math

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.kernels.pictures import block_means, sample_cubic, sample_moved

_SHARPNESS = -0.75
"""Slope of the kernel one pixel from its middle. On skin at 100 % this one leaves 1.02 of the steps
between pixels; -0.5 leaves 0.96, Lanczos' three lobes 1.06 for twice the time."""
FREE_FOOTPRINT = 1.5
"""Pixels of the picture, by their side, that the kernel takes for one without aliasing."""
_MOST_LEVELS = 3
_OVERSHOOT = 0.25
"""By how much a value may leave the range of its neighbours: in parts of that range, or of what
is darkest there if that is less."""
AT_ONCE = 1 << 13
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
        return sample_cubic(self._levels[0], x, y, _SHARPNESS, _OVERSHOOT)

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
        result = sample_moved(self._levels[0], moves, index, corner, 1, _SHARPNESS, _OVERSHOOT)
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
                self._levels[number] = block_means(self._levels[0], factor)
            found = self._levels[number], moves, index[coarse[here]], corner, factor
            total[here] += share[here, None] * sample_moved(*found, _SHARPNESS, _OVERSHOOT)
        result[coarse] = total
        return result
