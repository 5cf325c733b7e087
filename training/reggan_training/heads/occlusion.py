"""Ambient occlusion of vertices: by rays, or by how deep they lie inside the mouth."""

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from jaxtyping import Float, Int, UInt8

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.frontal_paint import rise
from reggan_training.heads.head import Part, VertexWeights, Vertices

_RAYS = 48
_FAR = 0.6
"""Farthest distance that casts shade, in eye distances."""
_LIFT = 0.004

_INSIDE = (Part.MOUTH, Part.GUMS, Part.TEETH, Part.TONGUE)
_SOCKET_SHADE = 0.6


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


def part_of_vertices(
    triangles: Int[np.ndarray, "triangles 3"], parts: UInt8[np.ndarray, " triangles"], count: int
) -> UInt8[np.ndarray, " vertices"]:
    """Return a part for each vertex: that of a triangle with it; skin for vertices without one."""
    of_vertex = np.full(count, Part.SKIN, np.uint8)
    of_vertex[triangles] = parts[:, None]
    return of_vertex
