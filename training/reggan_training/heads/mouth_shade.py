"""Ambient occlusion of what lies inside the mouth and behind the lids."""

import numpy as np
from jaxtyping import Float, Int, UInt8

from reggan_training.heads.frontal_paint import rise
from reggan_training.heads.head import Part

_INSIDE = (Part.MOUTH, Part.GUMS, Part.TEETH, Part.TONGUE)
_SOCKET_SHADE = 0.6


def shade_inside(
    canonical: Float[np.ndarray, "vertices 3"],
    part_of_vertex: UInt8[np.ndarray, " vertices"],
    mouth_z: float,
) -> Float[np.ndarray, " vertices"]:
    """Shade from 0 to 1: it grows with the depth behind the front teeth, or behind `mouth_z`."""
    is_teeth = part_of_vertex == Part.TEETH
    front = canonical[is_teeth, 2].max() if is_teeth.any() else mouth_z
    depth = rise(front - canonical[:, 2], 0.02, 0.55)
    shade = np.where(part_of_vertex == Part.MOUTH, 0.35 + 0.6 * depth, 0.15 + 0.8 * depth)
    shade[~np.isin(part_of_vertex, _INSIDE)] = 0.0
    shade[part_of_vertex == Part.SOCKET] = _SOCKET_SHADE
    return shade


def part_of_vertices(
    triangles: Int[np.ndarray, "triangles 3"], parts: UInt8[np.ndarray, " triangles"], count: int
) -> UInt8[np.ndarray, " vertices"]:
    """A part for each vertex: that of a triangle with it; skin for vertices without one."""
    of_vertex = np.full(count, Part.SKIN, np.uint8)
    of_vertex[triangles] = parts[:, None]
    return of_vertex
