"""Averages over neighbouring cells of a plane."""

import numpy as np

from reggan_plugin.array_types import Bool, Float

REACH = 2
"""Cells that an average and a widening look at on each side."""


def widened(mask: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """True within two cells of what is True."""
    for axis in (-2, -1):
        mask = np.logical_or.reduce(_neighbours(mask, axis))
    return mask


def blurred(
    planes: Float[np.ndarray, "*planes rows columns"],
) -> Float[np.ndarray, "*planes rows columns"]:
    """Averages over five cells each way, with binomial weights."""
    for axis in (-2, -1):
        first, second, middle, fourth, fifth = _neighbours(planes, axis)
        planes = (
            first + fifth + np.float32(4) * (second + fourth) + np.float32(6) * middle
        ) / np.float32(16)
    return planes


def _neighbours(planes: np.ndarray, axis: int) -> list[np.ndarray]:
    """The planes moved by -2 to 2 cells along one of the last two axes; edges are repeated."""
    margin = [(0, 0)] * (planes.ndim - 2) + [
        (REACH, REACH) if axis == one else (0, 0) for one in (-2, -1)
    ]
    wide, length = np.pad(planes, margin, mode="edge"), planes.shape[axis]
    if axis == -1:
        return [wide[..., k : k + length] for k in range(2 * REACH + 1)]
    return [wide[..., k : k + length, :] for k in range(2 * REACH + 1)]
