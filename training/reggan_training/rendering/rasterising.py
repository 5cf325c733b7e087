"""A head, seen: every state of it is drawn through one camera, and what is not seen is left out.

A rasterised head is self-contained: only vertices that are seen in some state are kept, so that a
set can travel without the heads that it was made from. Everything of a picture but its look follows
from it.

Crop coordinates run from 0 to 1 over the crop's side, x to the right, y down. Head coordinates are
those of `HeadMesh`: eye distances, +y up, +z to the front.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Float, Int, UInt8
from PIL import Image

from reggan_plugin.errors import SourceError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import ALIGNED_LANDMARKS, fit_similarity
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_training.heads.head import HeadMesh, VertexWeights, Vertices, X, Y, Z, rotation_about
from reggan_training.rendering.face_states import Weights

CANONICAL_LANDMARKS = {
    "left_eye": (0.617, 0.300),
    "right_eye": (0.383, 0.300),
    "nose_tip": (0.500, 0.465),
    "mouth_left": (0.593, 0.585),
    "mouth_right": (0.407, 0.585),
    "chin": (0.500, 0.735),
}
"""Canonical place of a face in the crop. The chin is high enough for a jaw that drops."""

_PIVOT = np.array([0.0, -0.6, -0.4])
"""Middle of the head, about which it turns."""

Window = tuple[float, float, float, float]
"""Left, top, right, bottom of a part of the crop, in parts of its side."""


@frozen(eq=False)
class Camera:
    """A pinhole camera on the z axis, and the similarity from its picture to the crop.

    Attributes:
        rotation: turns the head about the middle of itself.
        distance: from the camera to that middle, in eye distances.
        crop_from_plane: maps (x, y down) on the plane through the middle to crop coordinates.
    """

    rotation: Float[np.ndarray, "3 3"]
    distance: float
    crop_from_plane: Float[np.ndarray, "2 3"]

    def view(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Points as the camera has them: turned, about the middle of the head, float32."""
        turned = (points - _PIVOT) @ self.rotation.T
        return turned.astype(np.float32)

    def project(self, viewed: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Crop coordinates of points that `view` returned."""
        plane = self.plane_points(viewed)
        return plane @ self.crop_from_plane[:, :2].T + self.crop_from_plane[:, 2]

    def plane_points(
        self, viewed: Float[np.ndarray, "*points 3"]
    ) -> Float[np.ndarray, "*points 2"]:
        """Project points to the plane through the head's middle; y down."""
        factor = self.distance / (self.distance - viewed[..., 2:3])
        return viewed[..., :2] * factor * np.array([1.0, -1.0])

    def rays(self, window: Window, side_px: int) -> Float[np.ndarray, "pixels 3"]:
        """Return unit directions through the pixel centres of a window, row after row, float32."""
        left, top, right, bottom = window
        centres = (np.arange(side_px) + 0.5) / side_px
        x, y = np.meshgrid(left + centres * (right - left), top + centres * (bottom - top))
        crop = np.stack([x.ravel(), y.ravel()], axis=1)
        linear, shift = self.crop_from_plane[:, :2], self.crop_from_plane[:, 2]
        plane = (crop - shift) @ np.linalg.inv(linear).T
        depth = np.full(len(plane), -self.distance)
        directions = np.stack([plane[:, 0], -plane[:, 1], depth], axis=1)
        return (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


def sample_camera(landmarks: Float[np.ndarray, "6 3"], random: np.random.Generator) -> Camera:
    """Draw a view of a head and place its crop as a landmark finder would, with its errors.

    Args:
        landmarks: of the head at rest, as `HeadMesh.landmarks` gives them.
        random: turns of up to about 45 degrees sideways and 20 up and down, mostly far less.
    """
    yaw, pitch, roll = np.radians(random.normal(0.0, 1.0, 3) * [16.0, 7.0, 3.0])
    yaw, pitch = np.clip(yaw, -0.8, 0.8), np.clip(pitch, -0.35, 0.35)
    bare = Camera(
        rotation=rotation_from_angles(yaw, pitch, roll),
        distance=sample_distance(random),
        crop_from_plane=np.eye(2, 3),
    )
    wanted, placed = _placed(bare, landmarks)
    size, turn = np.exp(random.normal(0.0, 0.035)), np.radians(random.normal(0.0, 2.0))
    c, s = size * np.cos(turn), size * np.sin(turn)
    error = np.array([[c, -s], [s, c]])
    centre = wanted.mean(axis=0)
    linear = error @ placed[:, :2]
    shift = error @ (placed[:, 2] - centre) + centre + random.normal(0.0, 0.01, 2)
    return replace(bare, crop_from_plane=np.column_stack([linear, shift]))


def sample_distance(random: np.random.Generator) -> float:
    """Draw the distance of a camera, 7 to 30 eye distances, evenly by its logarithm."""
    return float(np.exp(random.uniform(np.log(7), np.log(30))))


def frontal_camera(landmarks: Float[np.ndarray, "6 3"], yaw_deg: float = 0.0) -> Camera:
    """Look at a head from the front, its crop where the landmarks have it.

    Args:
        landmarks: of the head at rest, as `HeadMesh.landmarks` gives them.
        yaw_deg: the head is turned by, to its own left.
    """
    rotation = rotation_from_angles(np.radians(yaw_deg), 0.0, 0.0)
    bare = Camera(rotation=rotation, distance=14.0, crop_from_plane=np.eye(2, 3))
    return replace(bare, crop_from_plane=_placed(bare, landmarks)[1])


def _placed(
    bare: Camera, landmarks: Float[np.ndarray, "6 3"]
) -> tuple[Float[np.ndarray, "aligned 2"], Float[np.ndarray, "2 3"]]:
    """Places of the aligned landmarks in the crop, and the similarity that brings them there."""
    rows = [LANDMARK_NAMES.index(name) for name in ALIGNED_LANDMARKS]
    seen = bare.plane_points(bare.view(landmarks[rows]))
    wanted = np.array([CANONICAL_LANDMARKS[name] for name in ALIGNED_LANDMARKS])
    return wanted, fit_similarity(seen, wanted)


def aimed_camera(
    middle: Float[np.ndarray, "3"],
    rotation: Float[np.ndarray, "3 3"],
    distance: float,
    scale: float,
    off: Float[np.ndarray, "2"],
) -> Camera:
    """Aim a camera at a place of a head.

    Args:
        middle: the place, in head coordinates.
        rotation: of the head.
        distance: see `Camera`.
        scale: an eye distance in parts of the crop's side.
        off: how far from the crop's middle the place is seen.
    """
    matrix = np.eye(2, 3)
    bare = Camera(rotation=rotation, distance=distance, crop_from_plane=matrix)
    origin = bare.plane_points(bare.view(middle[None]))[0]
    matrix = scale * matrix
    matrix[:, 2] = 0.5 - scale * origin + off
    return replace(bare, crop_from_plane=matrix)


def rotation_from_angles(yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """Rotation of a head that turns, nods and tilts by these angles, radians."""
    return rotation_about(Z, roll) @ rotation_about(X, pitch) @ rotation_about(Y, yaw)


FACE_WINDOW: Window = (0.0, 0.0, 1.0, 1.0)
FACE_PX = 256
_LARGEST_TEXTURE_PX = 512
_NO_TRIANGLE = 0xFFFF
"""Most triangles that a head can show are one fewer than this."""


@frozen(eq=False)
class Raster:
    """Surface seen at each pixel centre.

    Attributes:
        triangle: row of the triangle, -1 where the ray hits nothing.
        barycentric: (u, v): the surface point is (1 - u - v) a + u b + v c.
    """

    triangle: Int[np.ndarray, "side side"]
    barycentric: Float[np.ndarray, "side side 2"]


class HeadScene:
    """One state of a head, ready for rays.

    Args:
        viewed: vertices as `Camera.view` returns them.
        triangles: vertex rows.
        camera: whose rays are cast.
    """

    def __init__(
        self, viewed: Vertices, triangles: Int[np.ndarray, "triangles 3"], camera: Camera
    ) -> None:
        self._camera = camera
        self._scene = EmbreeScene()
        # the scene reads the mesh for as long as it lives
        self._mesh = TriangleMesh(self._scene, viewed[triangles].astype(np.float32))

    def cast(self, window: Window, side_px: int) -> Raster:
        """See a window of the crop at side_px x side_px pixels."""
        directions = self._camera.rays(window, side_px)
        origins = np.zeros_like(directions)
        origins[:, 2] = self._camera.distance
        hits = self._scene.run(origins, directions, output=True)
        return Raster(
            triangle=hits["primID"].astype(np.int32).reshape(side_px, side_px),
            barycentric=np.stack([hits["u"], hits["v"]], axis=1).reshape(side_px, side_px, 2),
        )


@frozen(eq=False)
class RasterisedHead:
    """One identity in all of its states, before one camera.

    Attributes:
        family, identity: of the head.
        camera: before it.
        states: ARKit weights of each state; the first is neutral.
        controls: shapes that the head has.
        triangles, parts, texture_of: as `HeadMesh` has them, of what is seen.
        canonical, regions, eye_angle, uv, textures: as `HeadMesh` has them, of what is seen.
        positions: vertices of each state as the camera has them (`Camera.view`).
        normals: of those, unit length.
        landmarks: of each state, in crop coordinates.
        face: rasters of each state over `FACE_WINDOW`: the triangle's row, 65535 where there is
            none, and barycentrics (u, v) in parts of 255.
    """

    family: str
    identity: str
    camera: Camera
    states: tuple[Weights, ...]
    controls: tuple[str, ...]
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    texture_of: Int[np.ndarray, " triangles"]
    canonical: Vertices
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: VertexWeights
    uv: Float[np.ndarray, "vertices 2"]
    textures: tuple[UInt8[np.ndarray, "height width 3"], ...]
    positions: Float[np.ndarray, "states vertices 3"]
    normals: Float[np.ndarray, "states vertices 3"]
    landmarks: Float[np.ndarray, "states 6 2"]
    face: "Rasters"

    @property
    def eye_distance(self) -> float:
        """Distance of the eyes in the neutral picture, in parts of the crop's side."""
        left, right = self.landmarks[0, :2]
        return float(np.linalg.norm(left - right))


@frozen(eq=False)
class Rasters:
    """Rasters of all states over the crop."""

    triangle: Int[np.ndarray, "states side side"]
    barycentric: UInt8[np.ndarray, "states side side 2"]

    def thinned(self, step: int) -> "Rasters":
        """Every `step`-th pixel of every `step`-th row: coarser and aliased."""
        kept = slice(step // 2, None, step)
        return Rasters(
            triangle=self.triangle[:, kept, kept], barycentric=self.barycentric[:, kept, kept]
        )

    @property
    def side_px(self) -> int:
        """Pixels along a side."""
        return int(self.triangle.shape[1])


def rasterise_head(
    head: HeadMesh,
    states: Sequence[Weights],
    camera: Camera,
    *,
    face_px: int = FACE_PX,
    rasters: int | None = None,
) -> RasterisedHead:
    """See all states of a head through one camera.

    Args:
        head: what is seen.
        states: in which it is seen.
        camera: before the head.
        face_px: side of the face's rasters.
        rasters: of how many states; the others only tell where the vertices of these go.

    Raises:
        SourceError: more than 65,535 triangles are seen.
    """
    face, positions, normals, landmarks = [], [], [], []
    for number, weights in enumerate(states):
        vertices = head.vertices(weights)
        viewed = camera.view(vertices)
        positions.append(viewed)
        normals.append(vertex_normals(viewed, head.triangles).astype(np.float32))
        landmarks.append(camera.project(camera.view(head.landmarks(vertices))))
        if rasters is None or number < rasters:
            scene = HeadScene(viewed, head.triangles, camera)
            face.append(scene.cast(FACE_WINDOW, face_px))
    shown, row_of = _seen_triangles(head, face)
    kept, triangles = np.unique(head.triangles[shown], return_inverse=True)
    texture_of = np.full(len(head.triangles), -1) if head.texture_of is None else head.texture_of
    uv = np.zeros((len(head.rest), 2)) if head.uv is None else head.uv
    return RasterisedHead(
        family=head.family,
        identity=head.identity,
        camera=camera,
        states=tuple(states),
        controls=head.controls,
        triangles=triangles.reshape(-1, 3).astype(np.int32),
        parts=head.parts[shown],
        texture_of=texture_of[shown].astype(np.int16),
        canonical=head.canonical[kept].astype(np.float32),
        regions=head.regions[kept],
        eye_angle=head.eye_angle[kept].astype(np.float32),
        uv=uv[kept].astype(np.float32),
        textures=tuple(_small_texture(texture) for texture in head.textures),
        positions=np.stack(positions)[:, kept],
        normals=np.stack(normals)[:, kept],
        landmarks=np.stack(landmarks).astype(np.float32),
        face=_packed(face, row_of),
    )


def _seen_triangles(
    head: HeadMesh, rasters: Sequence[Raster]
) -> tuple[Int[np.ndarray, " seen"], Int[np.ndarray, " triangles_and_none"]]:
    """Rows of the triangles that some raster sees, and the row among them of every triangle."""
    shown = np.unique(np.concatenate([raster.triangle.ravel() for raster in rasters]))
    shown = shown[shown >= 0]
    if len(shown) >= _NO_TRIANGLE:
        raise SourceError(f"{head.identity} shows {len(shown)} triangles; at most 65,534 fit.")
    row_of = np.full(len(head.triangles) + 1, _NO_TRIANGLE, dtype=np.uint16)
    row_of[shown] = np.arange(len(shown))  # the last entry is met by -1
    return shown, row_of


def _packed(rasters: Sequence[Raster], row_of: Int[np.ndarray, " triangles_and_none"]) -> Rasters:
    return Rasters(
        triangle=np.stack([row_of[raster.triangle] for raster in rasters]),
        barycentric=np.stack(
            [
                np.rint(np.clip(raster.barycentric, 0, 1) * 255).astype(np.uint8)
                for raster in rasters
            ]
        ),
    )


def _small_texture(
    texture: UInt8[np.ndarray, "height width channels"],
) -> UInt8[np.ndarray, "rows columns 3"]:
    picture = Image.fromarray(texture[..., :3])
    picture.thumbnail((_LARGEST_TEXTURE_PX, _LARGEST_TEXTURE_PX), Image.Resampling.LANCZOS)
    return np.asarray(picture)
