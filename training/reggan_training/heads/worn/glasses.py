"""Glasses of sampled shapes on any head: frames without lenses, which stay still."""

import numpy as np

from reggan_training.heads.anatomy.meshes import Points
from reggan_training.heads.head import Part
from reggan_training.heads.worn.additions import Addition
from reggan_training.heads.worn.glasses_meshes import GlassesShape, build_glasses
from reggan_training.heads.worn.mesh_wearer import MeshWearer, mesh_axes
from reggan_training.heads.worn.skull_map import skull_map

_SLIDE = 0.006
"""Glasses sit up to so much (metres) farther down and out on the nose."""
_FRONT_DEPTH = 0.02
"""Depth (metres behind the eyes) up to which a frame counts as its front."""
_DOWN_THE_NOSE = np.array([0.0, -0.6, -1.0])
_CLEAR, _FARTHEST = 0.0008, 0.010


def sample_frame(random: np.random.Generator) -> GlassesShape:
    """A frame drawn at random: wire to thick, round to square, aviators and cat's eyes."""
    width = random.uniform(0.038, 0.058)
    return GlassesShape(
        width=width,
        height=width * random.uniform(0.55, 1.0),
        roundness=float(random.choice([2.0, 2.2, 2.6, 3.2, 4.0, 5.0])),
        rim=float(np.exp(random.uniform(np.log(0.0006), np.log(0.0032)))),
        drop=float(random.choice([0.0, 0.0, 0.006, -0.005])),
    )


def glasses(wearer: MeshWearer, random: np.random.Generator) -> Addition:
    """A pair of glasses."""
    points, faces = build_glasses(wearer, sample_frame(random), random)
    is_front = points[:, 1] < _FRONT_DEPTH
    points = points + is_front[:, None] * random.uniform(0, _SLIDE) * _DOWN_THE_NOSE
    points[is_front, 1] -= _way_out(wearer, points[is_front])
    triangles = np.concatenate([faces[:, [0, 2, 1]], faces[:, [0, 3, 2]]])
    return Addition(
        part=Part.GLASSES,
        points=mesh_axes(points),
        triangles=triangles,
        shade=np.zeros(len(points)),
    )


def _way_out(wearer: MeshWearer, front: Points) -> float:
    """Shift of a frame's front so that cheeks and nose do not pierce it."""
    skull = skull_map(wearer)
    size = np.linalg.norm(front - skull.centre, axis=1)
    lack = skull.skin_radius(skull.outwards(front)) + _CLEAR - size
    return float(np.clip(lack.max(), 0, _FARTHEST))
