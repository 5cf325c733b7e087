"""Which files a mesh consists of: what it looks like may change with each of them."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from reggan_plugin.jobs.fingerprint import digest_of, fingerprint
from reggan_plugin.textures.gltf.gltf_file import GLTF_SUFFIXES, read_gltf
from reggan_plugin.textures.mesh_files import USD_SUFFIXES
from reggan_plugin.textures.obj_library import files_of_obj


def files_of_mesh(path: Path) -> list[Path]:
    """The mesh's file and all that it names: buffers, material libraries, images, layers.

    Raises:
        MeshError: it is glTF and broken, or names what is not beside it.
    """
    suffix = path.suffix.lower()
    if suffix in GLTF_SUFFIXES:
        return [path, *read_gltf(path).files]
    if suffix == ".obj":
        return [path, *files_of_obj(path)]
    if suffix in USD_SUFFIXES and importlib.util.find_spec("pxr") is not None:
        from reggan_plugin.textures.usd_character import files_of_usd

        return [path, *files_of_usd(path)]
    return [path]


def digest_of_files(paths: Sequence[Path]) -> str:
    """SHA-256 of the content of several files, in order; one that is not there counts as that."""
    return fingerprint({"files": [digest_of(path) for path in paths]})
