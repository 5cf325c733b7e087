"""Build the mouth that the runtime draws behind opened lips.

    python -m reggan_training.rig.build_mouth --makehuman DIR --out reggan_plugin/rig/mouth.npz

Teeth, gums and tongue are MakeHuman's (CC0), refined where they are seen; palate, cheeks and
throat are lofted around them, so that nothing is open behind the teeth. The same folder gives
the same file, byte for byte.

Unit: eye distances. Origin: the edge of the upper incisors. Axes: x to the head's own left, y up,
z to the front.
"""

from pathlib import Path

import click
import numpy as np
from jaxtyping import Float, Int
from trimesh import Trimesh

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals, vertex_normals
from reggan_plugin.rig.mouth_drawing import PARTS
from reggan_plugin.rig.own_teeth import pieces_of
from reggan_training.heads.anatomy.assets import (
    HeadAssets,
    ObjMesh,
    PerPoint,
    Points,
    part_of_mesh,
    read_assets,
    triangles_from_quads,
)
from reggan_training.heads.anatomy.mouth import rows_of_bite
from reggan_training.heads.head import X, occlusion, rise, rotation_about, unit
from reggan_training.heads.makehuman.family import fitted_eyes, head_axes
from reggan_training.training_run import write_arrays

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
_HOLLOW = np.array(
    [  # z, half width, top, bottom
        (0.14, 0.90, 0.66, -0.86),
        (0.07, 0.74, 0.58, -0.76),
        (0.00, 0.66, 0.53, -0.68),
        (-0.08, 0.61, 0.51, -0.62),
        (-0.16, 0.585, 0.50, -0.58),
        (-0.25, 0.575, 0.48, -0.55),
        (-0.45, 0.57, 0.46, -0.52),
        (-0.65, 0.57, 0.42, -0.50),
        (-0.85, 0.54, 0.38, -0.48),
        (-1.05, 0.46, 0.32, -0.46),
        (-1.22, 0.33, 0.24, -0.42),
        (-1.34, 0.18, 0.14, -0.36),
        (-1.38, 0.04, 0.00, -0.20),
    ]
)
"""Cross sections from behind the lips to the throat. They clear the gums (half width 0.46), and
are wider than any opening, so that a look past the teeth always meets a cheek."""
_ROUND = 0.75
"""Exponent of the sections' outline: 1 is an ellipse, less is squarer."""
_LIPS_CURVE = 0.5
"""Lips and cheeks fall back by so much of x squared; the foremost section lies behind them."""
_AROUND = 40
"""Points around a section of the hollow."""
_PALATE_WIDTH, _PALATE_FRONT, _PALATE_BACK = 0.36, -0.13, -1.02
_PALATE_HIGH, _PALATE_LOW = 0.33, 0.17
_PLATE_HIGH, _PLATE_THICK = 0.36, 0.07
"""A plate covers the gums as well, as far as lips lay them bare."""
_SHADED_BY = {
    "upper": ("teeth_upper", "gums_upper", "palate"),
    "lower": ("teeth_lower", "gums_lower", "tongue"),
    "walls": ("hollow", "gums_upper", "gums_lower", "teeth_upper", "teeth_lower", "tongue"),
    "plates": ("plate_upper", "plate_lower"),
}
"""What hides the sky from what: nothing that the jaw takes away."""
_OF = {
    "teeth_upper": ("tooth", "upper"),
    "gums_upper": ("gum", "upper"),
    "teeth_lower": ("tooth", "lower"),
    "gums_lower": ("gum", "lower"),
    "tongue": ("tongue", "lower"),
    "palate": ("wall", "upper"),
    "hollow": ("wall", "walls"),
    "plate_upper": ("plate", "plates"),
    "plate_lower": ("plate", "plates"),
}
"""Of each piece: its part, and what shades it."""
_WITH_JAW = ("teeth_lower", "gums_lower", "tongue", "plate_lower")
_FAR = {"tongue": 0.16, "hollow": 0.2}
_NEAR = 0.09
"""How far off a surface still hides the sky: half of the reach of a shade that fades."""
_CERVICAL = {"teeth_upper": 0.17, "teeth_lower": 0.15}
"""Height of a crown, over which its colour goes from the neck's to the edge's."""


