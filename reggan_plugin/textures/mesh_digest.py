"""The SHA-256 of all files that a mesh consists of, by which `--resume` knows it again."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, USD_SUFFIXES
from reggan_plugin.jobs.fingerprint import digest_of, fingerprint
from reggan_plugin.textures.gltf.gltf_file import GltfFile, read_gltf
from reggan_plugin.textures.obj_library import files_of_obj


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


def digest_of_files(paths: Sequence[Path], known: Mapping[Path, str | None] = {}) -> str:
    """SHA-256 of the content of several files, in order; one that is not there counts as that.

    Args:
        paths: the files.
        known: SHA-256 of those that were hashed before, by path.
    """
    hashes = [known[path] if path in known else digest_of(path) for path in paths]
    return fingerprint({"files": hashes})
