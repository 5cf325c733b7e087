"""Values of a picture at places between its pixels."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call

PHASES = 1 << 10
"""Steps between two pixels that are told apart. A whole step is exact: such a shift keeps bits."""


def sample_cubic(
    picture: Float[np.ndarray, "height width channels"],
    x: Float[np.ndarray, " places"],
    y: Float[np.ndarray, " places"],
    weights: Float[np.ndarray, "1024 4"],
    overshoot: float,
) -> Float[np.ndarray, "places channels"]:
    """Weigh the 4 by 4 pixels around each place; beyond the picture's border its edge goes on.

    Args:
        picture: finite.
        x: of the places, in index coordinates: pixel centres lie at whole numbers.
        y: likewise.
        weights: of the four pixels along an axis, for each of 1024 steps between two of them.
        overshoot: by how much a value may leave the range of its pixels: in parts of that range,
            or of what is darkest there if that is less.
    """
    picture = np.ascontiguousarray(picture, np.float32)
    weights = np.ascontiguousarray(weights, np.float32)
    x, y = (np.ascontiguousarray(axis, np.float64) for axis in (x, y))
    height, width, channels = picture.shape
    if picture.size == 0 or x.shape != y.shape or weights.shape != (PHASES, 4):
        raise ValueError(f"{picture.shape}, {x.shape}, {y.shape}, {weights.shape} do not fit.")
    result = np.empty((len(x), channels), np.float32)
    call(
        "sample_cubic",
        *(picture, height, width, channels),
        *(weights, overshoot, x, y, len(x), result),
    )
    return result
