"""A triangle rasteriser in NumPy: which triangle each pixel shows, and where on it.

A triangle is drawn row by row. Where a row cuts an edge is computed from the edge's two ends in
an order of their own, so two triangles that share an edge get the same number to the last bit:
one ends before it, the other begins at it, and no pixel is left out or drawn by both.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int

_MOST_PIXELS = 1_000_000
"""Of the bounding boxes drawn at once: about 60 MB. A triangle larger than this goes alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshRaster:
    """Nearest triangle of each pixel.

    Attributes:
        triangle: its row, -1 where there is none.
        barycentric: weights of its three corners at the pixel's centre, 0 where there is none.
    """

    triangle: Int[np.ndarray, "height width"]
    barycentric: Float[np.ndarray, "height width 3"]

    @property
    def is_hit(self) -> Bool[np.ndarray, "height width"]:
        """True where there is a triangle."""
        return self.triangle >= 0

    def mixed(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "height width channels"]:
        """Interpolate values of vertices, float32; 0 where there is no triangle."""
        out = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        out[self.is_hit] = self.mixed_where_hit(values, triangles)
        return out

    def mixed_where_hit(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "hits channels"]:
        """Interpolate as `mixed`, at the pixels of `is_hit` alone, in their order."""
        corners = triangles[self.triangle[self.is_hit]]
        weights = self.barycentric[self.is_hit]
        values = values.astype(np.float32, copy=False)
        total = values[corners[:, 0]] * weights[:, :1]
        for corner in (1, 2):
            total += values[corners[:, corner]] * weights[:, corner, None]
        return total


def rasterise(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    height: int,
    width: int,
    *,
    culls_back: bool = True,
) -> MeshRaster:
    """Draw triangles; the nearest wins, and of equally near ones that of the highest row.

    Triangles with a corner that is not finite are left out, as are those seen edge-on.

    Args:
        points: x to the right and y down in pixels, the first pixel's centre at (0.5, 0.5); z
            grows towards the viewer.
        triangles: rows of their corners, counter-clockwise seen from outside with y up.
        height: of the picture in pixels.
        width: likewise.
        culls_back: leave out triangles that are seen from behind.
    """
    corners = points.astype(np.float64)[triangles]
    with np.errstate(invalid="ignore", over="ignore"):
        area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    is_drawn = (area < 0 if culls_back else area != 0) & np.isfinite(corners).all(axis=(1, 2))
    first = _cells(corners[..., :2].min(axis=1), (width, height))
    last = _cells(corners[..., :2].max(axis=1), (width, height))
    is_drawn &= (last > first).all(axis=1)
    rows = np.flatnonzero(is_drawn)
    # Nearness and row in one number, nearness first: the largest is the triangle that is seen.
    nearest = np.full(height * width, -1, np.int64)
    for some in _chunks(rows, (last - first)[rows].prod(axis=1)):
        pixel, depth, row = _drawn(corners[some], some, (height, width))
        np.maximum.at(nearest, pixel, _sortable(depth) << 32 | row)
    hit = np.flatnonzero(nearest >= 0)
    shown = nearest[hit] & 0xFFFFFFFF
    triangle = np.full(height * width, -1, np.int32)
    triangle[hit] = shown
    barycentric = np.zeros((height * width, 3), np.float32)
    barycentric[hit] = _barycentric(corners[..., :2], area, shown, hit, width)
    return MeshRaster(
        triangle=triangle.reshape(height, width),
        barycentric=barycentric.reshape(height, width, 3),
    )


def _cross(
    a: Float[np.ndarray, "triangles _"], b: Float[np.ndarray, "triangles _"]
) -> Float[np.ndarray, " triangles"]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _cells(places: Float[np.ndarray, "*places"], size: int | tuple[int, int]) -> np.ndarray:
    """Find the first pixel whose centre is at a place or after it, within the picture."""
    inside = np.clip(np.nan_to_num(np.ceil(places - 0.5)), 0, size)
    return inside.astype(np.int64)


def _chunks(
    rows: Int[np.ndarray, " rows"], pixels: Int[np.ndarray, " rows"]
) -> Iterator[Int[np.ndarray, " some"]]:
    """Rows in parts whose pixels together are few enough."""
    if not len(rows):
        return
    part = np.cumsum(pixels) // _MOST_PIXELS
    yield from np.split(rows, np.flatnonzero(np.diff(part)) + 1)


