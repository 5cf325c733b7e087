"""A head of any family as the growers of hair and the makers of glasses see it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.eyes import Eye
from reggan_training.heads.anatomy.meshes import Points
from reggan_training.heads.head import REGIONS, HeadMesh, Part

METRES_PER_UNIT = 0.0615
"""The eye distance that styles and frames are given for."""


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def region(self, name: str) -> Float[np.ndarray, " points"]:
        """Return a region's weight for each skin point."""
        return self.head.regions[self.vertices, REGIONS.index(name)] / 255.0

    @property
    def _skin(self) -> Int[np.ndarray, "triangles 3"]:
        return self.head.triangles[self.head.parts == Part.SKIN]


def avatar_axes(points: Float[np.ndarray, "points 3"]) -> Points:
    """Points of a head mesh in metres, z up, the face looking along -y."""
    return points[:, [0, 2, 1]].astype(np.float64) * [1.0, -1.0, 1.0] * METRES_PER_UNIT


def mesh_axes(points: Float[np.ndarray, "points 3"]) -> Points:
    """Points in `anatomy`'s metres and axes as a head mesh has them: the inverse of the other."""
    return points[:, [0, 2, 1]] * [1.0, 1.0, -1.0] / METRES_PER_UNIT
