"""A head as the rest of the training sees it: moving vertices whose parts have names.

A *family* (MakeHuman, ICT FaceKit, VALID, a user's own GLB) samples identities; an identity is a
`HeadMesh`. Nothing else of the program knows which family a head is of.

Axes: +y up, +z to the front, +x to the head's own left. Unit: the identity's eye distance. Origin:
the middle between the eyeballs' centres of the identity at rest.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_plugin.rig.head_part import Part as Part

Vertices = Float[np.ndarray, "vertices 3"]
VertexWeights = Float[np.ndarray, " vertices"]

REGIONS: tuple[str, ...] = (
    "lips",  # the red of the lips
    "brows",  # where brow hair grows on the skin
    "beard",  # chin, jaw and cheeks below the beard line
    "moustache",
    "scalp",  # where scalp hair grows on the skin
    "cheeks",
    "nose",
    "eye_rings",  # the thin skin around the eyes
    "lid_margins",  # the edge of the lids, where lashes grow
    "ears",
    "shade",  # ambient occlusion at rest: 0 open .. 1 deep inside mouth or socket
)
"""Channels of `HeadMesh.regions`. Looks are painted by them."""
_SIDEWAYS_DEG, _UP_DEG, _DOWN_DEG = 30.0, 25.0, 30.0
"""Turn of an eye at weight 1; a choice of ours, near what ARKit's own face model shows."""


