"""A VRM 1.0 file whose expressions move the UVs over an atlas of maps.

Source: VRMC_vrm 1.0, expressions.md, TextureTransformBind: all maps of a material that are laid
by UVs take the same scale and offset. So every one of them becomes an atlas, those that no
expression changes with the same picture in each cell.
"""

import io
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.errors import MeshError, TextureError, UnreadableFrameError, UsageError
from reggan_plugin.files.image_format import library_faults
from reggan_plugin.limits import MOST_POINTS
from reggan_plugin.textures.gltf.add_textures import GltfEdit, materials_showing, texture_infos
from reggan_plugin.textures.gltf.gltf_file import (
    GltfFile,
    image_of_texture,
    image_path,
    read_accessor,
)
from reggan_plugin.textures.maps.texture_files import image_bytes
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, ExpressionMix

LARGEST_ATLAS_PX = 8192
_TRANSFORM = "KHR_texture_transform"
_PRESETS = {
    ExpressionMix({name: 1.0}).label: expression.vrm_preset
    for name, expression in NAMED_EXPRESSIONS.items()
    if expression.vrm_preset
}
"""By the label that files have."""
_TEXTURE_BINDS = "textureTransformBinds"
_BINDS = ("morphTargetBinds", "materialColorBinds", _TEXTURE_BINDS)
_OUTSIDE = 1e-3


def write_atlas(
    gltf: GltfFile, image: int, contents: Mapping[str, bytes], out: Path
) -> tuple[str, ...]:
    """Write the file with the maps as atlases and an expression for each; it looks as before.

    An expression that has binds of its own keeps them; the texture then is a custom one of another
    name.

    Args:
        gltf: a VRM 1.0 file.
        image: the base colour map.
        contents: by expression, the encoded map.
        out: the file to write.

    Returns:
        What the user should know.

    Raises:
        UsageError: the file is not VRM 1.0, or its UVs do not fit an atlas.
        OutputError: it cannot be written.
    """
    check_takes_atlas(gltf, image)
    edit, materials = GltfEdit(gltf), materials_showing(gltf, image)
    columns = math.ceil(math.sqrt(len(contents) + 1))
    atlases = _Atlases(edit, gltf, image, list(contents.values()), columns)
    for material in materials:
        atlases.use_in(edit.document["materials"][material])
        _shrink_binds(edit.document["extensions"]["VRMC_vrm"], material, columns, gltf)
    edit.use_extension(_TRANSFORM)
    notices = list(atlases.notices)
    for cell, name in enumerate(contents, start=1):
        place = cell % columns, cell // columns
        notices += _add_expression(edit, name, materials, place, columns)
    edit.write(out)
    return tuple(notices)


def check_takes_atlas(gltf: GltfFile, image: int) -> None:
    """Refuse what is no VRM 1.0 file, or has UVs that an atlas of this image does not fit.

    Raises:
        UsageError: it is such a file.
        MeshError: a map of these materials lies elsewhere.
    """
    if not gltf.extension("VRMC_vrm"):
        raise UsageError(
            f"{gltf.path} is not VRM 1.0, whose expressions alone can move UVs. Write one material "
            "variant for each expression instead.",
            kind="write-variants",
        )
    materials = materials_showing(gltf, image)
    for material in materials:
        for info in texture_infos(gltf.document["materials"][material]):
            shown = image_of_texture(gltf, info)
            if shown is not None:
                image_path(gltf, shown)
    _check_uvs(gltf, materials)


