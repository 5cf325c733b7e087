"""One identity, rasterised: what every pixel of every state shows, and how the surface moved.

Self-contained: only vertices that are seen in some state are kept, so that a set can travel without
the heads that it was made from. Everything of a picture but its look follows from it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from reggan_training.pairs.camera import Camera, Window
from reggan_training.pairs.states import Weights

FACE_WINDOW: Window = (0.0, 0.0, 1.0, 1.0)
MOUTH_WINDOW: Window = (0.28125, 0.421875, 0.71875, 0.859375)
"""112 of 256 pixels around the mouth, with room for a jaw that drops."""
FACE_PX, MOUTH_PX = 256, 224


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterisedHead:
    """One identity in all of its states, before one camera.

    Attributes:
        family, identity: of the head.
        camera: before it.
        states: ARKit weights of each state; the first is neutral.
        controls: shapes that the head has.
        triangles, parts, texture_of: as `HeadMesh` has them, of what is seen.
        canonical, regions, eye_angle, uv, textures: as `HeadMesh` has them, of what is seen.
        jaw: how far a vertex goes with a jaw that opens, 0 to 255, where the chin is 255; it tells
            the lower lip and its teeth from the upper ones. 0 on heads without `jawOpen`.
        positions: vertices of each state as the camera has them (`Camera.view`).
        normals: of those, unit length.
        landmarks: of each state, in crop coordinates.
        face, mouth: rasters of each state over `FACE_WINDOW` and `MOUTH_WINDOW`: the triangle's
            row, 65535 where there is none, and barycentrics (u, v) in parts of 255.
    """

    family: str
    identity: str
    camera: Camera
    states: tuple[Weights, ...]
    controls: tuple[str, ...]
    triangles: Int[np.ndarray, "triangles 3"]
    parts: UInt8[np.ndarray, " triangles"]
    texture_of: Int[np.ndarray, " triangles"]
    canonical: Float[np.ndarray, "vertices 3"]
    regions: UInt8[np.ndarray, "vertices regions"]
    eye_angle: Float[np.ndarray, " vertices"]
    jaw: UInt8[np.ndarray, " vertices"]
    uv: Float[np.ndarray, "vertices 2"]
    textures: tuple[UInt8[np.ndarray, "height width 3"], ...]
    positions: Float[np.ndarray, "states vertices 3"]
    normals: Float[np.ndarray, "states vertices 3"]
    landmarks: Float[np.ndarray, "states 6 2"]
    face: "Rasters"
    mouth: "Rasters"

    @property
    def eye_distance(self) -> float:
        """Distance of the eyes in the neutral picture, in parts of the crop's side."""
        left, right = self.landmarks[0, :2]
        return float(np.linalg.norm(left - right))


@dataclass(frozen=True, kw_only=True, eq=False)
class Rasters:
    """Rasters of all states over one window."""

    window: Window
    triangle: Int[np.ndarray, "states side side"]
    barycentric: UInt8[np.ndarray, "states side side 2"]

    def thinned(self, step: int) -> "Rasters":
        """Every `step`-th pixel of every `step`-th row: the same window, coarser and aliased."""
        kept = slice(step // 2, None, step)
        return Rasters(
            window=self.window,
            triangle=self.triangle[:, kept, kept],
            barycentric=self.barycentric[:, kept, kept],
        )

    @property
    def side_px(self) -> int:
        """Pixels along a side."""
        return int(self.triangle.shape[1])
