"""A user's own character as a family of one head: a GLB or VRM with ARKit's face shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.errors import MeshError
from reggan_plugin.rig.own_rig import with_own_sides
from reggan_plugin.textures.character import Character
from reggan_plugin.textures.face_morphs import binds_by_shape, offsets_by_shape
from reggan_plugin.textures.gltf.gltf_file import GltfFile
from reggan_plugin.textures.named_parts import NamedPart, name_parts, opaque_faces
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_training.heads.frontal_paint import paint_face
from reggan_training.heads.glb.landmarks import NEEDED_SHAPES, find_eyes, find_face_points
from reggan_training.heads.glb.textures import (
    Texture,
    is_blank,
    texture_of_material,
    uv_in_first_tile,
)
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.heads.joined_head import (
    SIDES,
    FileEye,
    JoinedHead,
    Points,
    head_mesh_from_joined,
)
from reggan_training.heads.linear_shapes import sparse_offsets_from_dense

_KEPT_BELOW, _KEPT_BESIDE = 4.0, 4.5
"""What lies farther from the eyes is cut off, in eye distances: hands, legs."""
_LIPS = np.array([(1, -1.1), (0.55, -1.0), (0.2, -0.95), (0, -0.97), (-0.2, -0.95), (-0.55, -1.0),
                  (-1, -1.1), (-0.6, -1.22), (0, -1.27), (0.6, -1.22)])  # fmt: skip
_BROW = np.array([(0.18, 0.3), (0.4, 0.37), (0.6, 0.38), (0.85, 0.27)])
_EYE = np.array(
    [(0.27, -0.03), (0.4, 0.07), (0.55, 0.08), (0.72, 0.02), (0.58, -0.07), (0.4, -0.08)]
)
"""Where lips (their width 1), own left brow and lid opening lie on a common face, canonical."""


class GlbFamily:
    """One character. It needs `NEEDED_SHAPES`; what other ARKit shapes it has, it is driven by."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is read late. The family is called as the file is."""
        self.path = path
        self.name = path.stem

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:  # noqa: ARG002 - every family takes one
        """The one identity, called as the family is."""
        return (self.name,) if count is None else (self.name,)[:count]

    def head(self, identity: str) -> HeadMesh:
        """Read the character.

        Raises:
            MeshError: the file cannot be read, has no face shapes, or holds no human head.
        """
        if identity != self.name:
            raise MeshError(f"{self.path} holds one head, {self.name!r}; not {identity!r}.")
        loaded = load_mesh(self.path, with_morphs=True)
        if loaded.gltf is None:
            raise MeshError(f"{self.path} is no glTF file; export the character as GLB or VRM.")
        return _head_from_character(loaded.gltf, loaded.character, identity)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Meshes:
    """A character's meshes one after the other: +z to the front, x = 0 between the eyes."""

    named: Sequence[NamedPart]
    points: Points
    offsets: Mapping[str, Points]

    @property
    def faces(self) -> list[Int[np.ndarray, "faces 3"]]:
        """Triangles of each mesh, by the rows of all points."""
        counts = [len(entry.mesh.positions) for entry in self.named]
        starts = np.cumsum([0, *counts[:-1]])
        return [s + entry.mesh.faces for s, entry in zip(starts, self.named, strict=True)]

    def rows(self, part: Part) -> Int[np.ndarray, " rows"]:
        """Vertices of the triangles of a part."""
        faces = [f for f, entry in zip(self.faces, self.named, strict=True) if entry.part == part]
        return np.unique(np.concatenate(faces)) if faces else np.zeros(0, dtype=np.int64)


