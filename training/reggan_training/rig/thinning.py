"""A mesh with fewer vertices, by collapses of its edges."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

Points = Float[np.ndarray, "_ 3"]
Faces = Int[np.ndarray, "_ 3"]
_MOST_ROUNDS: Final = 60
_LEAST_COSINE: Final = 0.5
"""Of the angle by which a triangle may turn."""


def thinned(
    points: Points,
    faces: Faces,
    wanted: Float[np.ndarray, " points"],
    *,
    frozen: Bool[np.ndarray, " points"],
) -> tuple[Int[np.ndarray, " kept"], Faces]:
    """Collapse edges that are shorter than wanted, the shortest by that measure first.

    A vertex goes onto its neighbour; borders stay, and no triangle turns over.

    Args:
        points: of the mesh.
        faces: of the mesh.
        wanted: length of the edges around each point.
        frozen: points that stay where they are.

    Returns:
        The rows of the points that are kept, and the faces between them by their new rows.
    """
    mesh = _Mesh(points, faces, frozen)
    for _ in range(_MOST_ROUNDS):
        if not mesh.collapse_once(wanted):
            break
    kept, dense = np.unique(mesh.faces[mesh.alive], return_inverse=True)
    return kept, dense.reshape(-1, 3)


class _Mesh:
    """A mesh whose edges are collapsed in rounds: in each no two that touch."""

    def __init__(self, points: Points, faces: Faces, frozen: Bool[np.ndarray, " points"]) -> None:
        self._points, self._frozen = points, frozen
        self.faces, self.alive = faces.copy(), np.ones(len(faces), bool)
        self._around: dict[int, list[int]] = {}
        self._fixed = frozen

    def collapse_once(self, wanted: Float[np.ndarray, " points"]) -> bool:
        """Do one round; False if there was nothing to do."""
        edges = self._look_around()
        length = np.linalg.norm(self._points[edges[:, 0]] - self._points[edges[:, 1]], axis=1)
        ratio = length / wanted[edges].mean(axis=1)
        touched = np.zeros(len(self._points), bool)
        order = np.argsort(ratio)
        for start, end in edges[order[ratio[order] <= 1]].tolist():
            if not (touched[start] or touched[end]):
                touched[self._collapse(start, end)] = True
        return bool(touched.any())

    def _look_around(self) -> Int[np.ndarray, "edges 2"]:
        """Note which faces are around each point and which points are fixed; list the edges."""
        alive = self.faces[self.alive]
        ends = np.concatenate([alive[:, [0, 1]], alive[:, [1, 2]], alive[:, [2, 0]]])
        edges, number = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
        self._fixed = self._frozen.copy()
        self._fixed[edges[number == 1]] = True
        self._around = {}
        for row in np.flatnonzero(self.alive).tolist():
            for corner in self.faces[row].tolist():
                self._around.setdefault(corner, []).append(row)
        return edges

    def _collapse(self, start: int, end: int) -> list[int]:
        """Move one end of an edge onto the other; the points that this touches, if it may be."""
        if self._fixed[start]:
            start, end = end, start
        if self._fixed[start]:
            return []
        around, ring = self._around[start], self._ring(start)
        if len(ring & self._ring(end)) != 2:
            return []
        before = self.faces[around]
        after = np.where(before == start, end, before)
        if self._turns_over(before, after, ~(before == end).any(axis=1)):
            return []
        self.faces[around] = after
        self.alive[np.array(around)[(after == end).sum(axis=1) > 1]] = False
        return [*ring, start, end]

    def _ring(self, point: int) -> set[int]:
        return set(self.faces[self._around[point]].ravel().tolist()) - {point}

    def _turns_over(self, before: Faces, after: Faces, stays: Bool[np.ndarray, " faces"]) -> bool:
        old, new = (
            face_normals(self._points, before[stays]),
            face_normals(self._points, after[stays]),
        )
        sizes = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
        cosine = (old * new).sum(axis=1) / np.maximum(sizes, 1e-12)
        return bool((cosine < _LEAST_COSINE).any())


def face_normals(points: Points, faces: Faces) -> Float[np.ndarray, "faces 3"]:
    """Return normals of triangles, of the length of twice their areas."""
    corner = points[faces]
    return np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