class _Atlases:
    """Makes an atlas of each image once, and leads materials to it."""

    def __init__(
        self, edit: GltfEdit, gltf: GltfFile, image: int, contents: Sequence[bytes], columns: int
    ) -> None:
        self._edit, self._gltf, self._image = edit, gltf, image
        self._contents, self._columns = contents, columns
        self._textures: dict[int, int] = {}
        self._images: dict[int, int] = {}
        self.notices: list[str] = []

    def use_in(self, material: dict[str, Any]) -> None:
        """Let a material show the first cell of the atlases, which is the map as it was."""
        infos = list(texture_infos(material))
        for info in infos:
            info["index"] = self._texture(info["index"])
            _shrink(info, self._columns)
        if any(
            info["extensions"][_TRANSFORM] != infos[0]["extensions"][_TRANSFORM] for info in infos
        ):
            raise UsageError(
                f"{self._gltf.path}: the maps of material {material.get('name', '')!r} are laid "
                "differently (KHR_texture_transform), and an expression moves all alike. Write "
                "variants instead.",
                kind="write-variants",
            )

    def _texture(self, old: int) -> int:
        if old not in self._textures:
            image = self._edit.image_of({"index": old})
            if image is None:
                raise UsageError(f"{self._gltf.path}: texture {old} has no image to make cells of.")
            if image not in self._images:
                name = self._gltf.document["images"][image].get("name", "map")
                content = self._atlas(image)
                self._images[image] = self._edit.add_image(content, ".png", f"{name}_atlas")
            self._textures[old] = self._edit.add_texture(old, self._images[image])
        return self._textures[old]

    def _atlas(self, image: int) -> bytes:
        first = image_bytes(self._gltf, image)
        rest = self._contents if image == self._image else [first] * len(self._contents)
        usual = _picture(first, self._gltf, image)
        mode = "RGBA" if "A" in usual.getbands() else "RGB"
        if usual.mode.startswith("I"):
            raise UsageError(
                f"{self._gltf.path}: image {image} has 16 bits, an atlas takes 8. Write variants "
                "instead.",
                kind="write-variants",
            )
        width, height = usual.size
        shrink = max(1.0, self._columns * max(width, height) / LARGEST_ATLAS_PX)
        if shrink > 1:
            width, height = round(width / shrink), round(height / shrink)
            self.notices.append(
                f"the atlas would be larger than {LARGEST_ATLAS_PX} pixels: its cells are "
                f"{width}x{height}; fewer expressions make larger ones"
            )
        atlas = Image.new(mode, (self._columns * width, self._columns * height))
        fitted = usual
        for cell, content in enumerate((first, *rest)):
            if cell == 0 or content is not first:  # one at a time: all would take gigabytes
                picture = usual if cell == 0 else _picture(content, self._gltf, image)
                fitted = picture.convert(mode)
                if fitted.size != (width, height):
                    fitted = fitted.resize((width, height), Image.Resampling.LANCZOS)
            atlas.paste(fitted, (cell % self._columns * width, cell // self._columns * height))
        encoded = io.BytesIO()
        atlas.save(encoded, format="PNG")
        return encoded.getvalue()


def _picture(content: bytes, gltf: GltfFile, image: int) -> Image.Image:
    try:
        with library_faults():
            picture = Image.open(io.BytesIO(content))
            picture.load()
    except (UnreadableFrameError, Image.DecompressionBombError) as error:
        raise TextureError(
            f"{gltf.path}: image {image} cannot be put into an atlas: {error} Export it as PNG, "
            "or write variants instead.",
            kind="write-variants",
        ) from error
    return picture


def _shrink(info: dict[str, Any], columns: int) -> None:
    transform = info.setdefault("extensions", {}).setdefault(_TRANSFORM, {})
    if transform.get("rotation"):
        raise UsageError(
            "A map of this material is rotated by KHR_texture_transform, which VRM 1.0 does not "
            "allow. Remove the rotation, or write variants.",
            kind="write-variants",
        )
    transform["scale"] = [value / columns for value in transform.get("scale", (1.0, 1.0))]
    transform["offset"] = [value / columns for value in transform.get("offset", (0.0, 0.0))]


def _shrink_binds(vrm: Mapping[str, Any], material: int, columns: int, gltf: GltfFile) -> None:
    """Let binds that lay a material's maps otherwise do so within the first cell.

    Raises:
        UsageError: one leads out of the map, which would show other cells.
    """
    groups = (vrm.get("expressions", {}).get(group, {}) for group in ("preset", "custom"))
    for name, expression in chain.from_iterable(group.items() for group in groups):
        for bind in expression.get(_TEXTURE_BINDS, ()):
            if bind.get("material") != material:
                continue
            try:
                laid = np.array([bind.get("scale", (1, 1)), bind.get("offset", (0, 0))], float)
                first, last = laid[1], laid[0] + laid[1]
            except (TypeError, ValueError) as error:
                raise gltf.broken(f"its expression {name!r} lays a map by no numbers") from error
            if min(*first, *last) < -_OUTSIDE or max(*first, *last) > 1 + _OUTSIDE:
                raise UsageError(
                    f"{gltf.path}: its expression {name!r} lays the map beyond its edges, where an "
                    "atlas has other cells. Write variants instead.",
                    kind="write-variants",
                )
            bind["scale"], bind["offset"] = (laid / columns).tolist()


def _add_expression(
    edit: GltfEdit, name: str, materials: Sequence[int], cell: tuple[int, int], columns: int
) -> list[str]:
    """Let an expression shift the materials' UVs to a cell, at once and not by degrees."""
    binds = []
    for material in materials:
        info = next(texture_infos(edit.document["materials"][material]))
        transform = info["extensions"][_TRANSFORM]
        offset = [transform["offset"][i] + cell[i] / columns for i in (0, 1)]
        binds.append({"material": material, "scale": transform["scale"], "offset": offset})
    vrm = edit.document["extensions"]["VRMC_vrm"]
    expressions = vrm.setdefault("expressions", {})
    preset = _PRESETS.get(name)
    usual = ("custom", name) if preset is None else ("preset", preset)
    group, own_name = usual
    while any(expressions.get(group, {}).get(own_name, {}).get(key) for key in _BINDS):
        name += "Texture"
        group, own_name = "custom", name
    named = expressions.setdefault(group, {})
    named[own_name] = {**named.get(own_name, {}), "isBinary": True, _TEXTURE_BINDS: binds}
    if (group, own_name) == usual:
        return []
    return [f"the VRM's {usual[1]} moves the mesh: the texture is its custom expression {own_name}"]


_Laid = tuple[int, tuple[float, ...], tuple[float, ...]]
"""A UV set, its scale and its offset."""


def _laid(info: dict[str, Any]) -> _Laid:
    """Return how a textureInfo lays its map."""
    transform = info.get("extensions", {}).get(_TRANSFORM, {})
    uv_set = transform.get("texCoord", info.get("texCoord", 0))
    return uv_set, tuple(transform.get("scale", (1, 1))), tuple(transform.get("offset", (0, 0)))


def _check_uvs(gltf: GltfFile, materials: Sequence[int]) -> None:
    laid = {
        material: {_laid(info) for info in texture_infos(gltf.document["materials"][material])}
        for material in materials
    }
    seen, points = set[tuple[int, _Laid]](), 0
    for mesh in gltf.list_of("meshes"):
        wanted = (
            (primitive["attributes"].get(f"TEXCOORD_{how[0]}"), how)
            for primitive in mesh["primitives"]
            for how in laid.get(primitive.get("material"), ())
        )
        for index, how in wanted:
            if index is None or (index, how) in seen:
                continue
            seen.add((index, how))
            points += gltf.document["accessors"][index]["count"]
            if points > MOST_POINTS:
                raise MeshError(f"{gltf.path} has more than {MOST_POINTS:,} UVs. Export it again.")
            _, scale, offset = how
            uv = read_accessor(gltf, index) * np.array(scale) + np.array(offset)
            if uv.min(initial=0) < -_OUTSIDE or uv.max(initial=1) > 1 + _OUTSIDE:
                raise UsageError(
                    f"{gltf.path}: mesh {mesh.get('name', '')!r} has UVs outside 0 to 1, which "
                    "would reach into other cells of the atlas. Write variants instead.",
                    kind="write-variants",
                )
