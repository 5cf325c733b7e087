"""What grows on a head or is put on it: strands, the skull that keeps them out, added meshes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals, vertex_normals
from reggan_training.heads.anatomy.assets import PerPoint, Points
from reggan_training.heads.anatomy.eyes import Eye
from reggan_training.heads.head import (
    REGIONS,
    HeadMesh,
    Part,
    ShapeModel,
    Vertices,
    pack_regions,
    unit,
)

PerStrandPoint = Float[np.ndarray, "strands points"]

METRES_PER_UNIT = 0.0615
"""The eye distance that styles and frames are given for."""
Polylines = Float[np.ndarray, "strands points 3"]
StrandVectors = Float[np.ndarray, "strands 3"]
StrandValues = Float[np.ndarray, " strands"]
_ROWS, _COLUMNS, _SAMPLES = 72, 144, 120_000
"""Cells of the map of the skull, and points of the skin that fill it."""
_PULL = 60.0
"""Hair that stands 1 / 60 m beyond its layer is pulled back in full."""
SKULL_CENTRE = np.array([0.0, 0.07, 0.0])
"""The middle of the head between and behind the eyes, as offset from between them, metres."""


@frozen(eq=False)
class MeshWearer:
    """The outer skin of a head mesh at rest, in the metres and axes of `anatomy`."""

    head: HeadMesh

    @cached_property
    def vertices(self) -> Int[np.ndarray, " points"]:
        """Which vertices of the head the skin's points are."""
        return np.unique(self._skin)

    @cached_property
    def triangles(self) -> Int[np.ndarray, "triangles 3"]:
        """The skin's, by rows of its points."""
        return np.searchsorted(self.vertices, self._skin)

    @cached_property
    def skin(self) -> Points:
        """The points of the skin."""
        return avatar_axes(self.head.rest[self.vertices])

    @cached_property
    def canonical(self) -> Points:
        """Places of the skin's points on the mean head."""
        return avatar_axes(self.head.canonical[self.vertices])

    @cached_property
    def eyes(self) -> dict[str, Eye]:
        """The eyeballs, their centres on the line through the origin."""
        points = avatar_axes(self.head.rest)
        angle = self.head.eye_angle
        eyes = {}
        for side, sign in (("left", 1.0), ("right", -1.0)):
            ball = points[(angle < np.pi / 2) & (sign * points[:, 0] > 0)]
            centre = np.array([sign * METRES_PER_UNIT / 2, 0.0, 0.0])
            eyes[side] = Eye(
                centre=centre, radius=float(np.median(np.linalg.norm(ball - centre, axis=1)))
            )
        return eyes

    def region(self, name: str) -> PerPoint:
        """Return a region's weight for each skin point."""
        return self.head.regions[self.vertices, REGIONS.index(name)] / 255.0

    @property
    def _skin(self) -> Int[np.ndarray, "triangles 3"]:
        return self.head.triangles[self.head.parts == Part.SKIN]


def avatar_axes(points: Points) -> Points:
    """Points of a head mesh in metres, z up, the face looking along -y."""
    return points[:, [0, 2, 1]].astype(np.float64) * [1.0, -1.0, 1.0] * METRES_PER_UNIT


def mesh_axes(points: Points) -> Points:
    """Points in `anatomy`'s metres and axes as a head mesh has them: the inverse of the other."""
    return points[:, [0, 2, 1]] * [1.0, 1.0, -1.0] / METRES_PER_UNIT


@frozen(eq=False)
class Roots:
    """Points on the skin's triangles where strands begin, at rest.

    `normals` are smooth and of length 1; `positions` are in metres.
    """

    corners: Int[np.ndarray, "strands 3"]
    barycentric: StrandVectors
    positions: StrandVectors
    normals: StrandVectors

    def __len__(self) -> int:
        return len(self.corners)

    def of(self, values: Float[np.ndarray, "points axes"]) -> Float[np.ndarray, "strands axes"]:
        """Values given at the skin's points, at the roots."""
        return np.einsum("sk,ska->sa", self.barycentric, values[self.corners])


def triangle_axes(corners: Float[np.ndarray, "strands 3 3"]) -> Float[np.ndarray, "strands 3 3"]:
    """Three unit vectors of each triangle, as rows: along its first edge, across, and normal."""
    along = unit(corners[:, 1] - corners[:, 0])
    normal = unit(np.cross(along, corners[:, 2] - corners[:, 0]))
    return np.stack([along, np.cross(normal, along), normal], axis=1)