@frozen(eq=False)
class Piece:
    """A surface, counter-clockwise from outside, with normals that may be finer than it is."""

    points: Points
    normals: Points
    triangles: Int[np.ndarray, "triangles 3"]


def bite_pieces(assets: HeadAssets) -> dict[str, Piece]:
    """Both rows of teeth and gums, and the tongue."""
    eyes = fitted_eyes(assets, assets.base.points)
    eye_distance = float(eyes["left"].centre[0] - eyes["right"].centre[0])
    teeth, tongue = assets.teeth, assets.tongue
    fitted = head_axes(teeth.fit(assets.base.points)) / eye_distance
    meshes = {
        name: _part(teeth.mesh, np.flatnonzero(chosen[teeth.mesh.faces].all(axis=1)), fitted)
        for name, chosen in rows_of_bite(teeth).items()
    }
    rows = np.arange(len(tongue.mesh.faces))
    meshes["tongue"] = _part(
        tongue.mesh, rows, head_axes(tongue.fit(assets.base.points)) / eye_distance
    )
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


def _loose_parts(triangles: Int[np.ndarray, "triangles 3"], count: int) -> Int[np.ndarray, " _"]:
    """Which of a mesh's loose parts each of its points belongs to, counted from 0."""
    return np.unique(pieces_of(triangles, count), return_inverse=True)[1].reshape(-1)


def _part(mesh: ObjMesh, rows: Int[np.ndarray, " faces"], points: Points) -> Trimesh:
    faces, taken = part_of_mesh(mesh, rows)
    part = Trimesh(points[taken], triangles_from_quads(faces), process=False)
    part.merge_vertices()
    return part


def _incisors_edge(points: Points) -> Float[np.ndarray, "3"]:
    is_front = (np.abs(points[:, 0]) < 0.1) & (points[:, 2] > points[:, 2].max() - 0.12)
    return np.array([0.0, points[is_front, 1].min(), points[is_front, 2].max()])


def _teeth(row: Trimesh) -> list[tuple[Trimesh, int]]:
    """Cut the teeth of a row, from the head's own right to left; say how often to refine each."""
    faces = np.asarray(row.faces)
    labels = _loose_parts(faces, len(row.vertices))
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
        points=gums.points[taken], normals=gums.normals[taken], triangles=triangles.reshape(-1, 3)
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
        points=points, normals=vertex_normals(points, tongue.triangles), triangles=tongue.triangles
    )


def _in_head(piece: Piece) -> Piece:
    turn = rotation_about(X, _TILT)
    return Piece(
        points=piece.points * _ARCH @ turn.T,
        normals=unit(piece.normals / _ARCH @ turn.T),
        triangles=piece.triangles,
    )


def hollow() -> Piece:
    """Cheeks, floor and throat, seen from inside."""
    turns = np.arange(_AROUND) / _AROUND * 2 * np.pi
    x, y = (np.sign(part) * np.abs(part) ** _ROUND for part in (np.cos(turns), np.sin(turns)))
    rings = []
    steps = np.arange(0, len(_HOLLOW) - 0.75, 0.5)  # finer, for the light's sake
    sections = [np.interp(steps, np.arange(len(_HOLLOW)), column) for column in _HOLLOW.T]
    for z, wide, top, bottom in zip(*sections, strict=True):
        across = wide * x
        near = np.clip((z + 0.7) / 0.8, 0, 1)
        back = z - near * _LIPS_CURVE * np.minimum(np.abs(across), 0.8) ** 2
        rings.append(np.stack([across, np.where(y > 0, top * y, -bottom * y), back], axis=1))
    end = np.array([[0.0, -0.1, -1.40]])
    points = np.concatenate([*rings, end])
    ring, place = np.divmod(np.arange((len(rings) - 1) * _AROUND), _AROUND)
    a, b = ring * _AROUND + place, ring * _AROUND + (place + 1) % _AROUND
    sides = np.concatenate(
        [np.stack([a, a + _AROUND, b], axis=1), np.stack([b, a + _AROUND, b + _AROUND], axis=1)]
    )
    last = (len(rings) - 1) * _AROUND + np.arange(_AROUND)
    cap = np.stack([last, np.full(_AROUND, len(points) - 1), np.roll(last, -1)], axis=1)
    return _facing(points, np.concatenate([sides, cap]), np.array([0.0, 0.0, -0.5]))


