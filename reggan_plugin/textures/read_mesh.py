"""Reads a character from glTF, GLB, VRM, OBJ, PLY or USD, and says which files it consists of."""

import importlib.util
import io
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.child_process import run_apart
from reggan_plugin.entry_points import attached, attached_faults, expect_type, load_attached
from reggan_plugin.errors import MeshError, MissingExtraError, RegganError
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, MESH_SUFFIXES, USD_SUFFIXES, is_mesh
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import (
    MOST_LIBRARIES,
    MOST_LIBRARY_BYTES,
    MOST_NAME_BYTES,
    MOST_PARTS,
    refuse_beyond,
)
from reggan_plugin.textures.character import (
    DIRECTIONS,
    AlphaMode,
    Character,
    Material,
    MeshPart,
    Morph,
    with_outward_faces,
)
from reggan_plugin.textures.files_named_by_mesh import file_of_name, read_file, refuse_many_files
from reggan_plugin.textures.gltf.gltf_character import character_from_gltf
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf
from reggan_plugin.textures.maps.texture_files import tiles_of_map


def files_of_mesh(path: Path, gltf: GltfFile | None = None) -> list[Path]:
    """Return the mesh's file and all that it names: buffers, material libraries, images, layers.

    Args:
        path: the mesh.
        gltf: what is in it, if it is glTF and was read before.

    Raises:
        MeshError: it is glTF and broken, or names what is not beside it.
    """
    suffix = path.suffix.lower()
    if suffix in GLTF_SUFFIXES:
        return [path, *(gltf or read_gltf(path)).files]
    if suffix == ".obj":
        return [path, *files_of_obj(path)]
    if suffix in USD_SUFFIXES and importlib.util.find_spec("pxr") is not None:
        from reggan_plugin.textures.usd_character import files_of_usd

        return [path, *files_of_usd(path)]
    return [path]


_LOG = logging.getLogger(__name__)


_ANY_WAY_UP = (
    ("+Z", "+Y"),
    ("-Y", "+Z"),
    ("-Z", "+Y"),
    ("+Y", "+Z"),
    ("+X", "+Y"),
    ("-X", "+Y"),
    ("+X", "+Z"),
    ("-X", "+Z"),
)
"""Neither OBJ nor PLY says which way is up."""
_FARTHEST, _FARTHEST_UV = 1e6, 1e5
"""In the file's own units, and in repetitions of the map: beyond, floats have no detail left."""
_MAP_OPTIONS = re.compile(
    r"(?:-mm\s+\S+\s+\S+\s+|-[ost](?:\s+[-+.\d][-+.\de]*){1,3}\s+"
    r"|-(?!(?:mm|o|s|t)\s)[a-z]\w*\s+\S+\s+)*",
    re.IGNORECASE,
)
"""Before a map's name in a library; all but these four have one value."""
_PLACING = re.compile(r"-([os])((?:\s+[-+.\d][-+.\de]*){1,3})\s", re.IGNORECASE)
_MOST_SHOWN = 3
"""Missing maps that are named."""


@frozen(eq=False)
class LoadedMesh:
    """A character, and the glTF file that it was read from."""

    character: Character
    gltf: GltfFile | None = None
    notices: tuple[str, ...] = ()
    """What is wrong with parts that may not be on the face."""

    @property
    def holds_morphs(self) -> bool:
        """Whether files of its kind may hold shapes."""
        return self.character.path.suffix.lower() in (*GLTF_SUFFIXES, *USD_SUFFIXES)