def scatter_roots(
    head: MeshWearer, density: PerPoint, count: int, random: np.random.Generator
) -> Roots:
    """So many roots on the skin, spread by area times density; none where it is 0."""
    corners = head.triangles
    area = np.linalg.norm(face_normals(head.skin, corners), axis=1) / 2
    mass = area * density[corners].mean(axis=1)
    if mass.sum() <= 0:
        count, mass = 0, np.ones_like(mass)
    chosen = corners[random.choice(len(corners), count, p=mass / mass.sum())]
    share = random.random((count, 2))
    share = np.where(share.sum(axis=1, keepdims=True) > 1, 1 - share, share)
    return roots_at(head, chosen, np.column_stack([1 - share.sum(axis=1), share]))


def roots_at(
    head: MeshWearer, corners: Int[np.ndarray, "strands 3"], barycentric: StrandVectors
) -> Roots:
    """Roots in the given triangles."""
    points = head.skin
    normals = vertex_normals(points, head.triangles)
    return Roots(
        corners=corners,
        barycentric=barycentric,
        positions=np.einsum("sk,skc->sc", barycentric, points[corners]),
        normals=unit(np.einsum("sk,skc->sc", barycentric, normals[corners])),
    )


def tapered(points: Polylines, width: float) -> PerStrandPoint:
    """Half widths of strands, whole at the root and a third at the tip."""
    profile = np.interp(np.linspace(0, 1, points.shape[1]), [0.0, 0.5, 1.0], [1.0, 0.95, 0.35])
    return np.tile(width * profile, (len(points), 1))


def ribbons(
    strands: Polylines, half_width: PerStrandPoint, outwards: Polylines
) -> tuple[Vertices, Int[np.ndarray, "triangles 3"]]:
    """Lay a ribbon along each strand, its front turned outwards, ending in a point.

    Vertices come strand by strand, two for each point; at the tip both are the same place.
    """
    count, places = strands.shape[:2]
    along = np.gradient(strands, axis=1)
    across = unit(np.cross(outwards, along))
    width = half_width.copy()
    width[:, -1] = 0.0
    both = np.stack([-across, across], axis=2) * width[:, :, None, None]
    vertices = (strands[:, :, None] + both).reshape(-1, 3)
    at = np.arange(count * places * 2).reshape(count, places, 2)
    one, other = at[:, :-1, 0], at[:, :-1, 1]
    one_after, other_after = at[:, 1:, 0], at[:, 1:, 1]
    first = np.stack([one, other_after, other], axis=-1)
    second = np.stack([one, one_after, other_after], axis=-1)[:, :-1]
    return vertices, np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])


@frozen(eq=False)
class SkullMap:
    """Radius of the head (without ears) by direction from `SKULL_CENTRE`, in metres.

    Rows run from straight up to straight down, columns once around.
    """

    radius: Float[np.ndarray, "rows columns"]

    def skin_radius(self, out: Points) -> PerPoint:
        """Distance of the skin in these directions, read between the nearest four cells."""
        row, column = (cell - 0.5 for cell in _cells(out))  # cells hold their middle's value
        row = np.clip(row, 0, _ROWS - 1.001)
        first, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
        down, across = row - first, column - left
        right = (left + 1) % _COLUMNS
        left = left % _COLUMNS
        upper = self.radius[first, left] * (1 - across) + self.radius[first, right] * across
        second = first + 1
        lower = self.radius[second, left] * (1 - across) + self.radius[second, right] * across
        return upper * (1 - down) + lower * down

    def pushed_out(self, points: Points, rise: PerPoint, deepest: PerPoint) -> Points:
        """Move points out to `rise` above the skin where they are below.

        What lies deeper below that than `deepest` stays where it is: hair that falls onto a
        shoulder, and what lies where the map steps from the nape to the shoulders.
        """
        out = unit(points - SKULL_CENTRE)
        size = np.linalg.norm(points - SKULL_CENTRE, axis=1)
        wanted = self.skin_radius(out) + rise
        size = np.where(wanted - size < deepest, np.maximum(size, wanted), size)
        return SKULL_CENTRE + out * size[:, None]

    def pull_back(self, points: Points, layer: PerPoint) -> Points:
        """Outward vectors, the longer (to 1) the more points stand off beyond their layer.

        Below the widest part of the head they are 0: hair hangs there.
        """
        out = unit(points - SKULL_CENTRE)
        beyond = np.linalg.norm(points - SKULL_CENTRE, axis=1) - self.skin_radius(out) - layer
        strength = np.clip(beyond * _PULL, 0, 1) * np.clip(2 * out[:, 2] + 0.6, 0, 1)
        return out * strength[:, None]