def _head_from_character(gltf: GltfFile, character: Character, identity: str) -> HeadMesh:
    meshes = _meshes(gltf, character)
    skin = meshes.rows(Part.SKIN)
    eyes = find_eyes(meshes.points, meshes.rows(Part.EYE), skin, meshes.offsets)
    face = find_face_points(meshes.points, skin, eyes, meshes.offsets)
    materials = {entry.mesh.material.index: entry.mesh.material for entry in meshes.named}
    textures = {i: texture_of_material(gltf, material) for i, material in materials.items()}
    kept = _kept_faces(meshes, textures, eyes)
    counts = [len(faces) for faces in kept]
    place = {i: -1 if is_blank(materials[i]) else n for n, i in enumerate(materials)}
    joined = JoinedHead(
        vertices=meshes.points,
        triangles=np.concatenate(kept),
        parts=np.repeat([entry.part for entry in meshes.named], counts).astype(np.uint8),
        eyes=eyes,
        offsets={name: sparse_offsets_from_dense(dense) for name, dense in meshes.offsets.items()},
        nose_tip=face.nose_tip,
        mouth_left=face.mouth_left,
        mouth_right=face.mouth_right,
        chin=face.chin,
        uv=np.concatenate([uv_in_first_tile(entry.mesh) for entry in meshes.named]),
        textures=tuple(textures.values()),
        texture_of=np.repeat([place[e.mesh.material.index] for e in meshes.named], counts),
    )
    corners = (face.mouth_left, face.mouth_right)

    def regions(canonical: Points) -> dict[str, Float[np.ndarray, " points"]]:
        is_skin = np.isin(np.arange(len(canonical)), skin)
        width = float(np.abs(canonical[list(corners), 0]).mean())
        lips = _LIPS * (width, 1.0)
        weights = paint_face(canonical, lips, [_BROW, _BROW * (-1, 1)], [_EYE, _EYE * (-1, 1)])
        return {name: weight * is_skin for name, weight in weights.items()}

    return head_mesh_from_joined(joined, family=identity, identity=identity, regions=regions)


def _meshes(gltf: GltfFile, character: Character) -> _Meshes:
    """Name the meshes, find their shapes, and turn them to the front.

    Raises:
        MeshError: a shape of `NEEDED_SHAPES` is missing.
    """
    named = name_parts(character.parts)
    parts = [entry.mesh for entry in named]
    turn = _turn_to_front(character)
    points = np.concatenate([part.positions for part in parts]) @ turn.T
    offsets = {
        name: dense @ turn.T
        for name, dense in offsets_by_shape(binds_by_shape(gltf, parts), parts).items()
    }
    missing = [name for name in NEEDED_SHAPES if name not in offsets or not offsets[name].any()]
    if missing:
        raise MeshError(
            f"{gltf.path} has no morph for {', '.join(missing)}; it has {len(offsets)} of ARKit's "
            "face shapes. Export the character with its blend shapes, named as ARKit's."
        )
    blinks = (offsets["eyeBlinkLeft"], offsets["eyeBlinkRight"])
    points[:, 0] -= np.mean([points[blink.any(axis=1), 0].mean() for blink in blinks])
    return _Meshes(named=named, points=points, offsets=with_own_sides(offsets, points))


def _turn_to_front(character: Character) -> Float[np.ndarray, "3 3"]:
    """Rotation about y that brings the file's likeliest front to +z."""
    front = character.fronts[0][0]
    sign = -1.0 if front.startswith("-") else 1.0
    x, z = (sign, 0.0) if front.endswith("X") else (0.0, sign)
    return np.array([[z, 0, -x], [0, 1, 0], [x, 0, z]])


def _kept_faces(
    meshes: _Meshes, textures: Mapping[int | None, Texture], eyes: Mapping[str, FileEye]
) -> list[Int[np.ndarray, "faces 3"]]:
    """Triangles near the head that are not transparent, of each mesh."""
    left, right = (eyes[side].centre for side in SIDES)
    reach = float(np.linalg.norm(left - right)) * np.array([_KEPT_BESIDE, _KEPT_BELOW])
    is_near = (np.abs(meshes.points[:, 0]) < reach[0]) & (meshes.points[:, 1] > left[1] - reach[1])
    return [
        faces[opaque_faces(mesh, textures[mesh.material.index]) & is_near[faces].all(axis=1)]
        for faces, mesh in zip(meshes.faces, [e.mesh for e in meshes.named], strict=True)
    ]
