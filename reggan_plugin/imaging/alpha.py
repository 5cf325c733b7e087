"""Alpha: pixels stored multiplied by it become straight, and are multiplied again."""

import numpy as np

from reggan_plugin.array_types import Float


def straight_from_stored(
    stored: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    is_premultiplied: bool,
) -> Float[np.ndarray, "height width 3"]:
    """Straight values in the file's own encoding."""
    if is_premultiplied and alpha is not None:
        return stored / _divisor(alpha)
    return stored


def stored_from_straight(
    straight: Float[np.ndarray, "height width 3"],
    alpha: Float[np.ndarray, "height width"] | None,
    is_premultiplied: bool,
) -> Float[np.ndarray, "height width 3"]:
    """Undo `straight_from_stored`, up to rounding."""
    if is_premultiplied and alpha is not None:
        return straight * _divisor(alpha)
    return straight


def _divisor(alpha: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width 1"]:
    usable = np.isfinite(alpha) & (alpha > 0)
    return np.where(usable, alpha, np.float32(1.0)).astype(np.float32)[..., None]
