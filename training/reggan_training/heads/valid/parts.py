"""Parts of the triangles of a VALID head."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from reggan_training.heads.head import Part
from reggan_training.heads.valid.atlas import (
    is_clothes,
    is_face_island,
    is_mouth,
    is_neck_rim,
)
from reggan_training.heads.valid.file import Texture, ValidMesh

FACE: Final = "H_DDS_HighRes"
LEFT_EYE: Final = "h_L_eye"
RIGHT_EYE: Final = "h_R_eye"
LOWER_TEETH: Final = "h_TeethDown"
_UPPER_TEETH: Final = "h_TeethUp"

_PART_OF_MESH: Final = {
    FACE: Part.SKIN,
    LEFT_EYE: Part.EYE,
    RIGHT_EYE: Part.EYE,
    "h_L_gland": Part.SKIN,
    "h_R_gland": Part.SKIN,
    LOWER_TEETH: Part.GUMS,
    _UPPER_TEETH: Part.GUMS,
    "h_wig": Part.HAIR,
}


def parts_of_triangles(mesh: ValidMesh, texture: Texture) -> UInt8[np.ndarray, " triangles"]:
    """Part of each triangle of a mesh; a mesh with an unknown name is clothes."""
    parts = np.full(len(mesh.triangles), _PART_OF_MESH.get(mesh.name, Part.CLOTHES), np.uint8)
    uv = mesh.uv[mesh.triangles].mean(axis=1)
    colours = _sampled(texture, uv)
    if mesh.name == FACE:
        parts[is_mouth(uv)] = Part.MOUTH
        parts[is_clothes(uv) | _is_collar(uv, colours)] = Part.CLOTHES
    elif mesh.name in (LOWER_TEETH, _UPPER_TEETH):
        brightest, darkest = colours.max(axis=1), colours.min(axis=1)
        parts[(darkest > 0.5 * brightest) & (brightest > 90)] = Part.TEETH
        parts[_is_tongue(mesh)[mesh.triangles].all(axis=1)] = Part.TONGUE
    return parts


def _sampled(texture: Texture, uv: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 3"]:
    """Texels at these places, 0 to 255."""
    size = np.array(texture.shape[1::-1])
    columns, rows = np.clip((uv * size).astype(int), 0, size - 1).T
    colours: Float[np.ndarray, "points 3"] = texture[rows, columns].astype(np.float64)
    return colours


def _is_collar(
    uv: Float[np.ndarray, "points 2"], colours: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """The shirt's edge: painted along the island's lower rim, in a colour that skin has not."""
    on_face = is_face_island(uv)
    below = on_face & is_neck_rim(uv)
    chroma = colours / np.maximum(colours.sum(axis=1, keepdims=True), 1)
    skin = np.median(chroma[on_face & ~below], axis=0)
    collar: Bool[np.ndarray, " points"] = below & (np.abs(chroma - skin).sum(axis=1) > 0.12)
    return collar


def _is_tongue(mesh: ValidMesh) -> Bool[np.ndarray, " vertices"]:
    """Vertices that the morphs of the tongue (`*_tg`) move."""
    tongue = np.zeros(len(mesh.vertices), dtype=bool)
    for name, (moved, _) in mesh.morphs.items():
        if name.endswith("_tg"):
            tongue[moved] = True
    return tongue