def load_mesh(path: Path, *, gltf: GltfFile | None = None, with_morphs: bool = False) -> LoadedMesh:
    """Read a mesh file by the ending of its name.

    Args:
        path: the file.
        gltf: what is in it, if it is glTF and was read before.
        with_morphs: whether morph targets of glTF, or blend shapes of USD, are read, too.

    Raises:
        MeshError: it cannot be read, is broken or empty, or is of another kind.
        MissingExtraError: it is USD, whose package is not installed.
    """
    loaded = _load(path, gltf, with_morphs)
    _check_geometry(loaded.character)
    character = replace(loaded.character, parts=with_outward_faces(loaded.character.parts))
    loaded = replace(loaded, character=character)
    broken = [
        place
        for place, part in enumerate(character.parts)
        if part.uv is not None and not _is_within(part.uv, _FARTHEST_UV)
    ]
    if not broken:
        return loaded
    parts = [
        replace(part, uv=None) if place in broken else part
        for place, part in enumerate(character.parts)
    ]
    names = ", ".join(repr(character.parts[place].name[:80]) for place in broken)
    found = f"{names} has UVs that are no numbers, or beyond {_FARTHEST_UV:g}; they are left out"
    return replace(
        loaded, character=replace(character, parts=tuple(parts)), notices=(*loaded.notices, found)
    )


def _load(path: Path, gltf: GltfFile | None, with_morphs: bool) -> LoadedMesh:
    suffix = path.suffix.lower()
    if suffix in GLTF_SUFFIXES:
        gltf = gltf or read_gltf(path)
        return LoadedMesh(character=character_from_gltf(gltf, with_morphs=with_morphs), gltf=gltf)
    if suffix in (".obj", ".ply"):
        return LoadedMesh(character=_by_trimesh(path))
    if suffix in USD_SUFFIXES:
        if importlib.util.find_spec("pxr") is None:
            raise MissingExtraError(
                f"{path} is USD, which needs usd-core: pip install usd-core. Or export it as GLB."
            )
        from reggan_plugin.textures.usd_character import character_from_usd

        return LoadedMesh(character=character_from_usd(path, with_morphs=with_morphs))
    if is_mesh(path):  # another package's
        with attached_faults(
            "meshes", suffix[1:], unread=f"{path} is not read: ", error_type=MeshError
        ):
            character = expect_type(load_attached("meshes", suffix[1:])(path), Character)
            _check_fields(character)
            _check_geometry(character)
        return LoadedMesh(character=character)
    kinds = (*MESH_SUFFIXES, *(f".{name}" for name in attached("meshes")))
    raise MeshError(
        f"{path} is of a kind that is not read. Give the mesh as one of {', '.join(kinds)}."
    )


def _by_trimesh(path: Path) -> Character:
    named = maps_of_obj(path) if path.suffix.lower() == ".obj" else {}
    maps = {material: file for material, (file, _) in named.items()}
    found = run_apart(f"{__name__}:parts_by_trimesh", str(path), file=path)
    if not found:
        raise MeshError(f"{path} holds no triangles. Export the mesh with its faces.")
    for part, own in found:
        if part["uv"] is not None and own["name"] in named:
            part["uv"] = _placed(part["uv"], named[own["name"]][1])
    parts = [MeshPart(**part, material=_material(**own, maps=maps)) for part, own in found]
    return Character(path=path, parts=tuple(parts), fronts=_ANY_WAY_UP)


def _placed(uv: Float[np.ndarray, "points 2"], options: str) -> Float[np.ndarray, "points 2"]:
    """Return UVs scaled and moved as a library says before a map's name."""
    scale, offset = np.ones(2), np.zeros(2)
    for letter, text in _PLACING.findall(options):
        with suppress(ValueError):  # what is no number is passed over
            values = [float(word) for word in text.split()[:2]]
            (scale if letter in "sS" else offset)[: len(values)] = values
    return uv * scale + offset


def _material(
    name: str, diffuse: list[float] | None, maps: Mapping[str, Path], *, has_image: bool
) -> Material:
    file, colour = maps.get(name), (1.0, 1.0, 1.0, 1.0)
    if file is None and not has_image and diffuse is not None:
        colour = (*(diffuse[0], diffuse[1], diffuse[2]), 1.0)
    return Material(name=name[:MOST_NAME_BYTES], image=file, colour=colour)