def _drawn(
    corners: Float[np.ndarray, "some 3 3"], rows: Int[np.ndarray, " some"], size: tuple[int, int]
) -> tuple[Int[np.ndarray, " pixels"], Float[np.ndarray, " pixels"], Int[np.ndarray, " pixels"]]:
    """Flat index, depth and triangle's row of every pixel that triangles cover."""
    height, width = size
    order = np.lexsort((corners[..., 0], corners[..., 1]), axis=1)  # downwards, then rightwards
    top, middle, bottom = np.moveaxis(np.take_along_axis(corners, order[..., None], axis=1), 1, 0)
    first, end = _cells(top[:, 1], height), _cells(bottom[:, 1], height)
    one, row = _spread(first, end - first)
    y = row + 0.5
    is_above = y < middle[one, 1]
    start = np.where(is_above[:, None], top[one], middle[one])
    stop = np.where(is_above[:, None], middle[one], bottom[one])
    long = _cut(top[one], bottom[one], y)
    short = _cut(start, stop, y)
    left, right = (pick(long[:, 0], short[:, 0]) for pick in (np.minimum, np.maximum))
    column, beyond = _cells(left, width), _cells(right, width)
    # Depth along a row, from one cut to the other: it never leaves the triangle's own range.
    run = short[:, 0] - long[:, 0]
    slope = (short[:, 1] - long[:, 1]) / np.where(run == 0, 1.0, run)
    which, x = _spread(column, beyond - column)
    along = (x + 0.5 - long[which, 0]).astype(np.float32)
    depth = long[which, 1].astype(np.float32) + along * slope[which].astype(np.float32)
    return row[which] * width + x, depth, rows[one[which]]


def _spread(
    first: Int[np.ndarray, " spans"], lengths: Int[np.ndarray, " spans"]
) -> tuple[Int[np.ndarray, " cells"], Int[np.ndarray, " cells"]]:
    """Return the span and the place of each cell of spans that begin at `first`."""
    lengths = np.maximum(lengths, 0)
    span = np.repeat(np.arange(len(first)), lengths)
    before = np.cumsum(lengths) - lengths
    return span, np.arange(len(span)) + (first - before)[span]


def _cut(
    start: Float[np.ndarray, "spans 3"],
    stop: Float[np.ndarray, "spans 3"],
    y: Float[np.ndarray, " spans"],
) -> Float[np.ndarray, "spans 2"]:
    """Find the x and z at which edges cross rows."""
    fall = stop[:, 1] - start[:, 1]
    share = (y - start[:, 1]) / np.where(fall == 0, 1.0, fall)
    return start[:, ::2] + share[:, None] * (stop[:, ::2] - start[:, ::2])


def _sortable(depth: Float[np.ndarray, " pixels"]) -> Int[np.ndarray, " pixels"]:
    """Whole numbers from 0 to 2**32 in the order of float32 numbers; halved, for the sign bit."""
    bits = depth.astype(np.float32, copy=False).view(np.int32).astype(np.int64)
    return (np.where(bits < 0, -2147483648 - bits, bits) + 2147483648) >> 1


def _barycentric(
    corners: Float[np.ndarray, "triangles 3 2"],
    area: Float[np.ndarray, " triangles"],
    shown: Int[np.ndarray, " hits"],
    pixel: Int[np.ndarray, " hits"],
    width: int,
) -> Float[np.ndarray, "hits 3"]:
    """Weights at pixel centres, from 0 to 1, of sum 1."""
    used, which = np.unique(shown, return_inverse=True)
    a, b, c = np.moveaxis(corners[used], 1, 0)
    (bx, by), (cx, cy) = (b - a).T, (c - a).T
    steps = np.stack([cy, -cx, -by, bx]) / area[used]  # of the second and third weight, by pixel
    table = np.concatenate([a.T, steps]).astype(np.float32)
    x, y, second_x, second_y, third_x, third_y = table[:, which]
    row, column = np.divmod(pixel, width)
    x = column.astype(np.float32) + np.float32(0.5) - x
    y = row.astype(np.float32) + np.float32(0.5) - y
    second = np.clip(x * second_x + y * second_y, 0, 1)
    third = np.clip(x * third_x + y * third_y, 0, 1 - second)
    return np.stack([1 - second - third, second, third], axis=1)
