"""Shapes: triangles drawn into a picture, outlines as shares of pixels, lines, and distances."""

from typing import NamedTuple

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.kernels.library import call


class DrawnPixels(NamedTuple):
    """Pixels that show a triangle.

    Attributes:
        pixels: their flat indices, rising.
        shown: row of the triangle of each.
        nearness: larger is nearer; that of two triangles differs.
        weights: barycentric, of its three corners at the pixel's centre.
    """

    pixels: Int[np.ndarray, " hits"]
    shown: Int[np.ndarray, " hits"]
    nearness: Int[np.ndarray, " hits"]
    weights: Float[np.ndarray, "3 hits"]


def draw_triangles(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    size: tuple[int, int],
    *,
    culls_back: bool,
    rows: Int[np.ndarray, " some"] | None,
    within: Bool[np.ndarray, "height width"] | None,
    most_pixels: int,
) -> DrawnPixels | None:
    """Draw triangles; the nearest wins, and of equally near ones that of the highest row.

    Args:
        points: x to the right and y down in pixels, the first pixel's centre at (0.5, 0.5); z
            grows towards the viewer. Triangles with a corner that is not finite are left out.
        triangles: rows of their corners, counter-clockwise seen from outside with y up.
        size: height and width of the picture in pixels.
        culls_back: leave out triangles that are seen from behind.
        rows: of the triangles that are drawn; None draws all.
        within: pixels that are drawn; None draws all.
        most_pixels: of boxes around the triangles, all together; None is returned if they have
            more.
    """
    points, triangles = _mesh(points, triangles)
    if rows is not None:
        rows = np.ascontiguousarray(rows, np.int64)
    if within is not None and within.shape != size:
        raise ValueError(f"A mask of {within.shape} does not fit a picture of {size}.")
    if within is not None:
        within = np.ascontiguousarray(within, bool)
    height, width = size
    nearest, hits = np.full(height * width, -1, np.int64), np.zeros(1, np.int64)
    count = len(triangles if rows is None else rows) if len(points) and len(triangles) else 0
    mesh = points, len(points), triangles, len(triangles)
    asked = rows, count, int(culls_back), within
    call("draw_triangles", *mesh, *asked, height, width, most_pixels, nearest, hits)
    found = int(hits[0])
    if found < 0:
        return None
    pixels, shown, nearness = (np.empty(found, np.int64) for _ in range(3))
    weights = np.empty((3, found), np.float32)
    if found:
        listed = found, pixels, shown, nearness, weights
        call("list_hits", nearest, height, width, *mesh, *listed)
    return DrawnPixels(pixels, shown, nearness, weights)


def mix_corners(
    values: Float[np.ndarray, "vertices channels"],
    triangles: Int[np.ndarray, "triangles 3"],
    shown: Int[np.ndarray, " hits"],
    weights: Float[np.ndarray, "3 hits"],
) -> Float[np.ndarray, "hits channels"]:
    """Mix values of vertices where pixels show triangles, in float32.

    Args:
        values: of the vertices.
        triangles: rows of their corners.
        shown: row of the triangle that each pixel shows.
        weights: of its corners.
    """
    values = np.ascontiguousarray(values, np.float32)
    triangles = _corners(triangles)
    shown = np.ascontiguousarray(shown, np.int64)
    weights = np.ascontiguousarray(weights, np.float32)
    vertices, channels = values.shape
    count = len(shown)
    if weights.shape != (3, count) or (count and not (vertices and len(triangles))):
        raise ValueError(f"{weights.shape} weights do not fit {count} pixels of a mesh.")
    result = np.empty((count, channels), np.float32)
    mesh = values, vertices, channels, triangles, len(triangles)
    call("mix_corners", *mesh, shown, weights, count, result)
    return result


