"""Eyeballs, each a sphere with a cornea, their lids and lashes, and the sockets they lie in."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.frozen import frozen
from reggan_training.heads.anatomy.assets import (
    Faces,
    HeadAssets,
    ObjMesh,
    PerPoint,
    Points,
    SkinWeights,
    mirrored_rows,
)
from reggan_training.heads.head import X, Z, rotation_about, unit

_CORNEA_DEG, _CORNEA_BULGE = 30.0, 0.035
"""The cornea: up to this angle from the optical axis, and how far it bulges there, in radii."""
_SEGMENTS = 32
_RINGS_DEG = (*range(3, 48, 3), *range(51, 100, 6), 110, 125, 145, 165)
"""An eyeball's rings, finest where iris and cornea are, and the segments of each."""
# The rim of the left eye's opening on hm08, from the inner to the outer corner.
_UPPER_RIM = (7768, 7772, 7767, 7766, 7765, 7748, 7747, 7749, 7750, 7751, 7752, 7753, 7754)
_LOWER_RIM = (7768, 7769, 7770, 7771, 7764, 11717, 7763, 7762, 7761, 7760, 7759, 7758, 7757)
_LOWER_RIM_END = (11716, 7756, 7755, 7754)
_UPPER_BONE, _LOWER_BONE = "orbicularis03", "orbicularis04"
_COLUMNS, _ROUNDS = 21, 4
"""Places along an opening where it is measured, and turns of the lids until it is as wanted."""
_RINGS = 4
"""Rows of lid points that are found outwards from the rim."""
_LAP = np.deg2rad(6.0)
"""Shut lids lap by so much, or light would shine through between two points of a rim."""
_UPPER_SHARE = 0.8
"""Share of the way that the upper lid goes when an eye shuts."""
_REACH = 1.7
"""Distance from the eyeball's centre, in radii, within which skin is kept outside it."""
_LEAST, _MOST = 0.015, 0.075
"""A point stays as far outside the eyeball as on the base mesh, within these limits, in radii."""
_TUCKED = 0.9
"""The ring of points behind the rim lies in the eyeball, so that no gap shows beside it; radii."""
_RING_GAP = 0.25
"""Share of their distance at rest that two rows of lid points keep."""
_CORNER = 2
"""So many points of each row at the corners of the eye are both lids'."""
_HALF_WIDTH, _FAN = 0.00022, 0.9
"""Of a lash: half of its foot in metres, and how far it leans outwards at the ends of a row."""
_ENDS = 0.08
"""Share of the rim at each corner of the eye that bears no lash."""


@frozen(eq=False)
class Eye:
    """An eyeball at rest: its centre and radius in metres."""

    centre: Float[np.ndarray, "3"]
    radius: float


def _bulged(polar: Float[np.ndarray, "*angles"]) -> Float[np.ndarray, "*angles"]:
    """Radius of the eyeball at an angle (radians) from where it looks, its white being 1."""
    share = np.clip(polar / np.deg2rad(_CORNEA_DEG), 0, 1)
    return 1 + _CORNEA_BULGE * np.cos(share * np.pi / 2) ** 2


def surface_radius(
    directions: Float[np.ndarray, "points 3"], yaw_deg: float, pitch_deg: float
) -> PerPoint:
    """Radius of the eyeball in unit directions from its centre, its white being 1."""
    yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
    gaze = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    return _bulged(np.arccos(np.clip(directions @ gaze, -1, 1)))


@cache
def _unit_ball() -> tuple[Points, Faces]:
    turn = np.arange(_SEGMENTS) * (2 * np.pi / _SEGMENTS)
    polar = np.deg2rad(np.array(_RINGS_DEG, dtype=np.float64))[:, None]
    rings = np.stack(
        [np.sin(polar) * np.cos(turn), -np.cos(polar) + 0 * turn, np.sin(polar) * np.sin(turn)],
        axis=2,
    )
    bulge = _bulged(polar)
    poles = np.array([[0.0, -1 - _CORNEA_BULGE, 0.0], [0.0, 1.0, 0.0]])
    points = np.concatenate([poles, (rings * bulge[:, :, None]).reshape(-1, 3)])
    grid = 2 + np.arange(len(_RINGS_DEG) * _SEGMENTS).reshape(-1, _SEGMENTS)
    right = np.roll(grid, -1, axis=1)
    sides = np.stack([grid[:-1], grid[1:], right[1:], right[:-1]], axis=2).reshape(-1, 4)
    front = np.stack([0 * grid[0], grid[0], right[0], right[0]], axis=1)
    back = np.stack([0 * grid[0] + 1, right[-1], grid[-1], grid[-1]], axis=1)
    return points, np.concatenate([front, sides, back])


def eye_faces() -> Faces:
    """Return an eyeball's faces."""
    return _unit_ball()[1]


def eye_points(
    centre: Float[np.ndarray, "3"], radius: float, yaw_deg: float, pitch_deg: float
) -> Points:
    """Place an eyeball's points in metres, looking along −y when yaw and pitch are 0.

    Positive yaw looks towards +x, positive pitch up.
    """
    turn = rotation_about(Z, np.deg2rad(yaw_deg)) @ rotation_about(X, np.deg2rad(-pitch_deg))
    return centre + radius * _unit_ball()[0] @ turn.T


