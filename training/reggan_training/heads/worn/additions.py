"""Meshes added to a head: still ones, and ones that ride on its skin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.head import REGIONS, HeadMesh, Part, ShapeModel, Vertices
from reggan_training.heads.worn.strands import triangle_axes


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def points(self, vertices: Vertices) -> Float[np.ndarray, "points 3"]:
        """Carry the points by these vertices, place by place."""
        held = vertices[self.corners].astype(np.float64)
        roots = np.einsum("pk,pkc->pc", self.barycentric, held)
        return (roots[:, None] + self.offsets @ triangle_axes(held)).reshape(-1, 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Addition:
    """One mesh to be added; in the unit and axes of the head.

    Attributes:
        carrier: None for a mesh that stays where it is.
        shade: ambient occlusion of each point, as the region of that name.
    """

    part: Part
    points: Float[np.ndarray, "points 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    shade: Float[np.ndarray, " points"]
    carrier: Carrier | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
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
    regions = np.zeros((len(points), len(REGIONS)), dtype=np.uint8)
    shade = np.concatenate([addition.shade for addition in additions])
    regions[:, REGIONS.index("shade")] = np.rint(255 * np.clip(shade, 0, 1))
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
