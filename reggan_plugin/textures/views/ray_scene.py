"""Rays and the first triangle that they meet, by Intel's Embree."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from reggan_plugin.array_types import Float, Int

_RAYS_AT_ONCE = 1 << 20
"""Bounds the memory of a query: about 150 MB."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hits:
    """The first hit of each ray."""

    face: Int[np.ndarray, " rays"]
    """Index of the triangle, -1 where there is none."""
    weights: Float[np.ndarray, "rays 3"]
    """Of the triangle's three corners, at the point that was met; they add up to 1."""
    distance: Float[np.ndarray, " rays"]
    """In lengths of the ray's direction."""


class RayScene:
    """Triangles that rays can be cast at; single precision, so keep the points near 0."""

    def __init__(
        self, positions: Float[np.ndarray, "points 3"], faces: Int[np.ndarray, "faces 3"]
    ) -> None:
        """Build the search tree."""
        self._scene = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(
            self._scene,
            np.ascontiguousarray(positions, dtype=np.float32),
            np.ascontiguousarray(faces, dtype=np.int32),
        )

    def first_hits(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Hits:
        """Return the nearest triangle on each ray, from either side."""
        count = len(origins)
        face = np.full(count, -1, dtype=np.int32)
        weights = np.zeros((count, 3), dtype=np.float32)
        distance = np.full(count, np.inf, dtype=np.float32)
        for start in range(0, count, _RAYS_AT_ONCE):
            part = slice(start, min(start + _RAYS_AT_ONCE, count))
            found = self._scene.run(
                np.ascontiguousarray(origins[part], dtype=np.float32),
                np.ascontiguousarray(directions[part], dtype=np.float32),
                query="INTERSECT",
                output=True,
            )
            face[part] = found["primID"]
            weights[part, 1], weights[part, 2] = found["u"], found["v"]
            distance[part] = found["tfar"]
        weights[:, 0] = 1.0 - weights[:, 1] - weights[:, 2]
        return Hits(face=face, weights=weights, distance=distance)