def parts_by_trimesh(file: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Fields of each `MeshPart`, and of its material, in plain values; called in a child."""
    import trimesh

    path = Path(file)
    content, suffix = read_file(path), path.suffix.lower().removeprefix(".")
    is_obj = suffix == "obj"
    try:
        if is_obj:
            content = _with_absolute_corners(_as_utf8(content))
            groups = len(re.findall(rb"^[ \t]*(?:g|o|usemtl)\b", content, re.MULTILINE))
            refuse_beyond(groups, MOST_PARTS, "groups")
    except ValueError as error:
        raise MeshError(f"{path} is broken: {error}. Export it again.") from error
    try:
        scene = trimesh.load_scene(
            io.BytesIO(content),
            suffix,
            resolver=_LibrariesBeside(path),
            process=False,
            skip_materials=not is_obj,
        )
        geometries = scene.dump()
    except MemoryError:
        raise
    except Exception as error:
        is_ours = isinstance(error, RegganError | OSError)
        cause = str(error) if is_ours else f"it is cut off, or no file of the kind {suffix}"
        raise MeshError(f"{path} is broken: {cause}. Export it again.") from error
    return [_plain_part(path, mesh) for mesh in geometries if len(getattr(mesh, "faces", ()))]


def _as_utf8(text: bytes) -> bytes:
    """Encode a text anew, which some programs write in Latin-1, with a byte order mark or tabs."""
    text = text.replace(b"\t", b" ")  # which trimesh takes for letters of a name
    try:
        return text.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()


def _with_absolute_corners(obj: bytes) -> bytes:
    """Count from the first point what faces count back from themselves; trimesh counts it back from
    the last point of the file.

    Raises:
        ValueError: a corner is no number, or before the first point.
    """
    if not re.search(rb"^[ \t]*f\b[^\n]*-", obj, re.MULTILINE):
        return obj
    counts = {b"v": 0, b"vt": 0, b"vn": 0}

    def place_of(word: bytes, count: int) -> bytes:
        if not word.startswith(b"-"):
            return word
        if not 1 <= -int(word) <= count:
            raise ValueError(f"a face counts {-int(word)} back, from {count} before it")
        return b"%d" % (count + 1 + int(word))

    lines = obj.splitlines()
    for at, line in enumerate(lines):
        key, *corners = line.split() or [b""]
        if key in counts:
            counts[key] += 1
        elif key == b"f" and b"-" in line:
            words = (corner.split(b"/") for corner in corners)
            places = (b"/".join(map(place_of, own, counts.values())) for own in words)
            lines[at] = b" ".join([key, *places])
    return b"\n".join(lines)


def _plain_part(path: Path, mesh: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    visual = mesh.visual
    uv, material = getattr(visual, "uv", None), getattr(visual, "material", None)
    name = str(getattr(material, "name", None) or mesh.metadata.get("name", path.stem))
    diffuse = getattr(material, "diffuse", None)
    return {
        "name": str(mesh.metadata.get("name", name))[:MOST_NAME_BYTES],
        "positions": _columns(path, mesh.vertices, 3, "points"),
        "faces": np.asarray(mesh.faces, dtype=np.int64),
        "uv": None if uv is None or not len(uv) else _columns(path, uv, 2, "UVs"),
    }, {
        "name": name,
        "diffuse": None if diffuse is None else [float(one) / 255 for one in diffuse[:3]],
        "has_image": getattr(material, "image", None) is not None,
    }


def _columns(path: Path, values: Any, count: int, what: str) -> Float[np.ndarray, "points axes"]:
    """Return the first coordinates of points or UVs, of which some programs write more.

    Raises:
        MeshError: there are fewer than `count`.
    """
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or table.shape[1] < count:
        raise MeshError(f"{path} has {what} of fewer than {count} coordinates. Export it again.")
    return table[:, :count]


class _LibrariesBeside:
    """Gives trimesh the material libraries of an OBJ; pictures are read elsewhere."""

    def __init__(self, mesh: Path) -> None:
        self._mesh = mesh

    def get(self, name: str) -> bytes:
        """Return the content of a library.

        Raises:
            FileNotFoundError: it does not count, or is a picture.
        """
        if not name.lower().endswith(".mtl"):
            raise FileNotFoundError(name)
        try:
            return _as_utf8(read_file(file_of_name(self._mesh, name), MOST_LIBRARY_BYTES))
        except MeshError as error:
            raise FileNotFoundError(name) from error

    __getitem__ = get


def _check_geometry(character: Character) -> None:
    """Refuse what no picture can be taken of.

    Raises:
        MeshError: a point is nowhere or out of reach, or a triangle has corners that are not there.
    """
    if not any(len(part.faces) for part in character.parts):
        raise MeshError(f"{character.path} holds no triangles. Export the mesh with its faces.")
    for part in character.parts:
        fault = None
        if not _is_within(part.positions, _FARTHEST):
            fault = f"points that are no numbers, or farther than {_FARTHEST:g} from the origin"
        elif len(part.faces) and not 0 <= part.faces.min() <= part.faces.max() < len(
            part.positions
        ):
            fault = f"triangles of points beyond its {len(part.positions)}"
        if fault:
            raise MeshError(
                f"{character.path}: part {part.name[:80]!r} has {fault}. Export it again."
            )


def _check_fields(character: Character) -> None:
    """Refuse a character of another package whose fields are not what they say.

    Raises:
        TypeError, ValueError: one is not.
    """
    expect_type(character.path, Path)
    for table in (character.node_names, character.node_parents):
        if not isinstance(table, Mapping):
            raise TypeError(f"it gives {type(table).__name__} in place of nodes by their number")
        for node in table:
            expect_type(node, int)
    for text in character.node_names.values():
        expect_type(text, str)
    for parent in character.node_parents.values():
        expect_type(parent, int)
    if character.head_node is not None:
        expect_type(character.head_node, int)
    for front in expect_type(character.fronts, tuple):
        if len(expect_type(front, tuple)) != 2 or not set(front) <= set(DIRECTIONS):
            raise ValueError(f"it faces {front!r}; expected two axes, such as ('+Z', '+Y')")
    for part in expect_type(character.parts, tuple):
        _check_part(expect_type(part, MeshPart))


def _check_part(part: MeshPart) -> None:
    """Refuse a part whose fields, or arrays' shapes and types, are not what they say.

    Raises:
        TypeError, ValueError: one is not.
    """
    expect_type(part.name, str)
    material = expect_type(part.material, Material)
    expect_type(material.name, str)
    if material.image is not None:
        expect_type(material.image, Path)
    numbers = np.array([*expect_type(material.colour, tuple), material.alpha_cutoff], float)
    if len(numbers) != 5 or not np.isfinite(numbers).all():
        raise ValueError(f"its material {material.name[:80]!r} has no colour of four numbers")
    if material.alpha_mode not in get_args(AlphaMode):
        raise ValueError(f"its material {material.name[:80]!r} has no known way of alpha")
    points = len(expect_type(part.positions, np.ndarray))
    if part.node is not None:
        node = expect_type(part.node, np.ndarray)
        if node.shape != (points,) or node.dtype.kind not in "iu":
            raise ValueError(f"its node is {node.dtype} {node.shape}, not one for each point")
    for morph in expect_type(part.morphs, tuple):
        offsets = expect_type(expect_type(morph, Morph).offsets, np.ndarray)
        expect_type(morph.name, str)
        if offsets.shape != part.positions.shape or offsets.dtype.kind != "f":
            raise ValueError(f"its morph {morph.name[:80]!r} is {offsets.dtype} {offsets.shape}")
    arrays = {"positions": (part.positions, 3, "f"), "faces": (part.faces, 3, "iu")}
    if part.uv is not None:
        arrays["uv"] = (part.uv, 2, "f")
    for name, (given, width, kinds) in arrays.items():
        values = expect_type(given, np.ndarray)
        if values.ndim != 2 or values.shape[1] != width or values.dtype.kind not in kinds:
            raise ValueError(f"its {name} are {values.dtype} {values.shape}, not of {width} a row")
    if part.uv is not None and len(part.uv) != len(part.positions):
        raise ValueError(f"it has {len(part.positions)} positions and {len(part.uv)} uv")


def _is_within(values: Float[np.ndarray, "points axes"], limit: float) -> bool:
    return bool(np.all(np.abs(values) <= limit))  # false for NaN, too


def maps_of_obj(path: Path) -> dict[str, tuple[Path, str]]:
    """Return the colour map of each material, of those that are there, and the options before its
    name.
    """
    found: dict[str, tuple[Path, str]] = {}
    missing: dict[str, None] = {}
    for library in _libraries(path, says=True):
        for material, file, options in _maps_in(path, library, says=True):
            if tiles_of_map(path, file):
                found.setdefault(material, (file, options))
            else:
                missing[str(file)] = None
    if missing:
        some = ", ".join([*missing][:_MOST_SHOWN]) + (", …" if len(missing) > _MOST_SHOWN else "")
        _LOG.warning("%s names maps which are not there: %s", path, some)
    return found


def files_of_obj(path: Path) -> list[Path]:
    """Return the libraries that an OBJ names, and the colour maps that these name."""
    libraries = _libraries(path)
    maps = dict.fromkeys(file for library in libraries for _, file, _ in _maps_in(path, library))
    return [*libraries, *(one for file in maps for one in tiles_of_map(path, file) or [file])]


def _maps_in(mesh: Path, library: Path, *, says: bool = False) -> Iterator[tuple[str, Path, str]]:
    """Material and file of every colour map that a library names, and that may be read; and the
    options before its name.
    """
    material, known = "", dict[str, list[Path]]()
    for line in _lines(library, MOST_LIBRARY_BYTES):
        key, _, value = line.strip().partition(" ")
        if key == "newmtl":
            material = value.strip()
        elif key.lower() == "map_kd" and value.strip():
            name = _MAP_OPTIONS.sub("", value.strip(), count=1)
            options = value.strip().removesuffix(name)
            if name not in known:
                refuse_many_files(mesh, len(known) + 1)
                known[name] = _named(mesh, name, says=says)
            yield from ((material, file, options) for file in known[name])


def _libraries(path: Path, *, says: bool = False) -> list[Path]:
    words = (line.strip().partition(" ") for line in _lines(path))
    names = dict.fromkeys(name.strip() for key, _, name in words if key == "mtllib")
    if len(names) > MOST_LIBRARIES:
        raise MeshError(
            f"{path} names {len(names):,} material libraries, of at most {MOST_LIBRARIES}. The "
            "file is broken; export it again."
        )
    found = [file for name in names for file in _named(path, name, says=says)]
    for file in found if says else ():
        if not file.is_file():
            _LOG.warning("%s names the materials %s, which are not there", path, file)
    return found


def _named(mesh: Path, name: str, *, says: bool) -> list[Path]:
    """Return the file of a name; none where it does not count, as libraries of other machines
    have, and say that if `says`.
    """
    try:
        file = file_of_name(mesh, name)
        tiles_of_map(mesh, file)  # which may lead elsewhere, each
        return [file]
    except MeshError as error:
        if says:
            _LOG.warning("%s", error)
        return []


def _lines(path: Path, most_bytes: int | None = None) -> list[str]:
    """Of a text file, or of its beginning; none if it cannot be read."""
    with suppress(MeshError):
        text = read_file(path, most_bytes).decode("utf-8", "replace")
        return text.replace("\t", " ").splitlines()
    return []
