"""Which triangle each pixel shows: Embree casts a ray through every pixel centre."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Float, Int

from reggan_training.pairs.camera import Camera, Window


@dataclass(frozen=True, kw_only=True, eq=False)
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
        self,
        viewed: Float[np.ndarray, "vertices 3"],
        triangles: Int[np.ndarray, "triangles 3"],
        camera: Camera,
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