def palate() -> Piece:
    """Build the vault between the upper teeth, falling to the soft palate behind."""
    across, along = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(0, 1, 15))
    z = _PALATE_FRONT + along * (_PALATE_BACK - _PALATE_FRONT)
    half = _PALATE_WIDTH * np.minimum(1, 0.45 + 1.3 * along)
    rise = np.sin(np.pi * np.clip(0.14 + 0.75 * along, 0, 1)) ** 0.7
    vault = _PALATE_LOW + (_PALATE_HIGH - _PALATE_LOW) * rise * (1 - np.abs(across) ** 2.5)
    ridges = 0.006 * np.sin(along * 70) * np.clip(1 - along / 0.45, 0, 1) * (1 - across**2)
    points = np.stack([half * across, vault + ridges, z], axis=-1).reshape(-1, 3)
    return _facing(points, _grid(*across.shape), np.array([0.0, -0.6, -0.5]))


def plate(teeth: Points, *, is_upper: bool) -> Piece:
    """Build a smooth band in place of a row of teeth, from the row's own edge and arch."""
    middle = np.array([0.0, 0.0, -0.45])
    away = teeth - middle
    turns = np.arctan2(away[:, 0], away[:, 2])
    steps = np.linspace(-1.45, 1.45, 31)
    reach = _outline(turns, np.hypot(away[:, 0], away[:, 2]), steps)
    is_front = np.abs(turns) < 0.5
    edge = np.percentile(teeth[is_front, 1], 2 if is_upper else 98)
    up = 1 if is_upper else -1
    # across the band: behind the edge, the rounded edge itself, then up its bulging front
    heights = np.array([0.10, 0.012, 0.0, 0.012, 0.05, 0.14, 0.24, _PLATE_HIGH])
    inwards = np.array([_PLATE_THICK, 0.055, 0.03, 0.012, 0.0, -0.015, -0.02, 0.0])
    radius = reach[:, None] - inwards
    points = np.stack(
        [
            radius * np.sin(steps)[:, None],
            np.broadcast_to(edge + up * heights, radius.shape),
            middle[2] + radius * np.cos(steps)[:, None],
        ],
        axis=-1,
    ).reshape(-1, 3)
    triangles = _grid(len(steps), len(heights))
    return _oriented(points, triangles if is_upper else triangles[:, ::-1])


def _outline(
    turns: PerPoint, reach: PerPoint, steps: Float[np.ndarray, " steps"]
) -> Float[np.ndarray, " steps"]:
    """Outer radius by turn: the largest near each step, as an even polynomial."""
    rims = np.array([reach[np.abs(turns - step) < 0.12].max() for step in steps])
    return np.polynomial.Polynomial.fit(steps**2, rims, 4)(steps**2)


def _grid(rows: int, columns: int) -> np.ndarray:
    row, column = np.divmod(np.arange((rows - 1) * (columns - 1)), columns - 1)
    corner = row * columns + column
    below = corner + columns
    return np.concatenate(
        [
            np.stack([corner, below, below + 1], axis=1),
            np.stack([corner, below + 1, corner + 1], axis=1),
        ]
    )


