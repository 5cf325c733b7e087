"""Values between samples: bilinear in a picture, percentile and median of a set.

The latter are NumPy's, bit for bit, without `numpy.ma`, which NumPy's own load.
"""

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
