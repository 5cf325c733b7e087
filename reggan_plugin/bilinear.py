"""Bilinear sampling: the four pixels around a place, and how much each of them counts."""

from collections.abc import Iterator

import numpy as np

from reggan_plugin.array_types import Float, Int


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
    bottom, end = (length - 1 for length in values.shape[:2])
    channels = values.shape[2:]
    total = np.zeros((*x.shape, *channels), np.float32)
    for rows, columns, weight in four_around(x, y):
        share = weight.reshape(*weight.shape, *(1 for _ in channels))
        total += share * values[rows.clip(0, bottom), columns.clip(0, end)]
    return total
