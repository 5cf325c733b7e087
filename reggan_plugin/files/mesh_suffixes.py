"""Suffixes of the files that hold a mesh; pictures know them as what they are not."""

from pathlib import Path

from reggan_plugin.entry_points import attached

GLTF_SUFFIXES = (".glb", ".vrm", ".gltf")
USD_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
MESH_SUFFIXES = (*GLTF_SUFFIXES, ".obj", ".ply", *USD_SUFFIXES)


def is_mesh(path: Path) -> bool:
    """Tell whether a name ends like that of a mesh, one of another package's kinds included."""
    suffix = path.suffix.lower()
    return suffix in MESH_SUFFIXES or suffix[1:] in attached("meshes")
