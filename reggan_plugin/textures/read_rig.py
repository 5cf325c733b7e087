"""Read a head of the user's own, with its shapes, for the rig: its mesh, parts and colours."""

import re
import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.files.frame import given_path
from reggan_plugin.imaging.colour import srgb_from_linear
from reggan_plugin.limits import (
    MOST_RIG_POINTS,
    MOST_RIG_TRIANGLES,
    MOST_SHAPE_POINTS,
    refuse_beyond,
)
from reggan_plugin.rig.head_part import Part
from reggan_plugin.rig.own_rig import RigMesh, sides_to_look_from
from reggan_plugin.rig.own_teeth import pieces_of
from reggan_plugin.rig.template_fit import template
from reggan_plugin.textures.character import (
    DIRECTIONS,
    Character,
    MeshPart,
    NamedPart,
    Points,
    corner_values,
    name_parts,
)
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.maps.choose_map import PartMaps
from reggan_plugin.textures.read_mesh import LoadedMesh, load_mesh
from reggan_plugin.vocabulary.face_shapes import shape_from_name

Bind = tuple[int, int, float]
"""A mesh of the file, one of its morphs, and the morph's weight."""


def binds_by_shape(gltf: GltfFile | None, meshes: Iterable[MeshPart]) -> dict[str, list[Bind]]:
    """Which morphs make which ARKit shape.

    Morphs are known by their names. A shape that no morph is named after may be an expression of
    a VRM file, which names its morphs itself.

    Raises:
        MeshError: the VRM's expressions are not what the format says.
    """
    named: dict[str, list[Bind]] = {}
    for mesh, names in {m.mesh: [morph.name for morph in m.morphs] for m in meshes}.items():
        for index, name in enumerate(names):
            shape = shape_from_name(name)
            if shape is not None and mesh is not None:
                named.setdefault(shape, []).append((mesh, index, 1.0))
    if gltf is None:
        return named
    try:
        return {**_vrm_binds(gltf), **named}
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise MeshError(
            f"{gltf.path}: the VRM expressions are broken ({type(error).__name__} {error}). Export "
            "the file again."
        ) from error


def offsets_by_shape(
    binds: Mapping[str, Sequence[Bind]], meshes: Sequence[MeshPart]
) -> dict[str, Points]:
    """Offsets of all points of these meshes, one mesh after the other, by ARKit name."""
    return {
        shape: np.concatenate([_offsets(mesh, own.get(mesh.mesh, {})) for mesh in meshes])
        for shape, own in ((shape, _weights_by_mesh(wanted)) for shape, wanted in binds.items())
    }


def _at_rest(loaded: LoadedMesh) -> LoadedMesh:
    """Return a character without the face shapes that its file shows; who it is stays on."""
    character = loaded.character
    binds = binds_by_shape(loaded.gltf, character.parts)
    bound = {(owner, index) for wanted in binds.values() for owner, index, _ in wanted}
    parts = []
    for part in character.parts:
        shown = [
            morph.weight * morph.offsets
            for index, morph in enumerate(part.morphs)
            if morph.weight and (part.mesh, index) in bound
        ]
        parts.append(replace(part, positions=part.positions - sum(shown)) if shown else part)
    return replace(loaded, character=replace(character, parts=tuple(parts)))


def _weights_by_mesh(binds: Sequence[Bind]) -> dict[int | None, dict[int, float]]:
    """Weight of each morph of each mesh; a file may name one a million times."""
    weights: dict[int | None, dict[int, float]] = {}
    for owner, index, weight in binds:
        own = weights.setdefault(owner, {})
        own[index] = own.get(index, 0.0) + weight
    return weights


def _offsets(mesh: MeshPart, weights: Mapping[int, float]) -> Points:
    total = np.zeros_like(mesh.positions)
    with np.errstate(all="ignore"):  # whoever asks looks at the numbers
        for index, weight in weights.items():
            if 0 <= index < len(mesh.morphs):
                total += weight * mesh.morphs[index].offsets
    return total


def _vrm_binds(gltf: GltfFile) -> dict[str, list[Bind]]:
    """Source: VRMC_vrm 1.0 (expressions.md, morphTargetBinds); VRM 0 (blendShapeMaster)."""
    binds: dict[str, list[Bind]] = {}
    for name, entries in (*_vrm1_expressions(gltf), *_vrm0_expressions(gltf)):
        shape = shape_from_name(name)
        if shape is not None and entries:
            binds.setdefault(shape, entries)
    return binds


