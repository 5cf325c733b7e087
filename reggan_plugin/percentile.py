"""Percentile and median as NumPy's, bit for bit, without `numpy.ma`, which NumPy's own load."""

import numpy as np

from reggan_plugin.array_types import Float


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
