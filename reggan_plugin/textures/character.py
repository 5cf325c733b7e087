"""A character as its file describes it: meshes in their rest pose, materials and bones."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int

AlphaMode = Literal["opaque", "cutout", "blend"]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Morph:
    """One morph target of a part."""

    name: str
    """As the file calls it; empty where it does not."""
    offsets: Float[np.ndarray, "points 3"]
    """Offsets that weight 1 adds to the part's positions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshPart:
    """The triangles of one material."""

    name: str
    material: Material
    positions: Float[np.ndarray, "points 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "points 2"] | None
    """From the lower left corner of the map; beyond 1 it repeats, or the next UDIM tile begins."""
    node: Int[np.ndarray, " points"] | None = None
    """The bone or node that moves each point most."""
    mesh: int | None = None
    """Its mesh's place in the glTF file."""
    morphs: tuple[Morph, ...] = ()
    """In the file's order; read only where they are asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def below(self, node: int) -> Float[np.ndarray, "points 3"]:
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
    faces: Int[np.ndarray, "faces 3"],
    face: Int[np.ndarray, " places"],
    weights: Float[np.ndarray, "places 3"],
) -> Float[np.ndarray, "places width"]:
    """Values of points, interpolated at places on triangles."""
    corners = faces[face]
    total = weights[:, :1] * values[corners[:, 0]]
    for corner in (1, 2):
        total = total + weights[:, corner : corner + 1] * values[corners[:, corner]]
    return np.asarray(total)


def smooth_normals(
    positions: Float[np.ndarray, "points 3"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "points 3"]:
    """Return unit normals, the same at points that lie in one place, as both sides of a UV seam
    do.
    """
    _, place = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    place = place.ravel()
    corners = positions[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((place.max(initial=-1) + 1, 3))
    for corner in range(3):
        np.add.at(total, place[faces[:, corner]], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray((total / np.maximum(length, 1e-30))[place])


def is_mirrored(
    uv: Float[np.ndarray, "points 2"], faces: Int[np.ndarray, "faces 3"]
) -> Bool[np.ndarray, " faces"]:
    """Return true for triangles that are turned over on the map."""
    corners = uv[faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)
