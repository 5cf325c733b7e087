"""Refuses maps of numbers, such as normals, which a change of colour would spoil."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.errors import TextureError
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.gltf.material import image_of_texture
from reggan_plugin.textures.maps.map_tile import MapTile

_WORDS = {
    "normal": r"normals?|nrm|nor|nml|norm|tangent",
    "roughness": r"rough(?:ness)?|gloss(?:iness)?|smoothness|rgh",
    "metalness": r"metal(?:lic|ness|roughness)?|mtl",
    "occlusion": r"ao|occlusion|ambientocclusion|orm|arm|rma|cavity",
    "displacement": r"disp(?:lacement)?|height|bump|hgt",
    "specular": r"spec(?:ular)?|f0|ior",
    "opacity": r"opacity|mask|alpha|transparency",
    "subsurface": r"sss|scatter(?:ing)?|thickness|subsurface",
    "data": r"raw|data|noncolou?r|utility|id|uv|position|curvature",
}
_DATA = re.compile(r".*\b(raw|data)|non-?colou?r.*", re.IGNORECASE)
"""Colour spaces of numbers: `data`, `Utility - Raw`, `Non-Color`."""
_SLOTS = ("normalTexture", "occlusionTexture")
_PBR_SLOTS = ("metallicRoughnessTexture",)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAMPLE = 64


def check_is_colour(path: Path, tile: MapTile, gltf: GltfFile | None, image: int | None) -> None:
    """Refuse a map that does not hold colours: by its name, its header, its place or its look.

    Args:
        path: its name tells.
        tile: what it holds.
        gltf: the file that uses it, and
        image: as which of its images; None where it is not one of them.

    Raises:
        TextureError: it is no colour map; the message says how that was seen.
    """
    reason = _by_name(path.stem)
    if reason is None and _DATA.fullmatch(tile.declared_kind):
        reason = f"its header calls its colour space {tile.declared_kind!r}"
    if reason is None and gltf is not None and image is not None:
        reason = _by_slot(gltf, image)
    if reason is None and _looks_like_normals(tile):
        reason = "its colours are directions of unit length, as a normal map's are"
    if reason is not None:
        raise TextureError(
            f"{path.name} is not a colour map: {reason}. Expressions change base colour; give "
            "that map.",
            kind="no-colour-map",
        )


def _by_name(stem: str) -> str | None:
    words = re.split(r"[^A-Za-z0-9]+", _CAMEL.sub("_", stem))
    for kind, pattern in _WORDS.items():
        for word in words:
            if re.fullmatch(pattern, word, re.IGNORECASE):
                return f"{word!r} in its name says {kind}"
    return None


def _by_slot(gltf: GltfFile, image: int) -> str | None:
    for index, material in enumerate(gltf.list_of("materials")):
        pbr = material.get("pbrMetallicRoughness", {})
        for owner, slots in ((material, _SLOTS), (pbr, _PBR_SLOTS)):
            for slot in slots:
                if _leads_to(gltf, owner.get(slot), image):
                    name = material.get("name", index)
                    return f"material {name!r} uses it as its {slot}"
    return None


def _leads_to(gltf: GltfFile, info: dict[str, Any] | None, image: int) -> bool:
    return info is not None and image_of_texture(gltf, info) == image


def _looks_like_normals(tile: MapTile) -> bool:
    """Tell whether nearly all texels decode to unit vectors that point out of the surface."""
    height, width = tile.shape
    rows = np.linspace(0, height - 1, _SAMPLE).astype(int)
    columns = np.linspace(0, width - 1, _SAMPLE).astype(int)
    texels, _ = tile.texels(*(index.ravel() for index in np.meshgrid(rows, columns)))
    vectors = 2 * texels - 1
    length = np.linalg.norm(vectors, axis=1)
    is_direction = (np.abs(length - 1) < 0.06) & (vectors[:, 2] > 0.3)
    return bool(is_direction.mean() > 0.9)
