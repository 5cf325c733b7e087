"""The skin of MakeHuman heads: its regions, and its quads cut finer along smooth curves.

A region is a weight for each skin point. What the assets have masks for is read through the base
mesh's uv; the rest is drawn on the unmorphed base mesh, so that a region means the same points on
every head.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.frozen import frozen
from reggan_training.heads.anatomy.assets import HeadAssets, Points
from reggan_training.heads.head import rise, texels_at

_MASKS = {"lips": "lips", "ears": "ears", "inside_mouth": "inside-mouth"}
_Axis = Float[np.ndarray, " points"]
_ENDS = {
    # continued behind the first end, behind the second: weights of (before, first, second, after)
    (True, True): (-1 / 16, 9 / 16, 9 / 16, -1 / 16),
    (True, False): (-1 / 16, 10 / 16, 7 / 16, 0.0),
    (False, True): (0.0, 7 / 16, 10 / 16, -1 / 16),
    (False, False): (0.0, 0.5, 0.5, 0.0),
}
"""An edge that does not go on is taken to go on straight."""


def read_regions(
    assets: HeadAssets, skin: Int[np.ndarray, " points"], canonical: Points
) -> dict[str, Float[np.ndarray, " points"]]:
    """All regions over the skin points, weights from 0 to 1 by name.

    `canonical` are the skin points of the unmorphed base mesh with the middle between the eyes
    as origin, in metres.
    """
    uv = np.zeros((len(assets.base.points), 2))
    uv[assets.base.faces] = assets.base.uv[assets.base.uv_faces] * [1, -1] + [0, 1]  # v down
    weights = {name: texels_at(assets.mask(mask), uv[skin]) for name, mask in _MASKS.items()}
    for name, draw in _DRAWN.items():
        weights[name] = draw(np.abs(canonical[:, 0]), canonical[:, 1], canonical[:, 2])
    outside = (1 - weights["inside_mouth"]) * (1 - weights["ears"])
    for name in ("scalp", "beard", "moustache", "cheeks"):
        weights[name] *= outside * (1 - weights["lips"])
    return weights


def _hairline(side: _Axis, depth: _Axis) -> _Axis:
    """Height of the hairline over the eyes, in metres, by a point's distance to the back."""
    front = 0.066 - 0.10 * np.maximum(side - 0.035, 0)
    back = np.interp(depth, [-0.02, 0.005, 0.02, 0.055, 0.075], [0.066, 0.03, 0.005, -0.01, -0.05])
    return np.where(depth < -0.02, front, back)


def _scalp(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    return rise(up - _hairline(side, depth), -0.003, 0.003)


def _brow(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    along = np.interp(side, [0.008, 0.02, 0.036, 0.05], [0.0175, 0.0205, 0.023, 0.0165])
    across = 1 - rise(np.abs(up - along), 0.002, 0.0055)
    ends = rise(side, 0.005, 0.010) * (1 - rise(side, 0.045, 0.052))
    return across * ends * (depth < 0.03)


def _beard(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    top = np.interp(side, [0.0, 0.024, 0.032, 0.05, 0.068], [-0.062, -0.062, -0.055, -0.045, 0.0])
    below = rise(top - up, 0.0, 0.006)
    neck = rise(up, -0.135, -0.115) * (1 - rise(depth, 0.035, 0.05))
    return below * neck


def _moustache(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    low = np.interp(side, [0.0, 0.015, 0.03], [-0.062, -0.062, -0.075])
    band = rise(up - low, -0.002, 0.002) * rise(-0.0475 - 0.25 * side - up, -0.003, 0.001)
    return band * (1 - rise(side, 0.027, 0.033)) * (depth < 0.01)


def _cheeks(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    distance = np.hypot((side - 0.04) / 0.026, (up + 0.038) / 0.024)
    return (1 - rise(distance, 0.5, 1.1)) * (depth < 0.05)


def _nose(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    half = np.interp(up, [-0.05, -0.035, -0.02, 0.005], [0.018, 0.02, 0.014, 0.009])
    inside = 1 - rise(side / half, 0.75, 1.1)
    return inside * rise(up, -0.052, -0.046) * (1 - rise(up, 0.0, 0.012)) * (depth < 0.01)


def _eye_rings(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    distance = np.hypot((side - 0.031) / 0.024, (up + 0.006) / 0.018)
    return (1 - rise(distance, 0.6, 1.0)) * (depth < 0.02)


_DRAWN: Mapping[str, Callable[[_Axis, _Axis, _Axis], _Axis]] = {
    "scalp": _scalp,
    "brow": _brow,
    "beard": _beard,
    "moustache": _moustache,
    "cheeks": _cheeks,
    "nose": _nose,
    "eye_rings": _eye_rings,
}


@frozen(eq=False)
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
