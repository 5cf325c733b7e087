"""Pieces of the mouth in its own unit and axes: MakeHuman's bite, refined; the hollow around it.

Unit: eye distances. Origin: the edge of the upper incisors. Axes: x to the head's own left, y up,
z to the front.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from trimesh import Trimesh

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.meshes import ObjMesh, Points, part_of_mesh
from reggan_training.heads.anatomy.mouth import rows_of_bite
from reggan_training.heads.makehuman.mean import fitted_eyes, head_axes

_ARCH = np.array([1.07, 1.1, 1.0])
"""Of the bite: its teeth are narrow and short beside those of seven heads of other families."""
_TILT = np.radians(-3.0)
"""Of the bite about x, set on the same heads."""
_GUM_ENDS = -0.74
"""Gum farther back than this is left out: nobody sees it, and it comes through the tongue."""
_SEEN_TEETH = 5
"""So many teeth on each side of the middle are refined, the others show in corners alone."""
_TONGUE_FORM = np.array([0.86, 0.8, 0.86])
_TONGUE_RESTS = np.array([0.0, -0.03, -0.02])
"""The tongue is smaller than the asset has it: its tip lies behind and below the incisors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A surface, counter-clockwise from outside, with normals that may be finer than it is."""

    points: Points
    normals: Points
    triangles: Int[np.ndarray, "triangles 3"]


def bite_pieces(assets: HeadAssets) -> dict[str, Piece]:
    """Both rows of teeth and gums, and the tongue."""
    eyes = fitted_eyes(assets, assets.base.points)
    unit = float(eyes["left"].centre[0] - eyes["right"].centre[0])
    teeth, tongue = assets.teeth, assets.tongue
    fitted = head_axes(teeth.fit(assets.base.points)) / unit
    meshes = {
        name: _part(teeth.mesh, np.flatnonzero(chosen[teeth.mesh.faces].all(axis=1)), fitted)
        for name, chosen in rows_of_bite(teeth).items()
    }
    rows = np.arange(len(tongue.mesh.faces))
    meshes["tongue"] = _part(tongue.mesh, rows, head_axes(tongue.fit(assets.base.points)) / unit)
    origin = _incisors_edge(meshes["teeth_upper"].vertices)
    for mesh in meshes.values():
        mesh.vertices -= origin
    pieces = {}
    for name, mesh in meshes.items():
        if name.startswith("teeth"):
            pieces[name] = joined([_refined(tooth, times) for tooth, times in _teeth(mesh)])
        else:
            pieces[name] = _refined(mesh, 1 if name == "tongue" else 0)
    for name in ("gums_upper", "gums_lower"):
        pieces[name] = _without_back(pieces[name])
    pieces["tongue"] = _shaped_tongue(pieces["tongue"])
    return {name: _in_head(piece) for name, piece in pieces.items()}


def joined(pieces: list[Piece]) -> Piece:
    """Several pieces as one."""
    starts = np.cumsum([0, *(len(piece.points) for piece in pieces)])
    return Piece(
        points=np.concatenate([piece.points for piece in pieces]),
        normals=np.concatenate([piece.normals for piece in pieces]),
        triangles=np.concatenate(
            [piece.triangles + start for piece, start in zip(pieces, starts[:-1], strict=True)]
        ),
    )


def loose_parts(triangles: Int[np.ndarray, "triangles 3"], count: int) -> Int[np.ndarray, " _"]:
    """Which of a mesh's loose parts each of its points belongs to, counted from 0."""
    first = np.arange(count)
    while True:
        before = first.copy()
        np.minimum.at(first, triangles, first[triangles].min(axis=1)[:, None])
        first = first[first]
        if np.array_equal(before, first):
            return np.unique(first, return_inverse=True)[1].reshape(-1)


def _part(mesh: ObjMesh, rows: Int[np.ndarray, " faces"], points: Points) -> Trimesh:
    faces, taken = part_of_mesh(mesh, rows)
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    is_whole = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    part = Trimesh(points[taken], triangles[is_whole], process=False)
    part.merge_vertices()
    return part


def _incisors_edge(points: Points) -> Float[np.ndarray, "3"]:
    is_front = (np.abs(points[:, 0]) < 0.1) & (points[:, 2] > points[:, 2].max() - 0.12)
    return np.array([0.0, points[is_front, 1].min(), points[is_front, 2].max()])


def _teeth(row: Trimesh) -> list[tuple[Trimesh, int]]:
    """Cut the teeth of a row, from the head's own right to left; say how often to refine each."""
    faces = np.asarray(row.faces)
    labels = loose_parts(faces, len(row.vertices))
    teeth = []
    for label in range(labels.max() + 1):
        taken, own = np.unique(faces[labels[faces[:, 0]] == label], return_inverse=True)
        teeth.append(Trimesh(row.vertices[taken], own.reshape(-1, 3), process=False))
    middle = float(row.vertices[:, 2].min())
    turns = [np.arctan2(*(tooth.vertices.mean(axis=0) - [0, 0, middle])[[0, 2]]) for tooth in teeth]
    order = np.argsort(turns, kind="stable")[1:-1]  # without wisdom teeth
    is_seen = np.abs(np.arange(len(order)) - len(order) / 2 + 0.5) < _SEEN_TEETH
    return [(teeth[row], int(seen)) for row, seen in zip(order, is_seen, strict=True)]


def _refined(mesh: Trimesh, times: int) -> Piece:
    """Loop's subdivision; places and normals are those of a surface refined twice more."""
    coarse = mesh.subdivide_loop(times) if times else mesh
    fine = coarse.subdivide_loop(2)
    kept = len(coarse.vertices)  # subdivision leaves the old points first
    points = np.asarray(fine.vertices)
    normals = vertex_normals(points, np.asarray(fine.faces))
    return Piece(points=points[:kept], normals=normals[:kept], triangles=np.asarray(coarse.faces))


def _without_back(gums: Piece) -> Piece:
    is_kept = gums.points[gums.triangles][..., 2].mean(axis=1) > _GUM_ENDS
    taken, triangles = np.unique(gums.triangles[is_kept], return_inverse=True)
    return Piece(
        points=gums.points[taken],
        normals=gums.normals[taken],
        triangles=triangles.reshape(-1, 3),
    )


def _shaped_tongue(tongue: Piece) -> Piece:
    """Smaller, its tip lower, its back higher, with a groove along the middle."""
    tip = np.array([0.0, tongue.points[:, 1].max(), tongue.points[:, 2].max()])
    points = (tongue.points - tip) * _TONGUE_FORM + tip + _TONGUE_RESTS
    x, y, z = points.T
    top = np.clip((y - np.median(y)) / 0.08, 0, 1)
    vault = 0.04 * np.exp(-((x / 0.22) ** 2)) * np.clip((z + 1.1) / 0.5, 0, 1)
    groove = 0.016 * np.exp(-((x / 0.03) ** 2)) * np.clip((-0.2 - z) / 0.1, 0, 1)
    lift = -0.07 * np.clip((-z - 0.2) / 0.3, 0, 1) + top * (vault - groove)
    points = points + lift[:, None] * np.array([0.0, 1.0, 0.0])
    return Piece(
        points=points,
        normals=vertex_normals(points, tongue.triangles),
        triangles=tongue.triangles,
    )


def _in_head(piece: Piece) -> Piece:
    cos, sin = np.cos(_TILT), np.sin(_TILT)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    normals = piece.normals / _ARCH @ turn.T
    return Piece(
        points=piece.points * _ARCH @ turn.T,
        normals=normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9),
        triangles=piece.triangles,
    )
