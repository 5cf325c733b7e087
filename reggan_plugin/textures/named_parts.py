"""Parts of a user's character, told by the names that artists give to meshes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int, UInt8
from reggan_plugin.rig.head_part import Part
from reggan_plugin.textures.character import MeshPart

_UNSEEN: Final = re.compile(
    r"occlu|shadow|\btear|wetness|lacrimal|cornea|"
    r"eye ?(ao|blend|edge|highlight|refl|shell|wet)"
)
"""Clear shells over the eyes. Opaque, they would hide the iris."""
_WORDS: Final = (
    (Part.LASHES, r"lash|eye ?line"),
    (Part.BROWS, r"brow"),
    (Part.GLASSES, r"glass(es)?\b|goggles|spectacles|eye ?wear"),
    (Part.BEARD, r"beard|moustache|mustache|stubble"),
    (Part.HAIR, r"hair|bangs|fringe|ponytail|wig\b|helmet|\bhat\b|\bcap\b|head ?wear"),
    (Part.TONGUE, r"tongue"),
    (Part.GUMS, r"gum"),
    (Part.TEETH, r"teeth|tooth|dent"),
    (Part.MOUTH, r"mouth ?(inner|inside|interior|cavity|bag)|inner ?mouth|\boral|face mouth"),
    (Part.SOCKET, r"socket"),
    (Part.EYE, r"eyes?\b|eyeball|iris|sclera|pupil|eye ?(left|right|white|[lr]\b)"),
    (Part.SKIN, r"face|head|skin|body"),
    (Part.CLOTHES, r"cloth|outfit|shirt|top\b|bottom|shoe|collar|jacket|dress|suit"),
)
"""Tried in this order, on the material's name first."""
_LIPS: Final = re.compile(r"\blips?\b")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class NamedPart:
    """A part of the file's mesh, and what it is."""

    mesh: MeshPart
    part: Part


def name_parts(meshes: Sequence[MeshPart]) -> tuple[NamedPart, ...]:
    """Name the part of each mesh; clear shells over the eyes are left out.

    The material's name counts before the mesh's. A nameless mesh with face shapes is skin, one
    without them is clothes.
    """
    named = []
    for mesh in meshes:
        texts = [_words(mesh.material.name), _words(mesh.name)]
        if any(_UNSEEN.search(text) for text in texts):
            continue
        guesses = [part for text in texts for part in _guesses(text)]
        default = Part.SKIN if mesh.morphs else Part.CLOTHES
        named.append(NamedPart(mesh, guesses[0] if guesses else default))
    return tuple(named)


def stands_on_skin(mesh: MeshPart) -> bool:
    """Tell whether a mesh lies on the face and keeps its place: brows, lips, hair, spectacles."""
    texts = [_words(mesh.material.name), _words(mesh.name)]
    guesses = [part for text in texts for part in _guesses(text)]
    is_named = bool(guesses) and guesses[0] in (Part.BROWS, Part.BEARD, Part.HAIR, Part.GLASSES)
    return is_named or any(_LIPS.search(text) for text in texts)


def _words(name: str) -> str:
    """`EyeLeft_MAT.001` -> `eye left mat 001`."""
    return " ".join(re.split(r"[\W_]+", _CAMEL.sub(" ", name))).lower()


def _guesses(text: str) -> list[Part]:
    return [part for part, words in _WORDS if re.search(words, text)][:1]


def opaque_faces(
    mesh: MeshPart, texture: UInt8[np.ndarray, "height width channels"]
) -> Bool[np.ndarray, " faces"]:
    """Triangles whose texture is opaque in its mean; all of an opaque material's.

    Cards of hair and lashes are cut to what can be drawn without transparency.
    """
    if mesh.material.alpha_mode == "opaque" or texture.shape[2] < 4 or mesh.uv is None:
        return np.ones(len(mesh.faces), dtype=bool)
    corners = mesh.uv[mesh.faces]
    alphas = [_alpha(texture, np.einsum("k,fkc->fc", place, corners)) for place in _PLACES]
    opaque: Bool[np.ndarray, " faces"] = np.mean(alphas, axis=0) >= 0.5
    return opaque


_PLACES: Final = np.array(
    [(1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4), (0.2, 1, 1), (1, 0.2, 1), (1, 1, 0.2)]
) / np.array([[3], [6], [6], [6], [2.2], [2.2], [2.2]])
"""Barycentric coordinates at which a triangle's alpha is sampled."""


def _alpha(
    texture: UInt8[np.ndarray, "height width channels"], uv: Float[np.ndarray, "faces 2"]
) -> Float[np.ndarray, " faces"]:
    """Alpha at UVs from the lower left, 0 to 1; they repeat beyond 1."""
    height, width = texture.shape[:2]
    columns: Int[np.ndarray, " faces"] = np.floor(uv[:, 0] % 1 * width).astype(int) % width
    rows: Int[np.ndarray, " faces"] = np.floor((1 - uv[:, 1]) % 1 * height).astype(int) % height
    alpha: Float[np.ndarray, " faces"] = texture[rows, columns, 3] / 255.0
    return alpha
