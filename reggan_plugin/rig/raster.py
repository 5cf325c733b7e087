"""A triangle rasteriser in NumPy: which triangle each pixel shows, and where on it.

A triangle is drawn row by row. Where a row cuts an edge is computed from the edge's two ends in
an order of their own, so two triangles that share an edge get the same number to the last bit:
one ends before it, the other begins at it, and no pixel is left out or drawn by both.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.interpolation import AT_ONCE
from reggan_plugin.limits import MOST_DRAWN_PIXELS, MOST_OVERDRAW

_MOST_PIXELS = 1_000_000
"""Of the bounding boxes drawn at once: about 60 MB. A triangle larger than this goes alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshRaster:
    """Nearest triangle of each pixel.

    Attributes:
        shape: rows and columns.
        pixels: flat indices of those that show a triangle, rising.
        shown: row of that triangle.
        weights: barycentric, of its three corners at the pixel's centre.
        nearness: larger is nearer; that of two triangles differs.
    """

    shape: tuple[int, int]
    pixels: Int[np.ndarray, " hits"]
    shown: Int[np.ndarray, " hits"]
    weights: Float[np.ndarray, "3 hits"]
    nearness: Int[np.ndarray, " hits"]

    @cached_property
    def is_hit(self) -> Bool[np.ndarray, "height width"]:
        """True where there is a triangle."""
        return self.plane(np.ones(len(self.pixels), bool))

    @property
    def triangle(self) -> Int[np.ndarray, "height width"]:
        """Row of each pixel's triangle, -1 where there is none."""
        plane = np.full(self.shape, -1, np.int32)
        plane.ravel()[self.pixels] = self.shown
        return plane

    @property
    def barycentric(self) -> Float[np.ndarray, "height width 3"]:
        """Weights of each pixel's corners, 0 where there is no triangle."""
        return self.plane(self.weights.T)

    def plane(self, values: np.ndarray) -> np.ndarray:
        """Lay values of the hits out as a plane, 0 where there is no triangle."""
        plane = np.zeros((*self.shape, *values.shape[1:]), values.dtype)
        plane.reshape(-1, *values.shape[1:])[self.pixels] = values
        return plane

    def mixed(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "height width channels"]:
        """Interpolate values of vertices, float32; 0 where there is no triangle."""
        return self.plane(self.mixed_where_hit(values, triangles))

    def mixed_where_hit(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "hits channels"]:
        """Interpolate as `mixed`, at the pixels of `is_hit` alone, in their order."""
        values = np.ascontiguousarray(values, np.float32)
        first, *others = (np.ascontiguousarray(corner) for corner in triangles.T)
        result = np.empty((len(self.pixels), values.shape[1]), np.float32)
        for start in range(0, len(result), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            shown, weights, total = self.shown[some], self.weights[:, some, None], result[some]
            np.multiply(values.take(first.take(shown), axis=0), weights[0], out=total)
            for corner, weight in zip(others, weights[1:], strict=True):
                own = values.take(corner.take(shown), axis=0)
                own *= weight
                total += own
        return result


def rasterise(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    height: int,
    width: int,
    *,
    culls_back: bool = True,
    rows: Int[np.ndarray, " some"] | None = None,
    within: Bool[np.ndarray, "height width"] | None = None,
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
        rows: of the triangles that are drawn, rising; None draws all.
        within: pixels that are drawn; None draws all.

    Raises:
        MeshError: they lie over each other so often that it would take minutes.
    """
    points = points.astype(np.float64)
    x, y, _ = points.T
    with np.errstate(invalid="ignore", over="ignore"):
        # what surely is not seen is left out by what costs least
        outside = (x < 0) | (x > width) << 1 | (y < 0) << 2 | (y > height) << 3
        a, b, c = outside.astype(np.uint8)[triangles if rows is None else triangles[rows]].T
        near = np.flatnonzero(a & b & c == 0)
        rows = near if rows is None else rows[near]
        a, b, c = triangles[rows].T
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
    rows = rows[area < 0 if culls_back else area != 0]
    with np.errstate(invalid="ignore", over="ignore"):
        rows = rows[_in_picture(points, triangles[rows], (height, width), within)]
    # Nearness and row in one number, nearness first: the largest is the triangle that is seen.
    nearest = np.full(height * width, -1, np.int64)
    corners = points[triangles[rows]].transpose(1, 2, 0)
    x, y, _ = corners.transpose(1, 0, 2)
    boxes = _box_pixels(x, width) * _box_pixels(y, height)
    if boxes.sum() > max(MOST_OVERDRAW * height * width, MOST_DRAWN_PIXELS):
        raise MeshError(
            f"The triangles cover the picture more than {MOST_OVERDRAW} times: too many large "
            "ones lie over each other. Export the head alone, in smaller triangles.",
            kind="too-costly",
        )
    for some in _chunks(boxes):
        pixel, depth, row = _drawn(corners[:, :, some], rows[some], (height, width))
        if within is not None:
            inside = np.flatnonzero(within.ravel().take(pixel))
            pixel, depth, row = pixel[inside], depth[inside], row[inside]
        np.maximum.at(nearest, pixel, _sortable(depth) << 32 | row)
    hit = np.flatnonzero(nearest >= 0)
    shown = nearest[hit] & 0xFFFFFFFF
    return MeshRaster(
        shape=(height, width),
        pixels=hit,
        shown=shown,
        nearness=nearest[hit],
        weights=_barycentric(points, triangles, shown, hit, width),
    )


def nearest_of(rasters: Sequence[MeshRaster]) -> list[Bool[np.ndarray, " hits"]]:
    """Which hits of each raster are seen where all of them are drawn into one picture."""
    nearest = np.full(math.prod(rasters[0].shape), -1, np.int64)
    for one in rasters:
        nearest[one.pixels] = np.maximum(nearest[one.pixels], one.nearness)
    return [nearest[one.pixels] == one.nearness for one in rasters]


def _in_picture(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    size: tuple[int, int],
    within: Bool[np.ndarray, "height width"] | None,
) -> Int[np.ndarray, " some"]:
    """Rows of the triangles whose corners are finite and whose box has a pixel's centre in it."""
    a, b, c = triangles.T
    is_drawn = np.isfinite(points).all(axis=1)
    is_drawn = is_drawn[a] & is_drawn[b] & is_drawn[c]
    boxes = []
    for values, length in ((points[:, 1], size[0]), (points[:, 0], size[1])):
        cells = _cells(values, length)
        a_cells, b_cells, c_cells = cells[a], cells[b], cells[c]
        first = np.minimum(np.minimum(a_cells, b_cells), c_cells)
        end = np.maximum(np.maximum(a_cells, b_cells), c_cells)
        is_drawn &= first < end
        boxes.append((first, end))
    if within is not None:
        count = np.zeros((size[0] + 1, size[1] + 1), np.int32)
        within.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, out=count[1:, 1:])
        (top, bottom), (left, right) = boxes
        inside = count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left]
        is_drawn &= inside > 0
    return np.flatnonzero(is_drawn)


