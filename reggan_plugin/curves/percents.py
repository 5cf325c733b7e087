"""Whether the weights of a take are percents (`--curves-percent` says so where nothing tells)."""

import numpy as np

from reggan_plugin.array_types import Float

_LEAST_PERCENT = 2.0


def scale_of(weights: Float[np.ndarray, "rows names"]) -> float:
    """Return what weights are multiplied by: a hundredth if they look like percents, else 1."""
    return 0.01 if np.nanmax(weights, initial=0.0) > _LEAST_PERCENT else 1.0
