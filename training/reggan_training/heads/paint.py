"""Paint on any head: regions drawn by its landmarks from the front, and ambient occlusion."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from jaxtyping import Bool, Float, Int, UInt8

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.head import REGIONS, Part, VertexWeights, Vertices

Plane = Float[np.ndarray, "vertices 2"]
Weights = VertexWeights
_RAYS = 48
_FAR = 0.6
"""Farthest distance that casts shade, in eye distances."""
_LIFT = 0.004
"""Rays begin so far above the surface, or it would hide itself; eye distances."""
_INSIDE = (Part.MOUTH, Part.GUMS, Part.TEETH, Part.TONGUE)
_SOCKET_SHADE = 0.6


def pack_regions(
    weights: Mapping[str, Weights], vertices: int
) -> UInt8[np.ndarray, "vertices regions"]:
    """Stack weights in [0, 1] as channels in the order of `REGIONS`; what is not named is 0."""
    unknown = set(weights) - set(REGIONS)
    if unknown:
        raise ValueError(f"no region is called {sorted(unknown)}; there are {REGIONS}")
    nothing = np.zeros(vertices)
    stacked = np.stack([weights.get(name, nothing) for name in REGIONS], axis=1)
    return np.rint(np.clip(stacked, 0.0, 1.0) * 255).astype(np.uint8)


def rise(value: Weights, low: float, high: float) -> Weights:
    """Return 0 below `low`, 1 above `high`, a smooth step between; falls where `high` is lower."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def distance_to_line(points: Plane, line: Float[np.ndarray, "corners 2"]) -> Weights:
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
) -> Weights:
    """1 well inside a polygon, 0 well outside, 0.5 on its edge."""
    closed = np.concatenate([corners, corners[:1]])
    signed = distance_to_line(points, closed) * np.where(inside_polygon(points, corners), 1, -1)
    return rise(signed, -softness, softness)


def paint_face(
    canonical: Vertices,
    lips: Float[np.ndarray, "lip_corners 2"],
    brows: Sequence[Float[np.ndarray, "_ 2"]],
    eyes: Sequence[Float[np.ndarray, "_ 2"]],
) -> dict[str, Weights]:
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


def part_of_vertices(
    triangles: Int[np.ndarray, "triangles 3"], parts: UInt8[np.ndarray, " triangles"], count: int
) -> UInt8[np.ndarray, " vertices"]:
    """Return a part for each vertex: that of a triangle with it; skin for vertices without one."""
    of_vertex = np.full(count, Part.SKIN, np.uint8)
    of_vertex[triangles] = parts[:, None]
    return of_vertex
