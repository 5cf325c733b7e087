"""Materials of glTF: their base colour, and the images that they show."""

from pathlib import Path
from typing import Any

from reggan_plugin.limits import MOST_NAME_BYTES
from reggan_plugin.textures.character import AlphaMode, Material
from reggan_plugin.textures.files_named_by_mesh import file_of_uri
from reggan_plugin.textures.gltf.gltf_file import GltfFile, is_data

_ALPHA_MODES: dict[str, AlphaMode] = {"OPAQUE": "opaque", "MASK": "cutout", "BLEND": "blend"}


def material_from_gltf(gltf: GltfFile, index: int | None) -> Material:
    """Return the base colour of a material; an absent one is white."""
    if index is None:
        return Material(name="(none)", is_double_sided=False)
    entry = gltf.document["materials"][index]
    base = entry.get("pbrMetallicRoughness", {})
    return Material(
        name=entry.get("name", f"material {index}")[:MOST_NAME_BYTES],
        index=index,
        image=image_of_texture(gltf, base.get("baseColorTexture")),
        colour=tuple(base.get("baseColorFactor", (1.0, 1.0, 1.0, 1.0))),
        alpha_mode=_ALPHA_MODES.get(entry.get("alphaMode", "OPAQUE"), "opaque"),
        alpha_cutoff=entry.get("alphaCutoff", 0.5),
        is_double_sided=entry.get("doubleSided", False),
    )


def image_of_texture(gltf: GltfFile, info: dict[str, Any] | None) -> int | None:
    """Return the image that a textureInfo leads to; WebP and KTX2 ones by their extensions."""
    if info is None:
        return None
    texture = gltf.document["textures"][info["index"]]
    for extension in texture.get("extensions", {}).values():
        if isinstance(extension, dict) and "source" in extension:
            return int(extension["source"])
    source = texture.get("source")
    return None if source is None else int(source)


def image_path(gltf: GltfFile, index: int) -> Path | None:
    """Return the file that an image is in; None for one that is inside.

    Raises:
        MeshError: its name leads elsewhere; see `references`.
    """
    uri = gltf.document["images"][index].get("uri")
    return None if uri is None or is_data(uri) else file_of_uri(gltf.path, uri)
