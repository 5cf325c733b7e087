"""Values that run on to where they are not known: what is near counts most."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call


def run_on(
    values: Float[np.ndarray, "rows columns channels"], weight: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns channels"]:
    """Complete values that are known in part, float32.

    Args:
        values: multiplied by their weights, finite. Where a weight is 1 they stay as they are.
        weight: how far they are known, 0 to 1.

    Source: Gortler et al., The lumigraph, SIGGRAPH 1996, section 3.4 (pull and push).
    """
    rows, columns, channels = values.shape
    if weight.shape != (rows, columns):
        raise ValueError(f"Weights of {weight.shape} do not fit values of {values.shape}.")
    result = np.array(values, np.float32, order="C")
    weight = np.ascontiguousarray(weight, np.float32)
    cells, height, width = 0, rows, columns
    while height > 2 or width > 2:
        height, width = (height + 1) // 2, (width + 1) // 2
        cells += height * width
    levels = np.empty(cells * (channels + 1), np.float32)
    call("run_on", result, weight, rows, columns, channels, levels)
    return result