def _box_pixels(
    values: Float[np.ndarray, "3 triangles"], length: int
) -> Int[np.ndarray, " triangles"]:
    """Pixels along an axis between the corners of triangles."""
    cells = _cells(values, length)
    return cells.max(axis=0) - cells.min(axis=0)


def _cells(places: Float[np.ndarray, "*places"], size: int) -> np.ndarray:
    """Find the first pixel whose centre is at a place or after it, within the picture."""
    inside = np.ceil(places - 0.5)
    np.fmax(inside, 0, out=inside)  # which takes the number of NaN and another
    return np.fmin(inside, size, out=inside).astype(np.int64)


def _chunks(pixels: Int[np.ndarray, " rows"]) -> Iterator[slice]:
    """Rows in parts whose pixels together are few enough."""
    part = np.cumsum(pixels) // _MOST_PIXELS
    ends = np.flatnonzero(np.diff(part)) + 1
    for start, end in zip([0, *ends], [*ends, len(pixels)], strict=True):
        if start < end:
            yield slice(int(start), int(end))


def _drawn(
    corners: Float[np.ndarray, "3 xyz some"], rows: Int[np.ndarray, " some"], size: tuple[int, int]
) -> tuple[Int[np.ndarray, " pixels"], Float[np.ndarray, " pixels"], Int[np.ndarray, " pixels"]]:
    """Flat index, depth and triangle's row of every pixel that triangles cover."""
    height, width = size
    top, middle, bottom = _downwards(corners)
    first, end = _cells(top[1], height), _cells(bottom[1], height)
    one, row = _spread(first, end - first)
    y = row + 0.5
    # of each triangle its long edge, then its upper short one, then its lower one
    upper, lower = _edge(top, middle), _edge(middle, bottom)
    edges = [np.concatenate(both) for both in zip(upper, lower, strict=True)]
    long_x, long_z = _cut([values[one] for values in _edge(top, bottom)], y)
    which = one + len(rows) * (y >= middle[1][one])
    short_x, short_z = _cut([values[which] for values in edges], y)
    left, right = np.minimum(long_x, short_x), np.maximum(long_x, short_x)
    column, beyond = _cells(left, width), _cells(right, width)
    # Depth along a row, from one cut to the other: it never leaves the triangle's own range.
    run = short_x - long_x
    slope = (short_z - long_z) / np.where(run == 0, 1.0, run)
    span, x = _spread(column, beyond - column)
    along = (x + 0.5 - long_x[span]).astype(np.float32)
    depth = long_z.astype(np.float32)[span] + along * slope.astype(np.float32)[span]
    return (row * width)[span] + x, depth, rows[one][span]