def _vrm1_expressions(gltf: GltfFile) -> Iterable[tuple[str, list[Bind]]]:
    nodes = gltf.list_of("nodes")
    groups: dict[str, Any] = gltf.extension("VRMC_vrm").get("expressions", {})
    for expressions in groups.values():
        for name, expression in expressions.items():
            yield (
                name,
                [
                    _bind(nodes[bind["node"]]["mesh"], bind["index"], bind.get("weight", 1.0))
                    for bind in expression.get("morphTargetBinds", [])
                ],
            )


def _vrm0_expressions(gltf: GltfFile) -> Iterable[tuple[str, list[Bind]]]:
    master: dict[str, Any] = gltf.extension("VRM").get("blendShapeMaster", {})
    for group in master.get("blendShapeGroups", []):
        yield (
            group.get("name", ""),
            [
                _bind(bind["mesh"], bind["index"], bind.get("weight", 100) / 100)
                for bind in group.get("binds", [])
            ],
        )


def _bind(mesh: Any, index: Any, weight: Any) -> Bind:
    if not (isinstance(mesh, int) and isinstance(index, int) and isinstance(weight, int | float)):
        raise TypeError(f"a bind is {(mesh, index, weight)!r:.60}")
    return mesh, index, float(weight)


_MAP_PX: Final = 1024
"""Side to which maps are averaged: the pictures that they are drawn in are smaller."""
_WELD: Final = 1e-6
"""Share of the mesh's size within which vertices are one, if they move alike."""
_BESIDE: Final = 0.01
"""Share of a moving face's size within which skin without shapes is a copy of it."""
_FARTHEST: Final = 1e6
"""Of a shape, in the file's units, as of its points."""
_UPPER_ROW: Final = re.compile(r"upper|top|maxill", re.IGNORECASE)
_LOWER_ROW: Final = re.compile(r"lower|bottom|mandib", re.IGNORECASE)
_OF_THE_INSIDE: Final = ("jaw", "eyeLook", "tongue", "mouthClose")
"""Shapes that may move eyeballs and teeth."""
_STRONG, _STILL, _ROUND = 0.1, 0.02, 0.6
"""Shares of the largest motion: of a face at least, of eyeballs and teeth at most;
least size of a ball in shares of its largest."""
_FEWEST: Final = 20
"""Points of an eyeball or of teeth."""
_BALL: Final = (0.08, 0.4)
"""Size of an eyeball in heights of what moves in a face."""
_PLACES: Final = np.array([(1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4)]) / [[3], [6], [6], [6]]
"""Barycentric coordinates at which a triangle's alpha is sampled."""


def read_rig(path: str | Path) -> RigMesh:
    """Read a head and its shapes from glTF, GLB, VRM or USD.

    Raises:
        UsageError: this is no path.
        MeshError: the file cannot be read, or is of a kind that holds no shapes.
        MissingExtraError: it is USD, whose package is not installed.
    """
    loaded = load_mesh(given_path(path), with_morphs=True)
    mesh = rig_mesh(loaded)
    if not mesh.shapes and not mesh.unknown and not loaded.holds_morphs:
        raise MeshError(
            f"{path} holds a mesh without shapes: files of this kind have none. Export it as GLB, "
            "a character with its shape keys."
        )
    return mesh


def rig_mesh(loaded: LoadedMesh) -> RigMesh:
    """Return a character's meshes as one, in the file's axes."""
    loaded = _at_rest(loaded)
    character = loaded.character
    named = sorted(_with_skin(name_parts(character.parts)), key=lambda one: not one.mesh.morphs)
    parts = [one.mesh for one in named]
    binds = binds_by_shape(loaded.gltf, parts)
    _refuse_too_large(character.path, parts, len(binds))
    offsets = offsets_by_shape(binds, parts)
    for name, moved in offsets.items():
        if not np.all(np.abs(moved) <= _FARTHEST):  # false for NaN, too
            raise MeshError(
                f"{character.path}: its shape {name} moves points by what is no number, or more "
                f"than {_FARTHEST:g}. Export it again."
            )
    colours = _Colours(loaded, parts)
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    copied = _copies(named, starts, offsets)
    kept = [
        colours.opaque(index) & ~copied[start + part.faces].all(axis=1)
        for index, (start, part) in enumerate(zip(starts, parts, strict=False))
    ]
    faces = [start + part.faces for start, part in zip(starts, parts, strict=False)]
    triangles = np.concatenate([own[shown] for own, shown in zip(faces, kept, strict=True)])
    colours.kept = [np.flatnonzero(shown) for shown in kept]
    points = np.concatenate([part.positions for part in parts])
    first, place = _welded(points, offsets)
    names = {morph.name for part in parts for morph in part.morphs if morph.name}
    shapes = {name: moved[first] for name, moved in offsets.items()}
    of_triangle = np.repeat([one.part for one in named], [len(rows) for rows in colours.kept])
    fronts = _fronts(character)
    if shapes:
        fronts = sides_to_look_from(template(), points[first], shapes, fronts)
    if not {Part.EYE, Part.TEETH} & set(of_triangle.tolist()) and shapes and fronts:
        upright = points[first] @ fronts[0].T
        of_triangle = _parts_by_form(upright, place[triangles], of_triangle, shapes)
    return RigMesh(
        name=str(character.path),
        points=points[first],
        triangles=place[triangles],
        parts=of_triangle,
        rows_of_teeth=np.repeat(
            [_row_of_teeth(one.mesh) for one in named], [len(rows) for rows in colours.kept]
        ),
        shapes=shapes,
        unknown=tuple(sorted(name for name in names if shape_from_name(name) is None)),
        fronts=fronts,
        colours=colours,
    )


