"""Values between pixels: bilinear, or by a cubic kernel that keeps fine detail; other sizes."""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from reggan_plugin.array_types import Float, Int
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


def sample_moved(
    picture: Float[np.ndarray, "height width channels"],
    moves: Float[np.ndarray, "2 rows columns"],
    index: Int[np.ndarray, " places"],
    corner: tuple[int, int],
    factor: int,
    slope: float,
    overshoot: float,
) -> Float[np.ndarray, "places channels"]:
    """Do what `sample_cubic` does, where pixels of a region come from.

    Args:
        picture: finite.
        moves: from each pixel of the region to its place, right and down.
        index: of pixels in the flattened region, rising.
        corner: row and column of the region's first pixel in the picture.
        factor: so many pixels of the region and its moves, a power of 2, make one of the picture
            by their side.
        slope: as for `sample_cubic`.
        overshoot: likewise.
    """
    index, moves = np.ascontiguousarray(index, np.int64), np.ascontiguousarray(moves, np.float32)
    height, width, channels = picture.shape
    is_inside = not len(index) or (index[0] >= 0 and index[-1] < moves[0].size)
    if picture.size == 0 or len(moves) != 2 or factor < 1 or not is_inside:
        raise ValueError(f"{picture.shape}, {moves.shape}, {index} by {factor} do not fit.")
    result = np.empty((len(index), channels), np.float32)
    call(
        "sample_moved",
        *(*rows_of(picture), height, width, channels, cubic_weights(slope), overshoot),
        *(index, len(index), moves.shape[2], corner[1], corner[0], *moves, factor, result),
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


def sampled(
    picture: Float[np.ndarray, "rows columns channels"], places: Float[np.ndarray, "*shape 2"]
) -> Float[np.ndarray, "*shape channels"]:
    """Values at places (x, y) in pixels, the first centre at 0.5; as `sample_bilinear`."""
    return sample_bilinear(picture, places, 0.5)


_SHARPNESS = -0.75
"""Slope of the kernel one pixel from its middle. On skin at 100 % this one leaves 1.02 of the steps
between pixels; -0.5 leaves 0.96, Lanczos' three lobes 1.06 for twice the time."""
FREE_FOOTPRINT = 1.5
"""Pixels of the picture, by their side, that the kernel takes for one without aliasing."""
_MOST_LEVELS = 3
_OVERSHOOT = 0.25
"""By how much a value may leave the range of its neighbours: in parts of that range, or of what
is darkest there if that is less."""
AT_ONCE = 1 << 14
"""Places sampled at a time, so that what is worked on stays in the processor's cache."""


class PictureSampler:
    """Reads a picture at places by a cubic kernel; beyond its border the edge goes on.

    A value leaves the range of the sixteen pixels around it only as far as fine texture needs: a
    lamp of 50 throws no dark ring on skin of 0.2.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans.
    ASSP 29(6), 1981; levels of detail after Williams, "Pyramidal parametrics", SIGGRAPH 1983.
    """

    def __init__(self, picture: Float[np.ndarray, "height width channels"]) -> None:
        """Be ready to read a picture, which is finite and of any range."""
        self._levels = {0: picture}

    def at(
        self, x: Float[np.ndarray, " places"], y: Float[np.ndarray, " places"]
    ) -> Float[np.ndarray, "places channels"]:
        """Values at places in index coordinates: pixel centres lie at whole numbers."""
        return sample_cubic(self._levels[0], x, y, _SHARPNESS, _OVERSHOOT)

    def moved(
        self,
        index: Int[np.ndarray, " places"],
        moves: Float[np.ndarray, "2 rows columns"],
        corner: tuple[int, int],
        footprint: Float[np.ndarray, " pixels"] | None = None,
    ) -> Float[np.ndarray, "places channels"]:
        """Values that come to pixels of a region.

        Args:
            index: of these pixels in the flattened region, rising.
            moves: right and down from each pixel of the region to where its surface is.
            corner: row and column of the region's first pixel in the picture.
            footprint: pixels of the picture that each pixel of the region stands for, by their
                side; where that is more than 1.5 the picture is averaged first. None is 1
                everywhere.
        """
        result = sample_moved(self._levels[0], moves, index, corner, 1, _SHARPNESS, _OVERSHOOT)
        if footprint is None:
            return result
        footprint = footprint[index]
        coarse = np.flatnonzero(footprint > FREE_FOOTPRINT)
        if not len(coarse):
            return result
        # between two levels of detail
        level = np.log2(footprint[coarse] / FREE_FOOTPRINT)
        level = np.minimum(level, _MOST_LEVELS - 1).astype(np.float32)
        total = np.maximum(1 - level, 0)[:, None] * result[coarse]
        for number in range(1, math.ceil(level.max()) + 1):
            share, factor = np.maximum(1 - np.abs(level - number), 0), 2**number
            here = np.flatnonzero(share)
            if number not in self._levels:
                self._levels[number] = block_means(self._levels[0], factor)
            found = self._levels[number], moves, index[coarse[here]], corner, factor
            total[here] += share[here, None] * sample_moved(*found, _SHARPNESS, _OVERSHOOT)
        result[coarse] = total
        return result
