"""What surrounds an eyeball: the skin that lines its socket, and the lashes on its lids."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.eyes import Eye, LidRings, surface_radius
from reggan_training.heads.anatomy.meshes import Points

_REACH = 1.7
_LEAST, _MOST = 0.015, 0.075
"""A point stays as far outside the eyeball as on the base mesh, within these limits, in radii."""
_TUCKED = 0.9
"""The ring of points behind the rim lies in the eyeball, so that no gap shows beside it; radii."""
_RING_GAP = 0.25
_CORNER = 2
"""So many points of each row at the corners of the eye are both lids'."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Socket:
    """One eye's surroundings.

    Attributes:
        pocket: body points behind the rim of the opening.
        tucked: those of the pocket that are next to the rim.
        rim: for each of these the point of the rim next to it.
        rows: body points that stay outside the eyeball.
        layer: how far each of them stays outside, in radii.
    """

    pocket: Int[np.ndarray, " pocket"]
    tucked: Int[np.ndarray, " tucked"]
    rim: Int[np.ndarray, " tucked"]
    rows: Int[np.ndarray, " points"]
    layer: Float[np.ndarray, " points"]

    def keep_outside(self, body: Points, eye: Eye, gaze_deg: tuple[float, float]) -> None:
        """Push points in place off the eyeball, turned to the gaze, and tuck the rim in."""
        away = body[self.rows] - eye.centre
        size = np.linalg.norm(away, axis=1)
        out = away / size[:, None]
        least = eye.radius * (surface_radius(out, *gaze_deg) + self.layer)
        body[self.rows] = eye.centre + np.maximum(size, least)[:, None] * out
        inwards = body[self.rim] - eye.centre
        inwards *= _TUCKED * eye.radius / np.linalg.norm(inwards, axis=1, keepdims=True)
        body[self.tucked] = eye.centre + inwards


def keep_rings_in_order(body: Points, rest: Points, lids: LidRings, eye: Eye) -> None:
    """Turn lid points in place so that no row of points hangs over the row nearer to the rim.

    A row keeps at least a share of the distance, as seen from the eye's centre, that it has from
    the next at rest.
    """
    for whole, sign in ((lids.upper_rings, 1.0), (lids.lower_rings, -1.0)):
        rings = whole[:, _CORNER:-_CORNER]
        away, rest_away = body[rings] - eye.centre, rest[rings] - eye.centre
        reach = np.hypot(away[..., 1], away[..., 2])
        height = sign * np.arctan2(away[..., 2], -away[..., 1])
        gap = sign * np.diff(np.arctan2(rest_away[..., 2], -rest_away[..., 1]), axis=0)
        for ring in range(1, len(rings)):
            least = height[ring - 1] + np.minimum(_RING_GAP * gap[ring - 1], gap[ring - 1])
            height[ring] = np.maximum(height[ring], least)
        away[..., 1] = -reach * np.cos(height)
        away[..., 2] = reach * np.sin(sign * height)
        body[rings] = eye.centre + away


def find_socket(
    assets: HeadAssets, skin: Int[np.ndarray, " skin"], lids: LidRings, eye: Eye
) -> Socket:
    """Find the socket of one eye of the base mesh, among the skin points that are kept."""
    base = assets.base
    faces = base.faces[base.groups["body"]]
    edges = np.concatenate([faces[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    edges = np.concatenate([edges, edges[:, ::-1]])
    pocket = _pocket(edges, lids, len(base.points))
    is_rim = np.isin(edges[:, 1], np.concatenate([lids.upper_rings[0], lids.lower_rings[0]]))
    tucked, first = np.unique(edges[is_rim & np.isin(edges[:, 0], pocket), 0], return_index=True)
    size = np.linalg.norm(base.points - eye.centre, axis=1) / eye.radius
    is_near = np.isin(np.arange(len(base.points)), skin) & (size > 1) & (size < _REACH)
    is_near &= base.points[:, 1] < eye.centre[1]
    is_near[pocket] = False
    rows = np.flatnonzero(is_near)
    return Socket(
        pocket=pocket,
        tucked=tucked,
        rim=edges[is_rim & np.isin(edges[:, 0], pocket), 1][first],
        rows=rows,
        layer=np.clip(size[rows] - 1, _LEAST, _MOST),
    )


def _pocket(
    edges: Int[np.ndarray, "edges 2"], lids: LidRings, points: int
) -> Int[np.ndarray, " pocket"]:
    """All points that hang together behind the rim of the opening."""
    rim, outside = np.zeros(points, dtype=bool), np.zeros(points, dtype=bool)
    for rings in (lids.upper_rings, lids.lower_rings):
        rim[rings[0]] = True
        outside[rings[1:]] = True
    outside &= ~rim
    pocket, front = np.zeros(points, dtype=bool), rim
    while front.any():
        near = np.zeros(points, dtype=bool)
        near[edges[front[edges[:, 0]], 1]] = True
        front = near & ~rim & ~outside & ~pocket
        pocket |= front
    return np.flatnonzero(pocket)


_HALF_WIDTH = 0.00022
_FAN = 0.9
_ENDS = 0.08
"""Share of the rim at each corner of the eye that bears no lash."""


@dataclass(frozen=True, kw_only=True)
class LashRow:
    """One row of lashes: how many, how long (metres), and how steeply they leave the eye."""

    count: int
    length: float
    rise: float


_ROWS: Mapping[str, LashRow] = {
    "upper": LashRow(count=30, length=0.0065, rise=0.5),
    "lower": LashRow(count=22, length=0.0035, rise=-0.5),
}
LASH_TRIANGLES = 2 * sum(row.count for row in _ROWS.values())


def lash_faces() -> Int[np.ndarray, "triangles 4"]:
    """List the faces of both eyes' lashes: three points each, the last repeated."""
    corners = np.arange(3 * LASH_TRIANGLES).reshape(-1, 3)
    return corners[:, [0, 1, 2, 2]]


def lash_points(lids: Mapping[str, LidRings], body: Points, eyes: Mapping[str, Eye]) -> Points:
    """Points of both eyes' lashes on a body in any state, three for each lash."""
    points = []
    for side, lid in lids.items():
        for name, rings in (("upper", lid.upper_rings), ("lower", lid.lower_rings)):
            rim = 0.3 * body[rings[0]] + 0.7 * body[rings[1]]
            points.append(_row(_ROWS[name], rim, eyes[side]))
    return np.concatenate(points)


def _row(row: LashRow, rim: Float[np.ndarray, "rim 3"], eye: Eye) -> Points:
    steps = np.linalg.norm(np.diff(rim, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    at = np.linspace(_ENDS, 1 - _ENDS, row.count)
    root, before, after = (
        np.column_stack([np.interp(at + step, place, axis) for axis in rim.T])
        for step in (0.0, -0.04, 0.04)
    )
    along, out = _unit(after - before), _unit(root - eye.centre)
    up = _unit(np.cross(out, along))
    fan = _FAN * (at - 0.5)[:, None]
    tip = root + row.length * _unit(out + row.rise * up + fan * along)
    foot = _HALF_WIDTH * along
    return np.stack([root - foot, root + foot, tip], axis=1).reshape(-1, 3)


def _unit(vectors: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
