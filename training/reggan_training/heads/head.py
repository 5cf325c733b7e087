"""A head as the rest of the training sees it: moving vertices whose parts have names.

A *family* (MakeHuman, ICT FaceKit, VALID, a user's own GLB) samples identities; an identity is a
`HeadMesh`. Nothing else of the program knows which family a head is of.

Axes: +y up, +z to the front, +x to the head's own left. Unit: the identity's eye distance. Origin:
the middle between the eyeballs' centres of the identity at rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

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


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def landmarks(self, vertices: Vertices) -> Float[np.ndarray, "6 3"]:
        """Landmarks in the order of `reggan_plugin.faces.landmarks.LANDMARK_NAMES`."""
        eyes = [vertices[rows].mean(axis=0) for rows in self._eyes]
        left, right, nose, chin = self.mouth_left, self.mouth_right, self.nose_tip, self.chin
        return np.stack([*eyes, vertices[nose], vertices[left], vertices[right], vertices[chin]])

    @property
    def _eyes(self) -> tuple[Int[np.ndarray, " left"], Int[np.ndarray, " right"]]:
        return self.left_eye_vertices, self.right_eye_vertices


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


@dataclass(frozen=True, kw_only=True, eq=False)
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
    turn = _about_y(yaw) @ _about_x(-pitch)
    turned = (rest[ball.vertices] - ball.centre) @ turn.T + ball.centre
    return turned.astype(rest.dtype)


def _about_y(angle: float) -> Float[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _about_x(angle: float) -> Float[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseOffsets:
    """One shape: the vertices that it moves, and by how much at weight 1."""

    rows: Int[np.ndarray, " moved"]
    offsets: Float[np.ndarray, "moved 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
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


def sparse_offsets_from_dense(offsets: Vertices, threshold: float = 1e-5) -> SparseOffsets:
    """Keep the vertices that move by more than `threshold`, in the unit of the offsets."""
    rows = np.flatnonzero(np.abs(offsets).max(axis=1) > threshold)
    return SparseOffsets(rows=rows, offsets=offsets[rows].astype(np.float32))
