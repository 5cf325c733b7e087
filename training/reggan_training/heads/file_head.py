"""A head as its file has it, brought to the place and the unit that all heads share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, UInt8

from reggan_training.heads.head import (
    Eyeball,
    HeadMesh,
    LinearShapes,
    SparseOffsets,
    VertexWeights,
    Vertices,
    pack_regions,
    part_of_vertices,
    shade_inside,
)

CANONICAL_NOSE_Y: Final = -0.6
CANONICAL_MOUTH_Y: Final = -1.1
CANONICAL_CHIN_Y: Final = -1.75

SIDES: Final = ("left", "right")
RegionPainter = Callable[[Vertices], Mapping[str, VertexWeights]]
"""Regions of vertices, 0 to 1 by name, from canonical coordinates; `shade` is added."""


def canonical_from_rest(
    rest: Vertices, *, nose_y: float, mouth_y: float, chin_y: float
) -> Vertices:
    """Stretch heights piecewise so that nose tip, mouth and chin lie where all heads have them.

    Above the eyes and below the chin, heights are only moved.

    Raises:
        ValueError: the heights are not in this order below the eyes (0).
    """
    known = np.array([chin_y, mouth_y, nose_y, 0.0])
    if not (np.diff(known) > 0).all():
        raise ValueError(f"nose, mouth and chin must lie below the eyes in this order: {known}")
    wanted = np.array([CANONICAL_CHIN_Y, CANONICAL_MOUTH_Y, CANONICAL_NOSE_Y, 0.0])
    y = rest[:, 1]
    canonical = rest.copy()
    canonical[:, 1] = np.interp(y, known, wanted)
    canonical[:, 1] += np.maximum(y, 0) + np.minimum(y - chin_y, 0)
    return canonical


def fit_sphere(points: Float[np.ndarray, "points 3"]) -> tuple[Float[np.ndarray, " 3"], float]:
    """Centre and radius of the sphere nearest to these points (algebraic least squares)."""
    points = points.astype(np.float64)
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre: Float[np.ndarray, " 3"] = solution[:3]
    return centre, float(np.sqrt(max(solution[3] + centre @ centre, 0)))


def angles_from_axis(
    points: Float[np.ndarray, "points 3"],
    centre: Float[np.ndarray, " 3"],
    axis: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, " points"]:
    """Angle in radians between the optical axis and the direction from the centre to a point."""
    arms = points - centre
    lengths = np.linalg.norm(arms, axis=1) * np.linalg.norm(axis)
    cosines = (arms @ axis) / np.maximum(lengths, 1e-12)
    angles: Float[np.ndarray, " points"] = np.arccos(np.clip(cosines, -1, 1))
    return angles


@dataclass(frozen=True, kw_only=True, eq=False)
class FileEye:
    """One eye in the file's unit.

    Attributes:
        rows: vertices of the eyeball; none if the head has no eyeball of its own there.
        turns: the eyeball turns by the eyeLook weights, since no morph of the file turns it.
    """

    rows: Int[np.ndarray, " eye"]
    centre: Float[np.ndarray, " 3"]
    radius: float
    turns: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class FileHead:
    """All meshes of a head joined: +y up, +z to the front, +x own left, in the file's unit.

    Attributes:
        eyes: by side, `left` and `right`.
        offsets: ARKit shapes by name.

    The other attributes are `HeadMesh`'s.
    """

    vertices: Vertices
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    eyes: Mapping[str, FileEye]
    offsets: Mapping[str, SparseOffsets]
    nose_tip: int
    mouth_left: int
    mouth_right: int
    chin: int
    uv: Float[np.ndarray, "vertices 2"]
    textures: tuple[UInt8[np.ndarray, "_ _ channels"], ...]
    texture_of: Int[np.ndarray, " triangles"]


def head_mesh_from_file(
    joined: FileHead, *, family: str, identity: str, regions: RegionPainter
) -> HeadMesh:
    """Bring a head to eye distances about the middle between its eyes.

    Two vertices that no triangle uses are added: the front of each eyeball, which lids and gaze
    do not move, for the eyes' landmarks.
    """
    left, right = (joined.eyes[side].centre for side in SIDES)
    origin, unit = (left + right) / 2, float(np.linalg.norm(left - right))
    ahead = np.array([0.0, 0.0, 1.0])
    fronts = [joined.eyes[side].centre + joined.eyes[side].radius * ahead for side in SIDES]
    rest = (np.concatenate([joined.vertices, fronts]) - origin) / unit
    canonical = canonical_from_rest(
        rest,
        nose_y=rest[joined.nose_tip, 1],
        mouth_y=(rest[joined.mouth_left, 1] + rest[joined.mouth_right, 1]) / 2,
        chin_y=rest[joined.chin, 1],
    )
    count = len(joined.vertices)
    eyeballs = {
        side: Eyeball(vertices=eye.rows, centre=(eye.centre - origin) / unit)
        for side, eye in joined.eyes.items()
    }
    return HeadMesh(
        family=family,
        identity=identity,
        triangles=joined.triangles,
        parts=joined.parts,
        rest=rest.astype(np.float32),
        canonical=canonical.astype(np.float32),
        regions=np.pad(_painted(joined, canonical[:count], regions), ((0, 2), (0, 0))),
        eye_angle=_eye_angles(rest, eyeballs.values()),
        controls=tuple(joined.offsets),
        shapes=_shapes(joined, eyeballs, unit),
        left_eye_vertices=np.array([count]),
        right_eye_vertices=np.array([count + 1]),
        nose_tip=joined.nose_tip,
        mouth_left=joined.mouth_left,
        mouth_right=joined.mouth_right,
        chin=joined.chin,
        uv=np.pad(joined.uv, ((0, 2), (0, 0))),
        textures=joined.textures,
        texture_of=joined.texture_of,
    )


def _shapes(joined: FileHead, eyeballs: Mapping[str, Eyeball], unit: float) -> LinearShapes:
    """ARKit shapes of the file in eye distances, and the eyeballs that turn by their weights."""
    return LinearShapes(
        by_name={
            name: SparseOffsets(rows=shape.rows, offsets=shape.offsets / np.float32(unit))
            for name, shape in joined.offsets.items()
        },
        eyeballs={side: ball for side, ball in eyeballs.items() if joined.eyes[side].turns},
    )


def _painted(
    joined: FileHead, canonical: Vertices, regions: RegionPainter
) -> UInt8[np.ndarray, "vertices regions"]:
    """Paint the weights of the regions, and of the shade inside the mouth, 0 to 255."""
    part_of_vertex = part_of_vertices(joined.triangles, joined.parts, len(canonical))
    shade = shade_inside(canonical, part_of_vertex, float(canonical[joined.mouth_left, 2]))
    return pack_regions({**regions(canonical), "shade": shade}, len(canonical))


def _eye_angles(rest: Vertices, eyeballs: Iterable[Eyeball]) -> VertexWeights:
    """Angle of the eyeballs' vertices from the direction to the front; pi elsewhere."""
    angles = np.full(len(rest), np.pi, np.float32)
    for eyeball in eyeballs:
        arms = rest[eyeball.vertices]
        angles[eyeball.vertices] = angles_from_axis(arms, eyeball.centre, np.array([0.0, 0.0, 1.0]))
    return angles