def skull_map(head: MeshWearer) -> SkullMap:
    """Make the map of a head at rest."""
    random = np.random.default_rng(0)
    skin = scatter_roots(head, 1 - head.region("ears"), _SAMPLES, random).positions
    away = skin - SKULL_CENTRE
    size = np.linalg.norm(away, axis=1)
    row, column = (cell.astype(np.int64) for cell in _cells(away / size[:, None]))
    radius = np.zeros((_ROWS, _COLUMNS))
    np.maximum.at(radius, (np.clip(row, 0, _ROWS - 1), column % _COLUMNS), size)
    while (radius == 0).any():
        near = _neighbours(radius)
        radius = np.where(radius == 0, near.max(axis=0), radius)
    return SkullMap(radius=_neighbours(radius).mean(axis=0))


def _cells(out: Points) -> tuple[PerPoint, PerPoint]:
    row = np.arccos(np.clip(out[:, 2], -1, 1)) / np.pi * _ROWS
    column = (np.arctan2(out[:, 0], out[:, 1]) / (2 * np.pi) % 1) * _COLUMNS
    return row, column


def _neighbours(grid: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "9 rows columns"]:
    rows = np.pad(grid, ((1, 1), (0, 0)), mode="edge")
    both = np.pad(rows, ((0, 0), (1, 1)), mode="wrap")
    return np.stack(
        [both[i : i + grid.shape[0], j : j + grid.shape[1]] for i in range(3) for j in range(3)]
    )


@frozen(eq=False)
class Carrier:
    """Carrier of the points of a mesh: equally many by each place on a triangle of the head.

    Attributes:
        corners: vertices of the head.
        barycentric: where in the triangle the place lies.
        offsets: from there to the points, along the triangle's own axes.
    """

    corners: Int[np.ndarray, "places 3"]
    barycentric: Float[np.ndarray, "places 3"]
    offsets: Float[np.ndarray, "places each 3"]

    def points(self, vertices: Vertices) -> Points:
        """Carry the points by these vertices, place by place."""
        held = vertices[self.corners].astype(np.float64)
        roots = np.einsum("pk,pkc->pc", self.barycentric, held)
        return (roots[:, None] + self.offsets @ triangle_axes(held)).reshape(-1, 3)


@frozen(eq=False)
class Addition:
    """One mesh to be added; in the unit and axes of the head.

    Attributes:
        carrier: None for a mesh that stays where it is.
        shade: ambient occlusion of each point, as the region of that name.
    """

    part: Part
    points: Points
    triangles: Int[np.ndarray, "triangles 3"]
    shade: PerPoint
    carrier: Carrier | None = None


@frozen(eq=False)
class DressedMotion:
    """Motion of a head with additions, which follow the head."""

    head: ShapeModel
    count: int
    additions: tuple[Addition, ...]

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights."""
        if not any(weights.values()):
            return rest.astype(np.float32)
        moved = rest.astype(np.float32)
        moved[: self.count] = self.head.moved(rest[: self.count], weights)
        start = self.count
        for addition in self.additions:
            end = start + len(addition.points)
            if addition.carrier:
                moved[start:end] = addition.carrier.points(moved[: self.count])
            start = end
        return moved


def with_additions(head: HeadMesh, additions: Sequence[Addition]) -> HeadMesh:
    """Add meshes after a head's own; its own vertices and triangles keep their rows."""
    if not additions:
        return head
    count = len(head.rest)
    sizes = [len(addition.points) for addition in additions]
    starts = count + np.cumsum([0, *sizes[:-1]])
    points = np.concatenate([addition.points for addition in additions]).astype(np.float32)
    triangles = [a.triangles + start for a, start in zip(additions, starts, strict=True)]
    parts = [np.full(len(a.triangles), a.part, dtype=np.uint8) for a in additions]
    shade = np.concatenate([addition.shade for addition in additions])
    regions = pack_regions({"shade": shade}, len(points))
    added = sum(len(rows) for rows in triangles)
    texture_of = head.texture_of
    if texture_of is not None:
        texture_of = np.concatenate([texture_of, np.full(added, -1, dtype=texture_of.dtype)])
    uv = head.uv
    if uv is not None:
        uv = np.concatenate([uv, np.zeros((len(points), 2), dtype=uv.dtype)])
    return replace(
        head,
        triangles=np.concatenate([head.triangles, *triangles]),
        parts=np.concatenate([head.parts, *parts]),
        rest=np.concatenate([head.rest, points]).astype(np.float32),
        canonical=np.concatenate([head.canonical, points]).astype(np.float32),
        regions=np.concatenate([head.regions, regions]),
        eye_angle=np.concatenate([head.eye_angle, np.full(len(points), np.pi)]).astype(np.float32),
        shapes=DressedMotion(head=head.shapes, count=count, additions=tuple(additions)),
        uv=uv,
        texture_of=texture_of,
    )