def _parts_by_form(
    points: Points,
    triangles: Int[np.ndarray, "triangles 3"],
    parts: Int[np.ndarray, " triangles"],
    shapes: Mapping[str, Points],
) -> Int[np.ndarray, " triangles"]:
    """Tell eyeballs and teeth in a head that is one mesh with one material, by its pieces.

    The piece that the shapes move most is the face. Pieces within it that no shape but the jaw's
    and those of gaze and tongue moves are eyeballs, if they are balls, or lie in its mouth.

    Args:
        points: upright: to the head's left, up, to the front.
        triangles: rows of the points.
        parts: of the triangles, by names.
        shapes: offsets of the points.
    """
    skin = triangles[parts == Part.SKIN]
    piece = pieces_of(skin, len(points))
    own = {name: moved for name, moved in shapes.items() if not name.startswith(_OF_THE_INSIDE)}
    motion = sum((np.abs(moved).max(axis=1) for moved in own.values()), np.zeros(len(points)))
    if not skin.size or not motion.any():
        return parts
    face = piece[int(motion.argmax())]
    strong = (piece == face) & (motion > _STRONG * motion.max())
    low, high = points[strong].min(axis=0), points[strong].max(axis=0)
    height, result = high[1] - low[1], parts.copy()
    used = np.unique(skin)
    used = used[np.argsort(piece[used], kind="stable")]
    for rows in np.split(used, np.flatnonzero(np.diff(piece[used])) + 1):
        one, size = piece[rows[0]], np.ptp(points[rows], axis=0)
        if one == face or len(rows) < _FEWEST or motion[rows].max() > _STILL * motion.max():
            continue
        middle = (points[rows].min(axis=0) + points[rows].max(axis=0)) / 2
        if not ((low <= middle) & (middle <= high))[:2].all() or middle[2] > high[2]:
            continue
        is_ball = size.min() > _ROUND * size.max() and _BALL[0] < size.max() / height < _BALL[1]
        in_mouth = middle[1] < (low[1] + high[1]) / 2
        part = Part.TEETH if in_mouth else Part.EYE if is_ball else None
        if part is not None:
            result[(parts == Part.SKIN) & (piece[triangles[:, 0]] == one)] = part
    return result


def _copies(
    named: Sequence[NamedPart], starts: Int[np.ndarray, " starts"], offsets: Mapping[str, Points]
) -> Bool[np.ndarray, " points"]:
    """Return points of skin without shapes where skin with shapes is: a head of less detail, or
    one that casts shadows. It would hold the face still.
    """
    points = np.concatenate([one.mesh.positions for one in named])
    moves = np.zeros(len(points), bool)
    for moved in offsets.values():
        moves |= moved.any(axis=1)
    skin, still = np.zeros(len(points), bool), np.zeros(len(points), bool)
    for start, one in zip(starts, named, strict=False):
        own = slice(start, start + len(one.mesh.positions))
        skin[own] = one.part == Part.SKIN
        still[own] = skin[own] & ~moves[own].any()
    face = points[skin & moves]
    if not still.any() or not len(face):
        return np.zeros(len(points), bool)
    cell = max(float(np.ptp(face, axis=0).max()), 1e-12) * _BESIDE
    low = face.min(axis=0)
    places = np.floor((face - low) / cell).astype(np.int64)
    around = np.stack(np.meshgrid(*3 * [[-1, 0, 1]]), axis=-1).reshape(-1, 3)
    table = np.zeros(places.max(axis=0) + 3, bool)
    for step in around:
        table[tuple((places + 1 + step).T)] = True
    at = np.floor((points - low) / cell) + 1
    rows = np.flatnonzero(still & (at >= 0).all(axis=1) & (at < table.shape).all(axis=1))
    still[:] = False
    still[rows] = table[tuple(at[rows].astype(np.int64).T)]
    return still


