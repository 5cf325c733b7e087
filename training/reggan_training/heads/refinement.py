"""Quads cut in four along smooth curves, with their neighbours cut to fit."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

_ENDS = {
    # continued behind the first end, behind the second: weights of (before, first, second, after)
    (True, True): (-1 / 16, 9 / 16, 9 / 16, -1 / 16),
    (True, False): (-1 / 16, 10 / 16, 7 / 16, 0.0),
    (False, True): (0.0, 7 / 16, 10 / 16, -1 / 16),
    (False, False): (0.0, 0.5, 0.5, 0.0),
}
"""An edge that does not go on is taken to go on straight."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Refinement:
    """Refinement of a coarse mesh into a finer one. The coarse points stay where they are.

    The finer points are the coarse ones, then one on each cut edge, then one in each cut quad.
    Source: Dyn, Levin and Gregory, A 4-point interpolatory subdivision scheme for curve design,
    1987; a quad's middle is that of the Coons patch of its edges.

    Attributes:
        edges: four coarse points for each cut edge, its own in the middle.
        weights: theirs.
        quads: the corners of each cut quad.
        sides: its cut edges, by row of `edges`.
        triangles: all triangles of the finer mesh.
        source: the quad that each triangle is a piece of.
    """

    edges: Int[np.ndarray, "edges 4"]
    weights: Float[np.ndarray, "edges 4"]
    quads: Int[np.ndarray, "quads 4"]
    sides: Int[np.ndarray, "quads 4"]
    triangles: Int[np.ndarray, "triangles 3"]
    source: Int[np.ndarray, " triangles"]

    def points(self, coarse: Float[np.ndarray, "points axes"]) -> Float[np.ndarray, "finer axes"]:
        """Place the finer points on smooth curves."""
        middles = np.einsum("ek,eka->ea", self.weights, coarse[self.edges])
        centres = 0.5 * middles[self.sides].sum(axis=1) - 0.25 * coarse[self.quads].sum(axis=1)
        return np.concatenate([coarse, middles, centres])

    def mixed(self, coarse: Float[np.ndarray, "points axes"]) -> Float[np.ndarray, "finer axes"]:
        """Values at the finer points, nowhere beyond those around them."""
        middles = coarse[self.edges[:, 1:3]].mean(axis=1)
        return np.concatenate([coarse, middles, coarse[self.quads].mean(axis=1)])


def refine(
    faces: Int[np.ndarray, "quads 4"], is_cut: Bool[np.ndarray, " quads"], count: int
) -> Refinement:
    """Cut some of a mesh's quads in four. Triangles (last corner repeated) are never cut.

    `count` is the number of the mesh's points.
    """
    is_cut = is_cut & (faces[:, 2] != faces[:, 3])
    onward = _continuations(faces)
    edge_row: dict[tuple[int, int], int] = {}
    edges: list[list[int]] = []
    weights, sides = [], []
    for corners in faces[is_cut].tolist():
        for key in (_key(corners[i], corners[(i + 1) % 4]) for i in range(4)):
            if key not in edge_row:
                edge_row[key] = len(edges)
                first, second = key
                before = onward.get((second, first), -1)
                after = onward.get((first, second), -1)
                edges.append([max(before, 0), first, second, max(after, 0)])
                weights.append(_ENDS[before >= 0, after >= 0])
        sides.append([edge_row[_key(corners[i], corners[(i + 1) % 4])] for i in range(4)])
    triangles, source = [], []
    middle = count + len(edges)
    for quad, corners in enumerate(faces.tolist()):
        if is_cut[quad]:
            pieces = _quarters(corners, [count + row for row in sides[middle - count - len(edges)]])
            pieces = [[middle if corner < 0 else corner for corner in piece] for piece in pieces]
            middle += 1
        else:
            pieces = _fan(corners, edge_row, count)
        triangles += pieces
        source += [quad] * len(pieces)
    return Refinement(
        edges=np.array(edges, dtype=np.int64).reshape(-1, 4),
        weights=np.array(weights, dtype=np.float64).reshape(-1, 4),
        quads=faces[is_cut],
        sides=np.array(sides, dtype=np.int64).reshape(-1, 4),
        triangles=np.array(triangles),
        source=np.array(source),
    )


def _key(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def _continuations(faces: Int[np.ndarray, "quads 4"]) -> dict[tuple[int, int], int]:
    """For an edge from a to b the point where it goes on behind b, if four quads meet at b."""
    near: dict[int, set[int]] = defaultdict(set)
    beside: dict[tuple[int, int], set[int]] = defaultdict(set)
    meeting: dict[int, int] = defaultdict(int)
    for corners in faces.tolist():
        for place, corner in enumerate(corners):
            before, after = corners[place - 1], corners[(place + 1) % 4]
            meeting[corner] += 1
            near[corner] |= {before, after}
            beside[before, corner].add(after)
            beside[after, corner].add(before)
    onward = {}
    for (start, corner), others in beside.items():
        left = near[corner] - others - {start}
        if meeting[corner] == 4 and len(near[corner]) == 4 and len(left) == 1:
            onward[start, corner] = left.pop()
    return onward


def _quarters(corners: list[int], middles: list[int]) -> list[list[int]]:
    """Return the eight triangles of a cut quad; -1 stands for its middle."""
    pieces = []
    for place in range(4):
        corner, after, before = corners[place], middles[place], middles[place - 1]
        pieces += [[corner, after, -1], [corner, -1, before]]
    return pieces


def _fan(corners: list[int], edge_row: dict[tuple[int, int], int], count: int) -> list[list[int]]:
    """Return the triangles of a quad of which some sides are cut."""
    ring, first_middle = [], None
    for place, corner in enumerate(corners):
        after = corners[(place + 1) % 4]
        if corner == after:
            continue
        ring.append(corner)
        row = edge_row.get(_key(corner, after))
        if row is not None:
            first_middle = len(ring) if first_middle is None else first_middle
            ring.append(count + row)
    ring = ring[first_middle or 0 :] + ring[: first_middle or 0]
    return [[ring[0], ring[i], ring[i + 1]] for i in range(1, len(ring) - 1)]
