"""Sums of distances from points to anchors, as a smooth map through the anchors needs them."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call

_MOST_CHANNELS = 4


def sum_distances(
    points: Float[np.ndarray, "points 3"],
    anchors: Float[np.ndarray, "anchors 3"],
    weights: Float[np.ndarray, "anchors channels"],
    soft: float,
) -> Float[np.ndarray, "points channels"]:
    """Add up, for each point, the weights of all anchors times their distances, in float32.

    Args:
        points: where the sums are wanted.
        anchors: to which distances are taken.
        weights: of the anchors, four each at most.
        soft: over which a distance is rounded at 0: it is the root of two squares.
    """
    points, anchors, weights = (
        np.ascontiguousarray(one, np.float32) for one in (points, anchors, weights)
    )
    count, channels = weights.shape
    if anchors.shape != (count, 3) or channels > _MOST_CHANNELS or points.shape[1:] != (3,):
        raise ValueError(f"{points.shape}, {anchors.shape} and {weights.shape} do not fit.")
    result = np.empty((len(points), channels), np.float32)
    square = float(np.float32(soft**2))
    call("sum_distances", points, len(points), anchors, count, weights, channels, square, result)
    return result