_Corner = list[Float[np.ndarray, " some"]]


def _downwards(corners: Float[np.ndarray, "3 xyz some"]) -> list[_Corner]:
    """Sort the corners of triangles downwards, then rightwards."""
    a, b, c = ([*corner] for corner in corners)
    a, b = _in_order(a, b)
    b, c = _in_order(b, c)
    a, b = _in_order(a, b)
    return [a, b, c]


def _in_order(one: _Corner, other: _Corner) -> tuple[_Corner, _Corner]:
    swaps = (one[1] > other[1]) | ((one[1] == other[1]) & (one[0] > other[0]))
    pairs = list(zip(one, other, strict=True))
    return (
        [np.where(swaps, v, u) for u, v in pairs],
        [np.where(swaps, u, v) for u, v in pairs],
    )


def _spread(
    first: Int[np.ndarray, " spans"], lengths: Int[np.ndarray, " spans"]
) -> tuple[Int[np.ndarray, " cells"], Int[np.ndarray, " cells"]]:
    """Return the span and the place of each cell of spans that begin at `first`."""
    lengths = np.maximum(lengths, 0)
    span = np.repeat(np.arange(len(first)), lengths)
    before = np.cumsum(lengths) - lengths
    return span, np.arange(len(span)) + (first - before)[span]


def _edge(start: _Corner, stop: _Corner) -> _Corner:
    """Return the start of edges, and how far they go: x, y, z, then likewise."""
    across, down, nearer = (end - begin for begin, end in zip(start, stop, strict=True))
    return [*start, across, np.where(down == 0, 1.0, down), nearer]


def _cut(
    edge: _Corner, y: Float[np.ndarray, " spans"]
) -> tuple[Float[np.ndarray, " spans"], Float[np.ndarray, " spans"]]:
    """Find the x and z at which edges cross rows."""
    x, top, z, across, down, nearer = edge
    share = (y - top) / down
    return x + share * across, z + share * nearer


def _sortable(depth: Float[np.ndarray, " pixels"]) -> Int[np.ndarray, " pixels"]:
    """Whole numbers from 0 to 2**32 in the order of float32 numbers; halved, for the sign bit."""
    bits = depth.astype(np.float32, copy=False).view(np.int32).astype(np.int64)
    return (np.where(bits < 0, -2147483648 - bits, bits) + 2147483648) >> 1


def _barycentric(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    shown: Int[np.ndarray, " hits"],
    pixel: Int[np.ndarray, " hits"],
    width: int,
) -> Float[np.ndarray, "3 hits"]:
    """Weights at pixel centres, from 0 to 1, of sum 1."""
    is_used = np.zeros(len(triangles), bool)
    is_used[shown] = True
    used = np.flatnonzero(is_used)
    (ax, ay), (bx, by), (cx, cy) = (points[corner, :2].T for corner in triangles[used].T)
    bx, by, cx, cy = bx - ax, by - ay, cx - ax, cy - ay
    area = bx * cy - by * cx
    place = np.empty(len(triangles), np.int64)
    place[used] = np.arange(len(used))
    which = place[shown]
    # steps of the second and third weight, by pixel
    x, y, second_x, second_y, third_x, third_y = (
        values.astype(np.float32)[which]
        for values in (ax, ay, cy / area, -cx / area, -by / area, bx / area)
    )
    row, column = np.divmod(pixel, width)
    x = column.astype(np.float32) + np.float32(0.5) - x
    y = row.astype(np.float32) + np.float32(0.5) - y
    second = np.clip(x * second_x + y * second_y, 0, 1)
    third = np.clip(x * third_x + y * third_y, 0, 1 - second)
    return np.stack([1 - second - third, second, third])
