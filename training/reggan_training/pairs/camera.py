"""A camera before a head, and the square crop that it sees.

Crop coordinates run from 0 to 1 over the crop's side, x to the right, y down. Head coordinates are
those of `HeadMesh`: eye distances, +y up, +z to the front.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from reggan_plugin.faces.face_crop import ALIGNED_LANDMARKS, fit_similarity
from reggan_plugin.faces.landmarks import LANDMARK_NAMES

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


@dataclass(frozen=True, kw_only=True, eq=False)
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
        distance=float(np.exp(random.uniform(np.log(7.0), np.log(30.0)))),
        crop_from_plane=np.eye(2, 3),
    )
    wanted, placed = _placed(bare, landmarks)
    error = _similarity(random.normal(0.0, 0.035), np.radians(random.normal(0.0, 2.0)))
    centre = wanted.mean(axis=0)
    linear = error @ placed[:, :2]
    shift = error @ (placed[:, 2] - centre) + centre + random.normal(0.0, 0.01, 2)
    matrix = np.column_stack([linear, shift])
    return Camera(rotation=bare.rotation, distance=bare.distance, crop_from_plane=matrix)


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


def _similarity(log_scale: float, angle: float) -> Float[np.ndarray, "2 2"]:
    c, s = np.exp(log_scale) * np.cos(angle), np.exp(log_scale) * np.sin(angle)
    return np.array([[c, -s], [s, c]])


def rotation_from_angles(yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """Rotation of a head that turns, nods and tilts by these angles, radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return about_z @ about_x @ about_y
