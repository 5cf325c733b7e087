"""Reads a character from glTF, GLB, VRM, OBJ, PLY or USD."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.errors import MeshError, MissingExtraError
from reggan_plugin.textures.character import Character, Material, MeshPart
from reggan_plugin.textures.gltf.character import character_from_gltf
from reggan_plugin.textures.gltf.gltf_file import GLTF_SUFFIXES, GltfFile, read_bytes, read_gltf
from reggan_plugin.textures.obj_library import image_of_material

USD_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
MESH_SUFFIXES = (*GLTF_SUFFIXES, ".obj", ".ply", *USD_SUFFIXES)
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


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedMesh:
    """A character, and the glTF file that it was read from."""

    character: Character
    gltf: GltfFile | None = None


def load_mesh(path: Path) -> LoadedMesh:
    """Read a mesh file by the ending of its name.

    Raises:
        MeshError: it cannot be read, is broken or empty, or is of another kind.
        MissingExtraError: it is USD, whose package is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in GLTF_SUFFIXES:
        gltf = read_gltf(path)
        return LoadedMesh(character=character_from_gltf(gltf), gltf=gltf)
    if suffix in (".obj", ".ply"):
        return LoadedMesh(character=_by_trimesh(path))
    if suffix in USD_SUFFIXES:
        if importlib.util.find_spec("pxr") is None:
            raise MissingExtraError(
                f"{path} is USD, which needs usd-core: pip install usd-core. Or export it as GLB."
            )
        from reggan_plugin.textures.usd_character import character_from_usd

        return LoadedMesh(character=character_from_usd(path))
    raise MeshError(
        f"{path} is of a kind that is not read. Give the mesh as one of {', '.join(MESH_SUFFIXES)}."
    )


def _by_trimesh(path: Path) -> Character:
    import trimesh

    read_bytes(path)  # a missing file in our own words
    try:
        scene = trimesh.load_scene(path, process=False)
        geometries = scene.dump()
    except Exception as error:
        cause = str(error).strip() or type(error).__name__
        raise MeshError(f"{path} is broken: {cause}. Export it again.") from error
    parts = tuple(_part(path, mesh) for mesh in geometries if hasattr(mesh, "faces"))
    parts = tuple(part for part in parts if len(part.faces))
    if not parts:
        raise MeshError(f"{path} holds no triangles. Export the mesh with its faces.")
    return Character(path=path, parts=parts, fronts=_ANY_WAY_UP)


def _part(path: Path, mesh: Any) -> MeshPart:
    visual = mesh.visual
    uv, material = getattr(visual, "uv", None), getattr(visual, "material", None)
    name = str(getattr(material, "name", None) or mesh.metadata.get("name", path.stem))
    colour = (1.0, 1.0, 1.0, 1.0)
    image = getattr(material, "image", None)
    file = None if image is None else image_of_material(path, name)
    if image is None and material is not None and hasattr(material, "diffuse"):
        straight = np.asarray(material.diffuse, dtype=float)[:3] / 255
        colour = (float(straight[0]), float(straight[1]), float(straight[2]), 1.0)
    return MeshPart(
        name=str(mesh.metadata.get("name", name)),
        material=Material(name=name, image=file, colour=colour),
        positions=np.asarray(mesh.vertices, dtype=float),
        faces=np.asarray(mesh.faces, dtype=np.int64),
        uv=None if uv is None or not len(uv) else np.asarray(uv, dtype=float)[:, :2],
    )
