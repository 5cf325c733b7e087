"""Normals of a mesh at its vertices."""

import numpy as np
from jaxtyping import Float, Int


def vertex_normals(
    points: Float[np.ndarray, "points 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "points 3"]:
    """Unit normals: the mean of the triangles at a vertex, weighted by area; 0 without any."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    total = np.zeros((len(points), 3))
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(triangles[:, corner], normal[:, axis], len(points))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
