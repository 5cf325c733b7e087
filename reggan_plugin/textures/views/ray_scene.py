"""Rays and the first triangle that they meet, by Intel's Embree."""

import time
from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from reggan_plugin.array_types import Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.limits import LEAST_RAYS_A_SECOND, MOST_LATE_SECONDS, MOST_LOOK_SECONDS

_FIRST_RAYS, _RAYS_AT_ONCE = 1 << 10, 1 << 20
"""Few at first, to see how long they take; the last bounds the memory of a query: 150 MB."""


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
        self._faces, self._late_s, self._spent_s = len(faces), 0.0, 0.0
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
        start, at_once = 0, _FIRST_RAYS
        while start < count:
            part = slice(start, min(start + at_once, count))
            begin = time.thread_time()
            found = self._scene.run(
                np.ascontiguousarray(origins[part], dtype=np.float32),
                np.ascontiguousarray(directions[part], dtype=np.float32),
                query="INTERSECT",
                output=True,
            )
            face[part] = found["primID"]
            weights[part, 1], weights[part, 2] = found["u"], found["v"]
            distance[part] = found["tfar"]
            self._refuse_slow(part.stop - start, time.thread_time() - begin)
            start, at_once = part.stop, min(2 * at_once, _RAYS_AT_ONCE)
        weights[:, 0] = 1.0 - weights[:, 1] - weights[:, 2]
        return Hits(face=face, weights=weights, distance=distance)

    def _refuse_slow(self, rays: int, seconds: float) -> None:
        """Refuse triangles that a search tree hardly divides, as thousands in one place.

        Raises:
            MeshError: looking at them takes more time than any sound mesh does.
        """
        self._late_s = max(self._late_s + seconds - rays / LEAST_RAYS_A_SECOND, 0.0)
        self._spent_s += seconds
        if self._late_s > MOST_LATE_SECONDS or self._spent_s > MOST_LOOK_SECONDS:
            raise MeshError(
                f"The mesh of {self._faces:,} triangles takes too long to look at: too many of "
                "them lie in one place. Merge what lies twice, and export it again."
            )
