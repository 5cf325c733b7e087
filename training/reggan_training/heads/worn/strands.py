"""Hair as polylines whose roots are bound to the triangles of a part, so that it moves with it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.head import Vertices
from reggan_training.heads.worn.mesh_wearer import MeshWearer

Polylines = Float[np.ndarray, "strands points 3"]
StrandVectors = Float[np.ndarray, "strands 3"]
StrandValues = Float[np.ndarray, " strands"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Strands:
    """Strands of equally many points each, the root first.

    Attributes:
        corners: three points of the skin for each strand.
        barycentric: where in the triangle the root lies.
        offsets: points from the root, metres: along the triangle's own axes where
            `turns_with_skin`, along the head's where not.
        radius: half the thickness at each point, metres.
        turns_with_skin: whether strands tilt with the skin below them (brows, beards, lashes),
            or only shift with their roots (long hair, whose ends would swing).
    """

    corners: Int[np.ndarray, "strands 3"]
    barycentric: StrandVectors
    offsets: Polylines
    radius: Float[np.ndarray, "strands points"]
    turns_with_skin: bool

    def joined(self, other: "Strands") -> "Strands":
        """Both sets as one; both turn with the skin, or neither does."""
        return Strands(
            corners=np.concatenate([self.corners, other.corners]),
            barycentric=np.concatenate([self.barycentric, other.barycentric]),
            offsets=np.concatenate([self.offsets, other.offsets]),
            radius=np.concatenate([self.radius, other.radius]),
            turns_with_skin=self.turns_with_skin,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def chosen(self, which: Bool[np.ndarray, " strands"]) -> "Roots":
        """Only the roots marked."""
        return Roots(
            corners=self.corners[which],
            barycentric=self.barycentric[which],
            positions=self.positions[which],
            normals=self.normals[which],
        )


def triangle_axes(corners: Float[np.ndarray, "strands 3 3"]) -> Float[np.ndarray, "strands 3 3"]:
    """Three unit vectors of each triangle, as rows: along its first edge, across, and normal."""
    along = _unit(corners[:, 1] - corners[:, 0])
    normal = _unit(np.cross(along, corners[:, 2] - corners[:, 0]))
    return np.stack([along, np.cross(normal, along), normal], axis=1)


def scatter_roots(
    head: MeshWearer, density: Float[np.ndarray, " points"], count: int, random: np.random.Generator
) -> Roots:
    """So many roots on the skin, spread by area times density; none where it is 0."""
    corners = head.triangles
    first, second, third = head.skin[corners].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2
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
        normals=_unit(np.einsum("sk,skc->sc", barycentric, normals[corners])),
    )


def bound_strands(
    head: MeshWearer,
    roots: Roots,
    points: Polylines,
    radius: Float[np.ndarray, "strands points"],
    *,
    turns_with_skin: bool,
) -> Strands:
    """Strands given by their points on the head at rest, tied to their roots."""
    offsets = points - roots.positions[:, None]
    if turns_with_skin:
        axes = triangle_axes(head.skin[roots.corners])
        offsets = offsets @ axes.transpose(0, 2, 1)
    return Strands(
        corners=roots.corners,
        barycentric=roots.barycentric,
        offsets=offsets,
        radius=radius,
        turns_with_skin=turns_with_skin,
    )


def tapered(count: int, points: int, radius: float) -> Float[np.ndarray, "strands points"]:
    """Taper a radius from the root, where it is whole, to a third at the tip."""
    profile = np.interp(np.linspace(0, 1, points), [0.0, 0.5, 1.0], [1.0, 0.95, 0.35])
    return np.tile(radius * profile, (count, 1))


def _unit(vectors: Float[np.ndarray, "*rows 3"]) -> Float[np.ndarray, "*rows 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def ribbons(
    strands: Polylines, half_width: Float[np.ndarray, "strands points"], outwards: Polylines
) -> tuple[Vertices, Int[np.ndarray, "triangles 3"]]:
    """Lay a ribbon along each strand, its front turned outwards, ending in a point.

    Vertices come strand by strand, two for each point; at the tip both are the same place.
    """
    count, places = strands.shape[:2]
    along = np.gradient(strands, axis=1)
    across = np.cross(outwards, along)
    size = np.linalg.norm(across, axis=2, keepdims=True)
    across = across / np.maximum(size, 1e-9)
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
