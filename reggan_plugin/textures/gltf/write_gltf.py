"""A glTF, GLB or VRM file with changed maps: in their place, or as material variants."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reggan_plugin.textures.gltf.edit import GltfEdit, texture_infos
from reggan_plugin.textures.gltf.gltf_file import GltfFile

_VARIANTS = "KHR_materials_variants"


def write_replaced(gltf: GltfFile, image: int, content: bytes, suffix: str, out: Path) -> None:
    """Write the file with another picture in an image's place.

    Raises:
        UsageError, OutputError: see `GltfEdit.write`.
    """
    edit = GltfEdit(gltf)
    edit.replace_image(image, content, suffix)
    edit.write(out)


def write_variants(
    gltf: GltfFile, image: int, contents: Mapping[str, bytes], suffix: str, out: Path
) -> None:
    """Write the file with one material variant for each expression; it looks as before.

    Args:
        gltf: the source.
        image: the base colour map that the expressions change.
        contents: by expression, the encoded map.
        suffix: of these pictures.
        out: the file to write.

    Raises:
        UsageError, OutputError: see `GltfEdit.write`.
    """
    edit = GltfEdit(gltf)
    originals = edit.materials_showing(image)
    listed = _listed_variants(edit)
    for name, content in contents.items():
        new = edit.add_image(content, suffix, f"{_name_of(gltf, image)}_{name}")
        listed.append({"name": name})
        for original in originals:
            _map_variant(edit, original, _copied_material(edit, original, image, new, name), listed)
    edit.use_extension(_VARIANTS)
    edit.write(out)


def _listed_variants(edit: GltfEdit) -> list[dict[str, Any]]:
    extension = edit.document.setdefault("extensions", {}).setdefault(_VARIANTS, {})
    listed: list[dict[str, Any]] = extension.setdefault("variants", [])
    return listed


def _copied_material(edit: GltfEdit, original: int, image: int, new: int, name: str) -> int:
    """Return a material with the new image wherever it had the old one, shade maps included."""
    material = copy.deepcopy(edit.document["materials"][original])
    material["name"] = f"{material.get('name', 'material')}_{name}"
    textures: dict[int, int] = {}
    for info in texture_infos(material):
        if edit.image_of(info) == image:
            old = info["index"]
            if old not in textures:
                textures[old] = edit.add_texture(old, new)
            info["index"] = textures[old]
    return edit.add_material(material)


def _map_variant(
    edit: GltfEdit, original: int, material: int, listed: list[dict[str, Any]]
) -> None:
    """Let every primitive of a material wear another one in the variant listed last."""
    for mesh in edit.document["meshes"]:
        for primitive in mesh["primitives"]:
            if primitive.get("material") == original:
                extension = primitive.setdefault("extensions", {}).setdefault(_VARIANTS, {})
                mapping = {"material": material, "variants": [len(listed) - 1]}
                extension.setdefault("mappings", []).append(mapping)


def _name_of(gltf: GltfFile, image: int) -> str:
    return str(gltf.document["images"][image].get("name", "base_color"))