@frozen(eq=False)
class LidRings:
    """The lids of one eye: which body points they are and how much each moves with which lid.

    Rings run from the avatar's right to its left, the rim of the opening first, then one row of
    points after the other over the lid's edge and front: the lowest of them bounds what is seen.
    """

    upper_rings: Int[np.ndarray, "rings upper"]
    lower_rings: Int[np.ndarray, "rings lower"]
    rows: Int[np.ndarray, " points"]
    with_upper: PerPoint
    with_lower: PerPoint

    def aperture(self, body: Points, eye: Eye) -> "Aperture":
        """Distance between the lids now."""
        right, left = (body[self.upper_rings[0, [0, -1]], 0] - eye.centre[0]).tolist()
        columns = np.linspace(right, left, _COLUMNS)
        upper, lower = (
            np.array([_elevations(body[ring] - eye.centre, columns) for ring in rings])
            for rings in (self.upper_rings, self.lower_rings)
        )
        return Aperture(side=columns, upper=upper.min(axis=0), lower=lower.max(axis=0))

    def finish_closing(
        self, body: Points, eye: Eye, open_aperture: "Aperture", closure: float
    ) -> None:
        """Turn the lids in place until what is left open is (1 − closure) of what was."""
        wanted = (1 - closure) * (open_aperture.upper - open_aperture.lower)
        wanted = wanted - closure * _LAP
        for _ in range(_ROUNDS):
            now = self.aperture(body, eye)
            excess = now.upper - now.lower - wanted
            at = np.interp(body[self.rows, 0] - eye.centre[0], now.side, excess, 0.0, 0.0)
            share = _UPPER_SHARE * self.with_upper - (1 - _UPPER_SHARE) * self.with_lower
            body[self.rows] = _turned(body[self.rows], eye.centre, at * share)


@frozen(eq=False)
class Aperture:
    """Elevation of both rims over the eye's centre (radians) at places from side to side."""

    side: Float[np.ndarray, " columns"]
    upper: Float[np.ndarray, " columns"]
    lower: Float[np.ndarray, " columns"]

    @property
    def open_deg(self) -> float:
        """Largest distance between the lids, in degrees about the eye."""
        return float(np.rad2deg(np.max(self.upper - self.lower)))


def find_lids(
    base: ObjMesh, weights: SkinWeights, kept: Int[np.ndarray, " kept"]
) -> Mapping[str, LidRings]:
    """Both eyes' lids on the base mesh, among the body points that are kept."""
    lids = {}
    for side, bone_side in (("left", "L"), ("right", "R")):
        with_upper, with_lower = (
            weights[f"{bone}.{bone_side}"][kept] for bone in (_UPPER_BONE, _LOWER_BONE)
        )
        moves = (with_upper > 0) | (with_lower > 0)
        rims = (_UPPER_RIM, _LOWER_RIM + _LOWER_RIM_END)
        upper, lower = (_rings(base, np.array(rim)) for rim in rims)
        if side == "right":
            upper, lower = (
                mirrored_rows(base.points, rings.ravel()).reshape(rings.shape)[:, ::-1]
                for rings in (upper, lower)
            )
        lids[side] = LidRings(
            upper_rings=upper,
            lower_rings=lower,
            rows=kept[moves],
            with_upper=with_upper[moves],
            with_lower=with_lower[moves],
        )
    return lids


def _edges(base: ObjMesh) -> Int[np.ndarray, "edges 2"]:
    """List the edges of the body's quads, each both ways round."""
    faces = base.faces[base.groups["body"]]
    edges = np.concatenate([faces[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    return np.concatenate([edges, edges[:, ::-1]])


def _rings(base: ObjMesh, rim: Int[np.ndarray, " rim"]) -> Int[np.ndarray, "rings rim"]:
    """Find the rim and the rows of points outwards from it: each point's outer neighbour."""
    edges = _edges(base)
    rings, seen = [rim], {*rim.tolist()}
    for place in range(_RINGS):
        after = []
        for point in rings[-1].tolist():
            near = {*edges[edges[:, 0] == point, 1].tolist()} - seen
            front = min(near, key=lambda other: base.points[other, 1], default=point)
            after.append(front)
        seen |= {*after, *(rings[place].tolist())}
        rings.append(np.array(after))
    return np.array(rings)


def _elevations(
    rim: Float[np.ndarray, "rim 3"], side: Float[np.ndarray, " columns"]
) -> Float[np.ndarray, " columns"]:
    order = np.argsort(rim[:, 0])
    return np.interp(side, rim[order, 0], np.arctan2(rim[order, 2], -rim[order, 1]))


def _turned(points: Points, centre: Float[np.ndarray, "3"], down: PerPoint) -> Points:
    """Points turned down by so many radians about the side-to-side axis through a centre."""
    away = points - centre
    cosine, sine = np.cos(down), np.sin(down)
    forward, up = -away[:, 1], away[:, 2]
    turned = np.column_stack(
        [away[:, 0], -(cosine * forward + sine * up), cosine * up - sine * forward]
    )
    return centre + turned


@frozen(eq=False)
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
    layer: PerPoint

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
    edges = _edges(base)
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


@frozen
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
    along, out = unit(after - before), unit(root - eye.centre)
    up = unit(np.cross(out, along))
    fan = _FAN * (at - 0.5)[:, None]
    tip = root + row.length * unit(out + row.rise * up + fan * along)
    foot = _HALF_WIDTH * along
    return np.stack([root - foot, root + foot, tip], axis=1).reshape(-1, 3)
