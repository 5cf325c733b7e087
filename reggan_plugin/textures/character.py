"""A character as its file describes it: meshes in their rest pose, materials and bones.

Parts are told by the names that artists give to meshes.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals
from reggan_plugin.rig.head_part import Part

Points = Float[np.ndarray, "points 3"]
Triangles = Int[np.ndarray, "faces 3"]

DIRECTIONS = {
    sign + axis: factor * np.eye(3)[row]
    for row, axis in enumerate("XYZ")
    for sign, factor in (("+", 1.0), ("-", -1.0))
}
"""By name, such as `+Z`."""
AlphaMode = Literal["opaque", "cutout", "blend"]


@frozen
class Material:
    """The material of a part of the mesh."""

    name: str
    index: int | None = None
    """Its place in the glTF file."""
    image: int | Path | None = None
    """The base colour map: an image of the glTF file, or a file."""
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Linear; the map is multiplied by it."""
    alpha_mode: AlphaMode = "opaque"
    alpha_cutoff: float = 0.5
    is_double_sided: bool = True
    is_map_mirrored: bool = False
    """Whether the map is mirrored beyond its borders, and not repeated."""


@frozen(eq=False)
class Morph:
    """One morph target of a part."""

    name: str
    """As the file calls it; empty where it does not."""
    offsets: Points
    """Offsets that weight 1 adds to the part's positions."""
    weight: float = 0.0
    """How much of it the file shows, and the positions hold."""


@frozen(eq=False)
class MeshPart:
    """The triangles of one material."""

    name: str
    material: Material
    positions: Points
    faces: Triangles
    uv: Float[np.ndarray, "points 2"] | None
    """From the lower left corner of the map; beyond 1 it repeats, or the next UDIM tile begins."""
    node: Int[np.ndarray, " points"] | None = None
    """The bone or node that moves each point most."""
    mesh: int | None = None
    """Its mesh's place in the glTF file."""
    morphs: tuple[Morph, ...] = ()
    """In the file's order; read only where they are asked for."""


@frozen(eq=False)
class Character:
    """Everything that is seen of a character, and where its head may be."""

    path: Path
    parts: tuple[MeshPart, ...]
    node_names: Mapping[int, str] = field(default_factory=dict)
    node_parents: Mapping[int, int] = field(default_factory=dict)
    head_node: int | None = None
    """The bone that the file itself calls the head (VRM)."""
    fronts: tuple[tuple[str, str], ...] = ()
    """(front, up) as the format has it, likeliest first, such as ("+Z", "+Y")."""

    def below(self, node: int) -> Points:
        """Return the points that a node or one of its children moves."""
        children: dict[int, list[int]] = defaultdict(list)
        for child, parent in self.node_parents.items():
            children[parent].append(child)
        family, waiting = {node}, [node]
        while waiting:
            new = [child for child in children[waiting.pop()] if child not in family]
            family.update(new)
            waiting += new
        members = np.array(sorted(family))
        chosen = [
            part.positions[np.isin(part.node, members)]
            for part in self.parts
            if part.node is not None
        ]
        return np.concatenate(chosen) if chosen else np.zeros((0, 3))


def corner_values(
    values: Float[np.ndarray, "points width"],
    faces: Triangles,
    face: Int[np.ndarray, " places"],
    weights: Float[np.ndarray, "places 3"],
) -> Float[np.ndarray, "places width"]:
    """Values of points, interpolated at places on triangles."""
    corners = faces[face]
    total = weights[:, :1] * values[corners[:, 0]]
    for corner in (1, 2):
        total = total + weights[:, corner : corner + 1] * values[corners[:, corner]]
    return np.asarray(total)


def smooth_normals(positions: Points, faces: Triangles) -> Points:
    """Return unit normals, the same at points that lie in one place, as both sides of a UV seam
    do.
    """
    _, place = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    place = place.ravel()
    across = face_normals(positions, faces)
    total = np.zeros((place.max(initial=-1) + 1, 3))
    for corner in range(3):
        np.add.at(total, place[faces[:, corner]], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray((total / np.maximum(length, 1e-30))[place])


_BULGES: Final = 0.005
"""Volume over area to the power 1.5 from which on a mesh has an outside; a ball has 0.094, heads
about 0.06, cards of hair none."""
_FEWEST: Final = 20
"""Triangles of such a mesh."""
_MOST_INWARD: Final = -0.5
"""Of the triangles that have an outside: outlines drawn by a shell turned inwards come to 0."""


def with_outward_faces(parts: tuple[MeshPart, ...]) -> tuple[MeshPart, ...]:
    """Return parts whose triangles run counter-clockwise from outside, as those of some files do
    not.

    The skin says which way they run; where no name tells it, all parts do. The others go with it,
    unless they run the right way.
    """
    bulges = [_bulge(part) for part in parts]
    skin = [
        bulge != 0 and any(one.part == Part.SKIN for one in name_parts([replace(part, morphs=())]))
        for part, bulge in zip(parts, bulges, strict=True)
    ]
    leads = skin if any(skin) else [True] * len(parts)
    if _balance(bulges, leads) >= _MOST_INWARD:
        return parts
    others = [not lead for lead in leads]
    turns = [lead or _balance(bulges, others) <= 0 for lead in leads]
    return tuple(
        replace(part, faces=part.faces[:, ::-1]) if turn else part
        for part, turn in zip(parts, turns, strict=True)
    )


def _bulge(part: MeshPart) -> int:
    """Count the triangles of a part that has an outside; negative where they run clockwise."""
    if len(part.faces) < _FEWEST:
        return 0
    middle = part.positions[part.faces].mean(axis=1)
    across = face_normals(part.positions, part.faces) / 2
    area = np.linalg.norm(across, axis=1)
    total = float(area.sum())
    centre = area @ middle / max(total, 1e-300)
    volume = float(((middle - centre) * across).sum()) / 3
    return 0 if abs(volume) <= _BULGES * total**1.5 else int(np.sign(volume)) * len(area)


def _balance(bulges: Sequence[int], chosen: Sequence[bool]) -> float:
    """1 where all triangles of the chosen parts run counter-clockwise, -1 where none does; 0
    without any.
    """
    own = [bulge for bulge, is_chosen in zip(bulges, chosen, strict=True) if is_chosen]
    return sum(own) / max(sum(map(abs, own)), 1)


def is_mirrored(uv: Float[np.ndarray, "points 2"], faces: Triangles) -> Bool[np.ndarray, " faces"]:
    """Return true for triangles that are turned over on the map."""
    corners = uv[faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)


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


@frozen(kw_only=False)
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
