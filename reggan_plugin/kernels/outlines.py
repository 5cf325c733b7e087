"""Outlines as shares of pixels, and lines as smooth bands."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call


def fill_outline(
    corners: Float[np.ndarray, "corners 2"], size: tuple[int, int]
) -> Float[np.ndarray, "rows columns"]:
    """Share of each pixel that lies inside a closed outline, 0 to 1, by the even-odd rule.

    Args:
        corners: x and y in pixels, the first pixel's centre at (0.5, 0.5).
        size: rows and columns of the result.
    """
    corners = _places(corners)
    plane = np.zeros(size, np.float32)
    call("fill_outline", corners, len(corners), *size, plane)
    return plane


def draw_line(
    places: Float[np.ndarray, "places 2"], width: float, size: tuple[int, int]
) -> Float[np.ndarray, "rows columns"]:
    """1 on a line through places and 0 away from it, smoothly; a half at half of its width.

    Args:
        places: x and y in pixels, the first pixel's centre at (0.5, 0.5).
        width: likewise, more than 0.
        size: rows and columns of the result.
    """
    places = _places(places)
    plane = np.empty(size, np.float32)
    call("draw_line", places, len(places), float(width / 2), *size, plane)
    return plane


def _places(places: Float[np.ndarray, "places 2"]) -> Float[np.ndarray, "places 2"]:
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"Places of {places.shape} are none of a plane.")
    return np.ascontiguousarray(places, np.float64)
