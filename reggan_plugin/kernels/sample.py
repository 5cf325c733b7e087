"""Values of a picture at places between its pixels, by a cubic kernel."""

import math
from functools import cache

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.kernels.library import call, rows_of

PHASES = 1 << 10
"""Steps between two pixels that are told apart. A whole step is exact: such a shift keeps bits."""
LANES = 4
"""Numbers that are added at once."""


def sample_cubic(
    picture: Float[np.ndarray, "height width channels"],
    x: Float[np.ndarray, " places"],
    y: Float[np.ndarray, " places"],
    slope: float,
    overshoot: float,
) -> Float[np.ndarray, "places channels"]:
    """Weigh the 4 by 4 pixels around each place; beyond the picture's border its edge goes on.

    Args:
        picture: finite.
        x: of the places, in index coordinates: pixel centres lie at whole numbers.
        y: likewise.
        slope: of the kernel one pixel from its middle.
        overshoot: by how much a value may leave the range of its pixels: in parts of that range,
            or of what is darkest there if that is less.
    """
    x, y = (np.ascontiguousarray(axis, np.float64) for axis in (x, y))
    height, width, channels = picture.shape
    if picture.size == 0 or x.shape != y.shape:
        raise ValueError(f"{picture.shape}, {x.shape}, {y.shape} do not fit.")
    result = np.empty((len(x), channels), np.float32)
    call(
        "sample_cubic",
        *(*rows_of(picture), height, width, channels),
        *(cubic_weights(slope), overshoot, x, y, len(x), result),
    )
    return result


def sample_affine(
    picture: Float[np.ndarray, "height width channels"],
    matrix: Float[np.ndarray, "2 3"],
    shape: tuple[int, int],
    slope: float,
) -> Float[np.ndarray, "channels rows columns"]:
    """Sample at the pixels of another picture of a shape, plane by plane; 0 outside.

    Args:
        picture: finite.
        matrix: brings places (x, y) in that picture to this one; corners, not centres, of the
            first pixels lie at 0.
        shape: rows and columns wanted.
        slope: as for `sample_cubic`.
    """
    picture = np.ascontiguousarray(picture, np.float32)
    matrix = np.ascontiguousarray(matrix, np.float64)
    if picture.size == 0 or matrix.shape != (2, 3) or min(shape) < 0:
        raise ValueError(f"{picture.shape}, {matrix.shape}, {shape} do not fit.")
    result = np.empty((picture.shape[2], *shape), np.float32)
    call("sample_affine", picture, *picture.shape, cubic_weights(slope), matrix, *shape, result)
    return result


def shrink(
    picture: Float[np.ndarray, "height width channels"],
    corner: tuple[int, int],
    shape: tuple[int, int],
    scale: float,
    slope: float,
) -> Float[np.ndarray, "rows columns channels"]:
    """Shrink a part of a picture, of which every pixel counts; beyond the border the edge goes on.

    What shrinks to less than half is first averaged over blocks, which begin at the corner.

    Args:
        picture: finite.
        corner: row and column of the part's first pixel, in the picture or outside of it.
        shape: rows and columns wanted, one at least.
        scale: pixels of the picture that one of the result spans, by its side; 1 at least.
        slope: as for `sample_cubic`.
    """
    height, width, channels = picture.shape
    if picture.size == 0 or min(shape) < 1 or not 1 <= scale < np.inf:
        raise ValueError(f"{picture.shape} cannot shrink to {shape} by {scale}.")
    factor = max(1, int(scale / 2))
    fine = scale / factor
    taps = math.ceil(4 * fine) + 1
    axes: list[np.ndarray] = []
    for first, count in zip(corner, shape, strict=True):
        centres = (np.arange(count) + 0.5) * fine
        starts = np.floor(centres - 2 * fine + 0.5).astype(np.int64)
        away = (starts[:, None] + np.arange(taps) + 0.5 - centres[:, None]) / fine
        weights = _cubic(away, slope)
        weights /= weights.sum(axis=1, keepdims=True) * factor
        axes += [first + starts * factor, np.repeat(weights, factor, axis=1).astype(np.float32)]
    tops, of_rows, lefts, of_columns = axes
    line = np.empty(width * channels + LANES, np.float32)
    result = np.empty((*shape, channels), np.float32)
    wanted = tops, of_rows, shape[0], lefts, of_columns, shape[1], taps * factor
    call("shrink", *rows_of(picture), height, width, channels, *wanted, line, result)
    return result


def block_means(
    picture: Float[np.ndarray, "height width channels"], factor: int
) -> Float[np.ndarray, "rows columns channels"]:
    """Average over blocks of `factor` pixels; blocks at the far edges average what is left.

    A factor of 1 gives `picture` itself.
    """
    if factor == 1:
        return picture
    height, width, channels = picture.shape
    if factor < 1:
        raise ValueError(f"{picture.shape} has no blocks of {factor}.")
    result = np.empty((-(-height // factor), -(-width // factor), channels), np.float32)
    line = np.empty(width * channels, np.float32)
    if result.size:
        call("block_means", *rows_of(picture), height, width, channels, factor, line, result)
    return result


@cache
def cubic_weights(slope: float) -> Float[np.ndarray, "phases 4"]:
    """Weights of four pixels for each phase; they add up to 1, and phase 0 is one pixel alone."""
    phase = np.arange(PHASES)[:, None] / PHASES
    return _cubic(phase - np.arange(-1, 3), slope).astype(np.float32)


def _cubic(away: Float[np.ndarray, "*shape"], slope: float) -> Float[np.ndarray, "*shape"]:
    """Weights of what is so many pixels away, by a cubic of this slope at one pixel.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans.
    ASSP 29(6), 1981.
    """
    away, a = np.abs(away), slope
    near = ((a + 2) * away - (a + 3)) * away**2 + 1
    far = ((away - 5) * away + 8) * away * a - 4 * a
    return np.asarray(np.where(away <= 1, near, np.where(away < 2, far, 0.0)))