def _facing(points: Points, triangles: np.ndarray, towards: Float[np.ndarray, "3"]) -> Piece:
    """Orient the surface so that its triangles, on the whole, face a point."""
    middle = points[triangles].mean(axis=1)
    facing = (face_normals(points, triangles) * (towards - middle)).sum(axis=1)
    return _oriented(points, triangles if np.sum(facing) > 0 else triangles[:, ::-1])


def _oriented(points: Points, triangles: np.ndarray) -> Piece:
    return Piece(points=points, normals=vertex_normals(points, triangles), triangles=triangles)


@click.command()
@click.option("--makehuman", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@verbose_option
def main(makehuman: Path, out: Path) -> None:
    """Build the mouth's geometry from a folder of the CC0 head assets."""
    arrays = mouth_arrays(makehuman)
    write_arrays(out, arrays)
    vertices, triangles = len(arrays["points"]), len(arrays["triangles"])
    click.echo(f"{out}: {vertices} vertices, {triangles} triangles, {out.stat().st_size} bytes")


def mouth_arrays(makehuman: Path) -> dict[str, np.ndarray]:
    """Return what the file holds: see `reggan_plugin.rig.mouth_drawing`."""
    pieces = bite_pieces(read_assets(makehuman))
    pieces |= {
        "palate": palate(),
        "hollow": hollow(),
        "plate_upper": plate(pieces["teeth_upper"].points, is_upper=True),
        "plate_lower": plate(pieces["teeth_lower"].points, is_upper=False),
    }
    whole = joined([pieces[name] for name in _OF])
    low, high = whole.points.min(axis=0), whole.points.max(axis=0)
    columns = [_columns(pieces, name) for name in _OF]
    return {
        "bounds": np.stack([low, high]).astype(np.float32),
        "points": np.rint((whole.points - low) / (high - low) * 65535).astype(np.uint16),
        "normals": whole.normals.astype(np.float16),
        "triangles": whole.triangles.astype(np.uint16),
    } | {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}


def _columns(pieces: dict[str, Piece], name: str) -> dict[str, np.ndarray]:
    """Values at the points of one piece, as bytes."""
    points = pieces[name].points
    part, _ = _OF[name]
    tooth = np.zeros(len(points), np.int64)
    cervical = jaw = np.ones(len(points))
    if part == "tooth":
        tooth = _loose_parts(pieces[name].triangles, len(points)) + 1
        height = points[:, 1] if name == "teeth_upper" else -points[:, 1]
        edge = np.full(tooth.max() + 1, np.inf)
        np.minimum.at(edge, tooth, height)
        cervical = np.clip((height - edge[tooth]) / _CERVICAL[name], 0, 1)  # from edge to neck
        tooth += 0 if name == "teeth_upper" else tooth.max()
    if name == "hollow":
        jaw = rise(-points[:, 1], -0.27, 0.23)  # the top stays, cheeks stretch between
    elif name not in _WITH_JAW:
        jaw = np.zeros(len(points))
    return {
        "part": np.full(len(points), PARTS.index(part), np.uint8),
        "tooth": tooth.astype(np.uint8),
        "jaw": _bytes(jaw),
        "sky": _bytes(1 - _hidden(pieces, name)),
        "cervical": _bytes(cervical),
    }


def _bytes(shares: PerPoint) -> np.ndarray:
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)


def _hidden(pieces: dict[str, Piece], name: str) -> PerPoint:
    """Share of the sky over a piece's points that its neighbours hide."""
    others = [other for other in _SHADED_BY[_OF[name][1]] if other != name]
    scene = joined([pieces[name], *(pieces[other] for other in others)])
    rows = np.arange(len(pieces[name].points))
    return occlusion(scene.points, scene.triangles, rows, far=_FAR.get(name, _NEAR))


if __name__ == "__main__":
    main()
