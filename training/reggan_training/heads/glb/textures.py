"""Base colour of a user's character as textures of a head."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from reggan_plugin.errors import MeshError
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.textures.character import Material, MeshPart
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.maps.texture_files import image_bytes

TEXTURE_SIDE_PX = 1024

Texture = UInt8[np.ndarray, "height width 4"]


_WHITE = (1.0, 1.0, 1.0, 1.0)


def is_blank(material: Material) -> bool:
    """Whether a material has neither picture nor colour, so that looks are to be made for it."""
    return material.image is None and material.colour == _WHITE


def texture_of_material(gltf: GltfFile, material: Material) -> Texture:
    """A material's base colour times its tint, sRGB-encoded, at most `TEXTURE_SIDE_PX` a side.

    Raises:
        MeshError: its picture cannot be read.
    """
    if isinstance(material.image, int):
        texels = _decoded(gltf, material.image)
    else:
        texels = np.full((2, 2, 4), 255, np.uint8)
    if material.colour == _WHITE:
        return texels
    tint = np.array(material.colour)
    colours = srgb_from_linear(linear_from_srgb(texels[:, :, :3] / 255.0) * tint[:3])
    encoded = np.concatenate([colours, texels[:, :, 3:] / 255.0 * tint[3]], axis=2)
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)


def uv_in_first_tile(mesh: MeshPart) -> Float[np.ndarray, "points 2"]:
    """UVs with v down, moved by whole tiles to where most of the mesh lies in 0 to 1."""
    if mesh.uv is None:
        return np.full((len(mesh.positions), 2), 0.5)
    uv = np.stack([mesh.uv[:, 0], 1.0 - mesh.uv[:, 1]], axis=1)
    return uv - np.floor(np.median(uv, axis=0)) if len(uv) else uv


def _decoded(gltf: GltfFile, image: int) -> Texture:
    content = image_bytes(gltf, image)
    try:
        with Image.open(io.BytesIO(content)) as picture:
            rgba = picture.convert("RGBA")
    except OSError as error:
        raise MeshError(
            f"{gltf.path}: image {image} is not PNG, JPEG or WebP, or is broken ({error}). "
            "Unpack compressed textures first: npx gltf-transform copy IN OUT"
        ) from error
    rgba.thumbnail((TEXTURE_SIDE_PX, TEXTURE_SIDE_PX))
    return np.asarray(rgba)
