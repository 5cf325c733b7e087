"""Values of a picture at places between its pixels, in straight lines."""

import math

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call


def sample_bilinear(
    picture: Float[np.ndarray, "height width *channels"],
    places: Float[np.ndarray, "*shape 2"],
    centre: float,
    matrix: Float[np.ndarray, "2 3"] | None = None,
) -> Float[np.ndarray, "..."]:
    """Read a picture at places, float32; beyond its border the edge goes on.

    Args:
        picture: with any channels.
        places: x and y; what is no number is read as none.
        centre: where the first pixel's centre lies along both axes.
        matrix: that leads from the places to the picture's pixels; None if they are there.
    """
    height, width, *channels = picture.shape
    if picture.size == 0 or places.shape[-1:] != (2,):
        raise ValueError(f"A picture of {picture.shape} has no places of {places.shape}.")
    kind = np.float32 if places.dtype == np.float32 else np.float64
    picture, places = (
        np.ascontiguousarray(one, dtype) for one, dtype in ((picture, np.float32), (places, kind))
    )
    if matrix is not None:
        matrix = np.ascontiguousarray(matrix, kind)
        if matrix.shape != (2, 3):
            raise ValueError(f"A matrix of {matrix.shape} leads to no picture.")
    result = np.empty((*places.shape[:-1], *channels), np.float32)
    shape = height, width, math.prod(channels)
    name = "sample_bilinear_floats" if kind is np.float32 else "sample_bilinear_doubles"
    call(name, picture, *shape, places, matrix, float(centre), places.size // 2, result)
    return result
