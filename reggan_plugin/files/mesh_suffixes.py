"""Suffixes of the files that hold a mesh; pictures know them as what they are not."""

GLTF_SUFFIXES = (".glb", ".vrm", ".gltf")
USD_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
MESH_SUFFIXES = (*GLTF_SUFFIXES, ".obj", ".ply", *USD_SUFFIXES)