def _refuse_too_large(path: Path, parts: Sequence[MeshPart], shapes: int) -> None:
    """Refuse a head that would take all memory, or minutes.

    Raises:
        MeshError: it has too many points or triangles.
    """
    points = sum(len(part.positions) for part in parts)
    triangles = sum(len(part.faces) for part in parts)
    try:
        refuse_beyond(points, MOST_RIG_POINTS, "points")
        refuse_beyond(triangles, MOST_RIG_TRIANGLES, "triangles")
        refuse_beyond(points * (1 + shapes), MOST_SHAPE_POINTS, "points in all shapes together")
    except ValueError as error:
        raise MeshError(
            f"{path} is too large for a rig: {error}. Export the head alone, or with fewer points."
        ) from error


def _with_skin(named: Sequence[NamedPart]) -> Sequence[NamedPart]:
    """Return the parts, one of them skin: if no name says which, that of most points with
    morphs.
    """
    moving = [k for k, one in enumerate(named) if one.mesh.morphs]
    if not moving or any(one.part == Part.SKIN for one in named):
        return named
    most = max(moving, key=lambda k: len(named[k].mesh.positions))
    return [NamedPart(one.mesh, Part.SKIN) if k == most else one for k, one in enumerate(named)]


def _row_of_teeth(mesh: MeshPart) -> int:
    """1 for an upper row by the names that artists give, -1 for a lower one, 0 for neither."""
    name = f"{mesh.name} {mesh.material.name}"
    return bool(_UPPER_ROW.search(name)) - bool(_LOWER_ROW.search(name))


def _welded(
    points: Float[np.ndarray, "points 3"], offsets: Mapping[str, Float[np.ndarray, "points 3"]]
) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " points"]]:
    """Return the first of all vertices in one place that move alike, and for each its number.

    Parts with shapes come before those without, which would hold them still. Maps
    double vertices at their seams; lips that touch are two all the same, as the jaw parts them.
    """
    size = max(float(np.ptp(points, axis=0).max()), 1e-12) * _WELD
    moved = [offsets[name] for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
             if name in offsets]  # fmt: skip
    table = np.round(np.concatenate([points, *moved], axis=1) / size).astype(np.int64)
    _, first, place = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return first, place.ravel()


def _fronts(character: Character) -> tuple[Float[np.ndarray, "3 3"], ...]:
    axes = []
    for front, up in character.fronts:
        upward, forward = DIRECTIONS[up], DIRECTIONS[front]
        axes.append(np.stack([np.cross(upward, forward), upward, forward]))
    return tuple(axes)


class _Colours:
    """Colours of a character's base colour maps, at places on its triangles.

    Attributes:
        kept: for each part the rows of its triangles that are drawn.
    """

    def __init__(self, loaded: LoadedMesh, parts: Sequence[MeshPart]) -> None:
        scratch = mkdtemp()  # of maps inside the file, until this goes
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self._maps = PartMaps(loaded, Path(scratch))
        own = {id(part): index for index, part in enumerate(loaded.character.parts)}
        self._parts = [(own[id(part)], part) for part in parts]
        self.kept: list[Int[np.ndarray, " drawn"]] = []

    def opaque(self, index: int) -> Bool[np.ndarray, " faces"]:
        """Triangles of a part that are not transparent; cards of lashes are cut by them."""
        place, part = self._parts[index]
        texture = None if part.material.alpha_mode == "opaque" else self._maps.map_of(place)
        if texture is None or part.uv is None:
            shown = part.material.alpha_mode == "opaque" or part.material.colour[3] >= 0.5
            return np.full(len(part.faces), shown)
        corners = part.uv[part.faces]
        alphas = [texture.shown(np.einsum("k,fkc->fc", at, corners))[1] for at in _PLACES]
        return np.mean(alphas, axis=0) * part.material.colour[3] >= 0.5

    def __call__(
        self, rows: Int[np.ndarray, " places"], weights: Float[np.ndarray, "places 3"]
    ) -> Float[np.ndarray, "places 3"]:
        """sRGB-encoded colours at places on drawn triangles."""
        colours = np.empty((len(rows), 3), np.float32)
        starts = np.cumsum([0, *(len(kept) for kept in self.kept)])
        for start, kept, (place, part) in zip(starts, self.kept, self._parts, strict=False):
            here = np.flatnonzero((rows >= start) & (rows < start + len(kept)))
            texture = self._maps.map_of(place) if len(here) else None
            if texture is None or part.uv is None:
                tint = np.array(part.material.colour[:3], np.float32)
                colours[here] = np.clip(srgb_from_linear(tint), 0, 1)
                continue
            uv = corner_values(part.uv, part.faces, kept[rows[here] - start], weights[here])
            reduction = max(1, texture.largest_side_px // _MAP_PX)
            colours[here] = texture.shown(uv, reduction)[0]
        return colours