def add_in_squares(
    values: Float[np.ndarray, "pixels more_channels"],
    channels: int,
    weights: Float[np.ndarray, " pixels"],
    pixels: Int[np.ndarray, " pixels"],
    size: tuple[int, int],
    factor: int,
) -> Float[np.ndarray, "rows columns channels_and_weight"]:
    """Add up values of pixels times their weights in squares, and the weights.

    Args:
        values: of the pixels.
        channels: of the values that count, the first ones.
        weights: of the pixels.
        pixels: their flat indices.
        size: height and width of their picture.
        factor: side of a square.
    """
    values, weights = (np.ascontiguousarray(one, np.float32) for one in (values, weights))
    pixels = np.ascontiguousarray(pixels, np.int64)
    count, step = values.shape
    if len(pixels) != count or len(weights) != count or not 0 <= channels <= step:
        raise ValueError(
            f"{len(pixels)} pixels have {count} values of {step} and {len(weights)} weights."
        )
    sums = np.zeros((-(-size[0] // factor), -(-size[1] // factor), channels + 1), np.float32)
    if sums.size:
        counted = values, step, channels, weights, pixels, count
        call("add_in_squares", *counted, *size, factor, sums)
    return sums


def find_edges(
    motion: Float[np.ndarray, "pixels more_channels"],
    depth: Float[np.ndarray, " pixels"],
    pixels: Int[np.ndarray, " pixels"],
    width: int,
    least_motion: float,
    least_depth: float,
) -> Bool[np.ndarray, " pixels"]:
    """Find pixels below which, or to the right of which, another surface begins.

    Args:
        motion: of what pixels show, in the first two channels.
        depth: likewise.
        pixels: their flat indices, rising.
        width: of their picture.
        least_motion: by which two surfaces differ more, along an axis.
        least_depth: likewise.
    """
    motion, depth = (np.ascontiguousarray(one, np.float32) for one in (motion, depth))
    pixels = np.ascontiguousarray(pixels, np.int64)
    count, step = motion.shape
    if len(pixels) != count or len(depth) != count or step < 2 or width < 1:
        raise ValueError(
            f"{len(pixels)} pixels in rows of {width} have {count} values and {len(depth)} depths."
        )
    found = np.empty(count, bool)
    least = float(least_motion), float(least_depth)
    call("find_edges", motion, step, depth, pixels, count, width, *least, found)
    return found


def face_normals(
    points: Float[np.ndarray, "points 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "triangles 3"]:
    """Return normals of triangles, of the length of twice their areas."""
    first, second, third = np.moveaxis(points[triangles], 1, 0)
    return np.cross(second - first, third - first)


def vertex_normals(
    points: Float[np.ndarray, "points 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "points 3"]:
    """Return unit normals: the mean of the triangles at a vertex by area; 0 without any."""
    points, triangles = _mesh(points, triangles)
    normals = np.zeros_like(points)
    if len(points):
        call("add_normals", points, len(points), triangles, len(triangles), normals)
    x, y, z = normals.T
    return normals / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-12)[:, None]


def _mesh(
    points: Float[np.ndarray, "vertices 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "triangles 3"]]:
    points = np.ascontiguousarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"Points of {points.shape} are no mesh.")
    return points, _corners(triangles)


def _corners(triangles: Int[np.ndarray, "triangles 3"]) -> Int[np.ndarray, "triangles 3"]:
    triangles = np.ascontiguousarray(triangles, np.int64)
    if triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ValueError(f"Triangles of {triangles.shape} are no mesh.")
    return triangles


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


_MOST_CHANNELS = 4


def sum_distances(
    points: Float[np.ndarray, "points 3"],
    anchors: Float[np.ndarray, "anchors 3"],
    weights: Float[np.ndarray, "anchors channels"],
    soft: float,
) -> Float[np.ndarray, "points channels"]:
    """Add up, for each point, the weights of all anchors times their distances, in float32.

    Args:
        points: where the sums are wanted.
        anchors: to which distances are taken.
        weights: of the anchors, four each at most.
        soft: over which a distance is rounded at 0: it is the root of two squares.
    """
    points, anchors, weights = (
        np.ascontiguousarray(one, np.float32) for one in (points, anchors, weights)
    )
    count, channels = weights.shape
    if anchors.shape != (count, 3) or channels > _MOST_CHANNELS or points.shape[1:] != (3,):
        raise ValueError(f"{points.shape}, {anchors.shape} and {weights.shape} do not fit.")
    result = np.empty((len(points), channels), np.float32)
    square = float(np.float32(soft**2))
    call("sum_distances", points, len(points), anchors, count, weights, channels, square, result)
    return result


def solve_equations(
    matrix: Float[np.ndarray, "count count"], right: Float[np.ndarray, "count sides"]
) -> Float[np.ndarray, "count sides"]:
    """Return what `matrix` has to be multiplied with to give `right`, in float64.

    OpenBLAS waits for its threads in a loop: from a hundred equations on, they took 25 ms of each
    core where these take 1.

    Raises:
        np.linalg.LinAlgError: there is no one solution.
    """
    count = len(right)
    if matrix.shape != (count, count) or right.ndim != 2:
        raise ValueError(f"{matrix.shape} and {right.shape} are no equations.")
    both = np.concatenate([matrix, right], axis=1, dtype=np.float64)
    equations = np.ascontiguousarray(both)
    call("solve_equations", equations, *equations.shape)
    result = equations[:, count:]
    if not np.isfinite(result).all():
        raise np.linalg.LinAlgError("The equations have no one solution.")
    return result