@frozen(eq=False)
class HeadMesh:
    """One identity: geometry, what each vertex is, and how it moves.

    Attributes:
        family: `makehuman`, `ict`, `valid`, or a user's file's name.
        identity: unique within the family; the same name gives the same head.
        triangles: vertex rows, counter-clockwise seen from outside.
        parts: a `Part` for each triangle.
        rest: vertices at neutral.
        canonical: coordinates for procedural paint, the same scale and place on every identity of
            every family: eyes about (+-0.5, 0, z), nose tip about (0, -0.6, z), mouth about
            (0, -1.1, z). Usually `rest` of the family's mean head.
        regions: weights 0 to 255 in the order of `REGIONS`.
        eye_angle: for vertices of `Part.EYE` the angle in radians between the eyeball's optical
            axis at rest and the direction from its centre to the vertex; pi elsewhere. The pupil
            is at 0; the iris ends at about 0.45.
        controls: names of the ARKit shapes that this head has.
        uv: texture coordinates of each vertex, v down, or None. (Vertices at a seam are doubled.)
        textures: base colour images, sRGB-encoded RGB or RGBA, row 0 at v = 0, by index.
        texture_of: for each triangle the index of its texture, -1 for none.
        left_eye_vertices, right_eye_vertices: whose mean is the landmark of the eye (the middle
            of the eyeball's front at rest, that is of the lid opening); own left and right.
        nose_tip, mouth_left, mouth_right, chin: one vertex each; the corners are own left, right.
    """

    family: str
    identity: str
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    rest: Vertices
    canonical: Vertices
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: VertexWeights
    controls: tuple[str, ...]
    shapes: "ShapeModel"
    left_eye_vertices: Int[np.ndarray, " left"]
    right_eye_vertices: Int[np.ndarray, " right"]
    nose_tip: int
    mouth_left: int
    mouth_right: int
    chin: int
    uv: Float[np.ndarray, "vertices 2"] | None = None
    textures: tuple[UInt8[np.ndarray, "_ _ channels"], ...] = ()
    texture_of: Int[np.ndarray, " triangles"] | None = None
    notes: Mapping[str, float | str] = field(default_factory=dict)

    def vertices(self, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these ARKit weights (0 to 1.5; what is not named is 0), float32.

        Raises:
            KeyError: a weight is not 0 and its shape is not in `controls`.
        """
        unknown = [name for name, value in weights.items() if value and name not in self.controls]
        if unknown:
            raise KeyError(f"{self.family} {self.identity} has no shape {unknown[0]}")
        return self.shapes.moved(self.rest, weights)

    def motion_of(self, shape: str) -> Vertices:
        """Motion of one shape at weight 1, float64; of `mouthClose` on an open jaw."""
        jaw = {"jawOpen": 1.0} if shape == "mouthClose" else {}
        return self.vertices({**jaw, shape: 1.0}).astype(float) - self.vertices(jaw)

    def landmarks(self, vertices: Vertices) -> Float[np.ndarray, "6 3"]:
        """Landmarks in the order of `reggan_plugin.faces.landmarks_and_pose.LANDMARK_NAMES`."""
        eyes = (
            vertices[rows].mean(axis=0)
            for rows in (self.left_eye_vertices, self.right_eye_vertices)
        )
        others = (self.nose_tip, self.mouth_left, self.mouth_right, self.chin)
        return np.stack([*eyes, *vertices[list(others)]])


@runtime_checkable
class ShapeModel(Protocol):
    """Model of vertices that follow ARKit weights."""

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights."""


@runtime_checkable
class HeadFamily(Protocol):
    """A source of identities."""

    name: str

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        """Names of identities: `count` sampled ones, or all that there are."""

    def head(self, identity: str) -> HeadMesh:
        """Build one identity; the same name gives the same head on every machine."""


@frozen(eq=False)
class Eyeball:
    """The vertices of one eyeball and the point that it turns about."""

    vertices: Int[np.ndarray, " ball"]
    centre: Float[np.ndarray, "3"]


def turned_eyeball(
    ball: Eyeball, rest: Vertices, weights: Mapping[str, float], side: str
) -> Float[np.ndarray, "ball 3"]:
    """Vertices of an eyeball with these weights.

    Args:
        ball: which vertices; its centre in the same coordinates as `rest`.
        rest: all vertices at neutral.
        weights: ARKit weights; only `eyeLook…` of this side count.
        side: `left` or `right`, the head's own.
    """

    def weight(direction: str) -> float:
        return weights.get(f"eyeLook{direction}{side.capitalize()}", 0.0)

    outwards = 1.0 if side == "left" else -1.0
    yaw = np.radians(_SIDEWAYS_DEG) * outwards * (weight("Out") - weight("In"))
    pitch = np.radians(_UP_DEG * weight("Up") - _DOWN_DEG * weight("Down"))
    if not yaw and not pitch:
        return rest[ball.vertices]
    turn = rotation_about(Y, yaw) @ rotation_about(X, -pitch)
    turned = (rest[ball.vertices] - ball.centre) @ turn.T + ball.centre
    return turned.astype(rest.dtype)


X, Y, Z = range(3)


def rotation_about(axis: int, angle: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about `X`, `Y` or `Z` by an angle in radians, by the right hand."""
    turn, after = np.eye(3), ((axis + 1) % 3, (axis + 2) % 3)
    turn[after, after] = np.cos(angle)
    turn[after, after[::-1]] = -np.sin(angle), np.sin(angle)
    return turn


@frozen(eq=False)
class SparseOffsets:
    """One shape: the vertices that it moves, and by how much at weight 1."""

    rows: Int[np.ndarray, " moved"]
    offsets: Float[np.ndarray, "moved 3"]


@frozen(eq=False)
class LinearShapes:
    """Vertices as rest + sum of weight times offsets; eyeballs turn by the eyeLook weights.

    Attributes:
        by_name: offsets by ARKit name.
        eyeballs: by side, `left` and `right`; without them, gaze is what `by_name` says.
    """

    by_name: Mapping[str, SparseOffsets]
    eyeballs: Mapping[str, Eyeball]

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights, float32."""
        vertices = rest.astype(np.float32)
        for side, ball in self.eyeballs.items():
            vertices[ball.vertices] = turned_eyeball(ball, rest, weights, side)
        for name, weight in weights.items():
            if weight:
                shape = self.by_name[name]
                vertices[shape.rows] += np.float32(weight) * shape.offsets
        return vertices


def sparse_offsets_from_dense(offsets: Vertices, least: float = 1e-5) -> SparseOffsets:
    """Keep the vertices that move by more than `least`, in the unit of the offsets."""
    rows = np.flatnonzero(np.abs(offsets).max(axis=1) > least)
    return SparseOffsets(rows=rows, offsets=offsets[rows].astype(np.float32))


Plane = Float[np.ndarray, "vertices 2"]
_RAYS = 48
_FAR = 0.6
"""Farthest distance that casts shade, in eye distances."""
_LIFT = 0.004
"""Rays begin so far above the surface, or it would hide itself; eye distances."""
_INSIDE = (Part.MOUTH, Part.GUMS, Part.TEETH, Part.TONGUE)
_SOCKET_SHADE = 0.6


def pack_regions(
    weights: Mapping[str, VertexWeights], vertices: int
) -> UInt8[np.ndarray, "vertices regions"]:
    """Stack weights in [0, 1] as channels in the order of `REGIONS`; what is not named is 0."""
    unknown = set(weights) - set(REGIONS)
    if unknown:
        raise ValueError(f"no region is called {sorted(unknown)}; there are {REGIONS}")
    nothing = np.zeros(vertices)
    stacked = np.stack([weights.get(name, nothing) for name in REGIONS], axis=1)
    return np.rint(np.clip(stacked, 0.0, 1.0) * 255).astype(np.uint8)


def rise(value: VertexWeights, low: float, high: float) -> VertexWeights:
    """Return 0 below `low`, 1 above `high`, a smooth step between; falls where `high` is lower."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def unit(vectors: Float[np.ndarray, "*rows 3"]) -> Float[np.ndarray, "*rows 3"]:
    """Vectors of length 1; those of no length stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def distance_to_line(points: Plane, line: Float[np.ndarray, "corners 2"]) -> VertexWeights:
    """Distance of each point to a polyline."""
    nearest = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        share = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)
        nearest = np.minimum(
            nearest, np.linalg.norm(points - start - share[:, None] * along, axis=1)
        )
    return nearest


def inside_polygon(
    points: Plane, corners: Float[np.ndarray, "corners 2"]
) -> Bool[np.ndarray, " vertices"]:
    """Whether each point lies in a closed polygon (even-odd rule)."""
    x, y = points.T
    inside = np.zeros(len(points), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def soft_polygon(
    points: Plane, corners: Float[np.ndarray, "corners 2"], softness: float
) -> VertexWeights:
    """1 well inside a polygon, 0 well outside, 0.5 on its edge."""
    closed = np.concatenate([corners, corners[:1]])
    signed = distance_to_line(points, closed) * np.where(inside_polygon(points, corners), 1, -1)
    return rise(signed, -softness, softness)


def paint_face(
    canonical: Vertices,
    lips: Float[np.ndarray, "lip_corners 2"],
    brows: Sequence[Float[np.ndarray, "_ 2"]],
    eyes: Sequence[Float[np.ndarray, "_ 2"]],
) -> dict[str, VertexWeights]:
    """Regions of facial skin from outlines of lips, brows and lid openings.

    Args:
        canonical: vertices in canonical coordinates (see `HeadMesh.canonical`).
        lips: outer edge of the closed lips, a closed polygon.
        brows: middle line of each brow.
        eyes: edge of each lid opening, a closed polygon.
    """
    plane, depth = canonical[:, :2], canonical[:, 2]
    side, up = np.abs(canonical[:, 0]), canonical[:, 1]
    is_front = rise(depth, -0.75, -0.45)
    red = soft_polygon(plane, lips, 0.012) * is_front
    brow = np.max(
        [np.exp(-1.5 * (distance_to_line(plane, line) / 0.065) ** 2) for line in brows], 0
    )
    rims = np.min([distance_to_line(plane, np.concatenate([eye, eye[:1]])) for eye in eyes], axis=0)
    mouth_line = float(lips[:, 1].mean())
    beard_top = np.interp(side, [0.0, 0.38, 0.52, 0.8, 1.1], [-1.05, -1.05, -0.92, -0.72, 0.0])
    beard = rise(beard_top - up, 0.0, 0.1) * rise(up, -2.2, -1.9)
    upper_lip = np.interp(side, [0.0, 0.25, 0.5], [mouth_line, mouth_line, mouth_line - 0.2])
    moustache = rise(up - upper_lip, -0.03, 0.03) * rise(-0.76 - 0.25 * side - up, -0.05, 0.02)
    hairline = np.where(
        depth > -0.1, 1.05, np.interp(-depth, [0.1, 0.6, 0.9, 1.3], [1.05, 0.35, -0.1, -0.7])
    )
    return {
        "lips": red,
        "brows": brow * is_front,
        "beard": beard * (1 - red) * (1 - rise(side, 1.0, 1.2)),
        "moustache": moustache * (1 - red) * rise(0.55 - side, 0.0, 0.1) * is_front,
        "scalp": rise(up - hairline, -0.04, 0.04),
        "cheeks": rise(-np.hypot((side - 0.62) / 0.42, (up + 0.62) / 0.38), -1.1, -0.5) * is_front,
        "nose": rise(-side / 0.26, -1.1, -0.7) * rise(up, -0.86, -0.74) * rise(-up, -0.1, 0.1),
        "eye_rings": rise(-rims, -0.26, -0.05) * is_front,
        "ears": rise(side, 1.17, 1.24) * rise(up, -0.85, -0.7) * rise(-up, -0.5, -0.4),
        "lid_margins": rise(-rims, -0.035, -0.008) * is_front,
    }


def occlusion(
    points: Float[np.ndarray, "points 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    rows: Int[np.ndarray, " rows"],
    *,
    far: float = _FAR,
) -> Float[np.ndarray, " rows"]:
    """Measure the share of the hemisphere over each point that the mesh hides, 0 to 1.

    Directions are weighted by their cosine to the normal; what is beyond `far` hides nothing.
    """
    normals = vertex_normals(points, triangles)[rows]
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, points[triangles].astype(np.float32))
    origins = (points[rows] + _LIFT * normals).astype(np.float32)
    hidden = np.zeros(len(rows))
    for way in _ball_directions():
        directions = normals + way  # Lambert's lobe: the normal plus a point of the unit ball
        directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
        distance = scene.run(origins, directions.astype(np.float32), query="DISTANCE")
        hidden += distance < far
    return hidden / _RAYS


def _ball_directions() -> Float[np.ndarray, "rays 3"]:
    """Spread unit vectors evenly over the sphere: a Fibonacci spiral."""
    place = np.arange(_RAYS) + 0.5
    up = 1 - 2 * place / _RAYS
    turn = np.pi * (1 + 5**0.5) * place
    across = np.sqrt(1 - up**2)
    return 0.999 * np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)


def shade_inside(
    canonical: Vertices, part_of_vertex: UInt8[np.ndarray, " vertices"], mouth_z: float
) -> VertexWeights:
    """Shade from 0 to 1: it grows with the depth behind the front teeth, or behind `mouth_z`."""
    is_teeth = part_of_vertex == Part.TEETH
    front = canonical[is_teeth, 2].max() if is_teeth.any() else mouth_z
    depth = rise(front - canonical[:, 2], 0.02, 0.55)
    shade = np.where(part_of_vertex == Part.MOUTH, 0.35 + 0.6 * depth, 0.15 + 0.8 * depth)
    shade[~np.isin(part_of_vertex, _INSIDE)] = 0.0
    shade[part_of_vertex == Part.SOCKET] = _SOCKET_SHADE
    return shade


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


def eye_angles(
    points: Vertices, axes: Iterable[tuple[Eyeball, Float[np.ndarray, " 3"]]]
) -> VertexWeights:
    """Make `HeadMesh.eye_angle` of eyeballs and their optical axes, of any length."""
    angles = np.full(len(points), np.pi, np.float32)
    for ball, axis in axes:
        arms = points[ball.vertices] - ball.centre
        lengths = np.linalg.norm(arms, axis=1) * np.linalg.norm(axis)
        cosines = (arms @ axis) / np.maximum(lengths, 1e-12)
        angles[ball.vertices] = np.arccos(np.clip(cosines, -1, 1))
    return angles


TEXTURE_SIDE_PX: Final = 1024


def decoded_texture(
    content: bytes, mode: Literal["RGB", "RGBA"]
) -> UInt8[np.ndarray, "height width channels"]:
    """Decode a picture, reduced to at most `TEXTURE_SIDE_PX` a side.

    Raises:
        OSError: it is no picture, or broken.
    """
    with Image.open(io.BytesIO(content)) as picture:
        levels = picture.convert(mode)
    levels.thumbnail((TEXTURE_SIDE_PX, TEXTURE_SIDE_PX))
    return np.asarray(levels)


def texels_at(
    texture: Float[np.ndarray, "height width *channels"]
    | UInt8[np.ndarray, "height width *channels"],
    uv: Float[np.ndarray, "*places 2"],
) -> Float[np.ndarray, "*places_and_channels"]:
    """Texels nearest to places (v down), as floats."""
    size = np.array(texture.shape[1::-1])
    columns, rows = np.moveaxis(np.clip((uv * size).astype(int), 0, size - 1), -1, 0)
    return texture[rows, columns].astype(np.float64)


def identity_names(prefix: str, count: int | None, seed: int) -> tuple[str, ...]:
    """Name so many identities of a family that samples them, `PREFIX-SEED-NUMBER`.

    Raises:
        ValueError: no count is given: there are as many identities as one asks for.
    """
    if count is None:
        raise ValueError("this family samples its identities: say how many")
    return tuple(f"{prefix}-{seed}-{number:05d}" for number in range(count))


def numbers_in_name(prefix: str, identity: str) -> list[int]:
    """Read the seed and the number in a name of `identity_names`.

    Raises:
        SourceError: it is none.
    """
    found = re.fullmatch(rf"{prefix}-(\d+)-(\d+)", identity)
    if not found:
        raise SourceError(
            f"{identity!r} is none of this family's heads. Names read {prefix}-SEED-NUMBER, as "
            f"{prefix}-7-00012."
        )
    return [int(found[1]), int(found[2])]


@frozen(eq=False)
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


@frozen(eq=False)
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
    part_of_vertex = np.full(count, Part.SKIN, np.uint8)
    part_of_vertex[joined.triangles] = joined.parts[:, None]
    flat = canonical[:count]
    shade = shade_inside(flat, part_of_vertex, float(flat[joined.mouth_left, 2]))
    painted = pack_regions({**regions(flat), "shade": shade}, count)
    return HeadMesh(
        family=family,
        identity=identity,
        triangles=joined.triangles,
        parts=joined.parts,
        rest=rest.astype(np.float32),
        canonical=canonical.astype(np.float32),
        regions=np.pad(painted, ((0, 2), (0, 0))),
        eye_angle=eye_angles(rest, ((ball, ahead) for ball in eyeballs.values())),
        controls=tuple(joined.offsets),
        shapes=LinearShapes(
            by_name={
                name: SparseOffsets(rows=shape.rows, offsets=shape.offsets / np.float32(unit))
                for name, shape in joined.offsets.items()
            },
            eyeballs={side: ball for side, ball in eyeballs.items() if joined.eyes[side].turns},
        ),
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
