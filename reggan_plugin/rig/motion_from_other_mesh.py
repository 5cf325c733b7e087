"""One mesh laid on another by landmarks, to take its motion from the nearest surface."""

from typing import Final

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.kernels.shapes import solve_equations, vertex_normals

_AT_ONCE: Final = 500
_MOST_DISTANCES: Final = 50_000_000
"""At once: 400 MB."""
_NEIGHBOURS: Final = 4
_SOFT: Final = 1e-3
"""Eye distances that are added before distances are inverted."""
_TURNED: Final = 0.25
"""Eye distances that count for a surface which faces another way by all of a unit cosine."""

Points = Float[np.ndarray, "_ 3"]
Faces = Int[np.ndarray, "_ 3"]


def carried(
    points: Points, start: Float[np.ndarray, "marks 3"], end: Float[np.ndarray, "marks 3"]
) -> Points:
    """Points under the smooth map of space that takes `start` near `end`.

    Source: Duchon, Splines minimizing rotation-invariant semi-norms, 1977.
    """
    count = len(start)
    flat = np.column_stack([start, np.ones(count)])
    distance = np.linalg.norm(start[:, None] - start[None], axis=2)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = -distance - 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    system += 1e-9 * np.eye(count + 4)
    weights = solve_equations(system, np.concatenate([end, np.zeros((4, 3))]))
    kernel = -np.linalg.norm(points[:, None] - start[None], axis=2)
    return (
        kernel @ weights[:count] + np.column_stack([points, np.ones(len(points))]) @ weights[count:]
    )


def nearest_vertices(
    points: Points, normals: Points, surface: Float[np.ndarray, "vertices 3"], triangles: Faces
) -> tuple[Int[np.ndarray, "points near"], Float[np.ndarray, "points near"]]:
    """Vertices of a surface nearest to points, on the side that these face, and their weights.

    Args:
        points: in eye distances.
        normals: of the points.
        surface: vertices, in eye distances; those of no triangle are left out.
        triangles: of the surface.
    """
    used = np.unique(triangles)
    used_normals = vertex_normals(surface, triangles)[used].astype(np.float32)
    near = np.zeros((len(points), _NEIGHBOURS), int)
    distances = np.zeros((len(points), _NEIGHBOURS))
    there, here = surface[used].astype(np.float32), points.astype(np.float32)
    square = (there**2).sum(axis=1)
    at_once = max(1, min(_AT_ONCE, _MOST_DISTANCES // max(1, len(used))))
    for start in range(0, len(points), at_once):
        part = slice(start, start + at_once)
        distance = (here[part] ** 2).sum(axis=1)[:, None] + square - 2 * here[part] @ there.T
        np.sqrt(np.maximum(distance, 0, out=distance), out=distance)
        turned = 0.4 - normals[part].astype(np.float32) @ used_normals.T
        distance += np.float32(_TURNED) * np.maximum(turned, 0, out=turned)
        order = np.argpartition(distance, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
        near[part], distances[part] = used[order], np.take_along_axis(distance, order, 1)
    return near, inverse_squares(distances)


def inverse_squares(distance: Float[np.ndarray, "points near"]) -> Float[np.ndarray, "points near"]:
    """Weights of neighbours by their distance, which add up to 1."""
    weight = 1 / (distance + _SOFT) ** 2
    return weight / weight.sum(axis=1, keepdims=True)
