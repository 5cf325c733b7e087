"""The VALID family: 28 artist-made game avatars with textures, cut out of their GLB files.

Source: Validated Avatar Library for Inclusion and Diversity (MIT, Tiffany Do, 2022), repacked as
`valid_file` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.canonical import canonical_from_rest
from reggan_training.heads.eyeballs import angles_from_axis, sphere_centre
from reggan_training.heads.head import HeadMesh
from reggan_training.heads.linear_shapes import (
    Eyeball,
    LinearShapes,
    SparseOffsets,
    sparse_offsets_from_dense,
)
from reggan_training.heads.valid_atlas import (
    CHIN,
    LID_RING,
    MIDDLE_U,
    MOUTH_CORNER,
    NOSE_TIP,
    nearest_row,
)
from reggan_training.heads.valid_file import Texture, ValidMesh, read_meshes, read_textures
from reggan_training.heads.valid_parts import (
    FACE,
    LEFT_EYE,
    LOWER_TEETH,
    RIGHT_EYE,
    parts_of_triangles,
    regions_of_vertices,
)
from reggan_training.heads.valid_shapes import TERMS_BY_SHAPE, MorphTerm

FAMILY_NAME: Final = "valid"
_HALF_RAMP: Final = 0.4
"""Width of the ramp between the halves of a symmetric morph, in eye distances."""


@dataclass(frozen=True)
class ValidFamily:
    """Heads of a folder of repacked VALID files."""

    folder: Path
    name: str = FAMILY_NAME

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        """Names of all heads, sorted; with a smaller `count`, that many drawn by `seed`."""
        names = sorted(path.stem for path in self.folder.glob("*.npz"))
        if count is None or count >= len(names):
            return tuple(names)
        chosen = np.random.default_rng(seed).choice(len(names), count, replace=False)
        return tuple(names[row] for row in sorted(chosen))

    def head(self, identity: str) -> HeadMesh:
        """Read one head.

        Raises:
            FileNotFoundError: the folder has no such head.
        """
        with np.load(self.folder / f"{identity}.npz") as arrays:
            meshes = read_meshes(arrays)
            textures = read_textures(arrays, 1 + max(mesh.material for mesh in meshes))
        return _head_from_meshes(identity, meshes, textures)


def _head_from_meshes(
    identity: str, meshes: tuple[ValidMesh, ...], textures: tuple[Texture, ...]
) -> HeadMesh:
    by_name = {mesh.name: mesh for mesh in meshes}
    face = by_name[FACE]
    centres = [sphere_centre(by_name[name].vertices) for name in (LEFT_EYE, RIGHT_EYE)]
    origin, unit = sum(centres) / 2, float(np.linalg.norm(centres[0] - centres[1]))
    rest = (np.concatenate([mesh.vertices for mesh in meshes]) - origin) / unit
    corners = [
        nearest_row(face.uv, (MIDDLE_U + s * MOUTH_CORNER[0], MOUTH_CORNER[1])) for s in (1, -1)
    ]
    left, right = (face.start + row for row in corners)
    nose_tip, chin = (face.start + nearest_row(face.uv, place) for place in (NOSE_TIP, CHIN))
    canonical = canonical_from_rest(
        rest,
        nose_y=rest[nose_tip, 1],
        mouth_y=(rest[left, 1] + rest[right, 1]) / 2,
        chin_y=rest[chin, 1],
    )
    eyeballs = {
        "Left": Eyeball(
            rows=by_name[LEFT_EYE].rows, centre=(centres[0] - origin) / unit, outwards=1
        ),
        "Right": Eyeball(
            rows=by_name[RIGHT_EYE].rows, centre=(centres[1] - origin) / unit, outwards=-1
        ),
    }
    offsets = _offsets_by_shape(meshes, canonical[:, 0], unit)
    depth = rest[[left, right], 2].mean() - rest[:, 2]
    return HeadMesh(
        family=FAMILY_NAME,
        identity=identity,
        triangles=np.concatenate([mesh.start + mesh.triangles for mesh in meshes]),
        parts=np.concatenate(
            [parts_of_triangles(mesh, textures[mesh.material]) for mesh in meshes]
        ),
        rest=rest.astype(np.float32),
        canonical=canonical.astype(np.float32),
        regions=np.concatenate([regions_of_vertices(mesh, depth[mesh.rows]) for mesh in meshes]),
        eye_angle=_eye_angles(rest, eyeballs),
        controls=tuple(offsets),
        shapes=LinearShapes(by_name=offsets, eyeballs=eyeballs),
        left_eye_vertices=_lid_ring(face, 1),
        right_eye_vertices=_lid_ring(face, -1),
        nose_tip=nose_tip,
        mouth_left=left,
        mouth_right=right,
        chin=chin,
        uv=np.concatenate([mesh.uv for mesh in meshes]),
        textures=textures,
        texture_of=np.concatenate([np.full(len(mesh.triangles), mesh.material) for mesh in meshes]),
    )


def _lid_ring(face: ValidMesh, side: int) -> Int[np.ndarray, " ring"]:
    places = [(MIDDLE_U + side * u, v) for u, v in LID_RING]
    return face.start + np.array([nearest_row(face.uv, place) for place in places])


def _offsets_by_shape(
    meshes: tuple[ValidMesh, ...], x: Float[np.ndarray, " vertices"], unit: float
) -> dict[str, SparseOffsets]:
    """ARKit shapes of this head in eye distances; a shape that lacks a morph is left out."""
    known = {name for mesh in meshes for name in mesh.morphs}
    by_shape: dict[str, SparseOffsets] = {}
    for shape, terms in TERMS_BY_SHAPE.items():
        if not all(term.morph in known for term in terms):
            continue
        total = np.zeros((len(x), 3))
        for term in terms:
            for mesh in meshes:
                _add_morph(total, term, mesh, x)
        by_shape[shape] = sparse_offsets_from_dense(total / unit)
    return by_shape


def _add_morph(
    total: Float[np.ndarray, "vertices 3"],
    term: MorphTerm,
    mesh: ValidMesh,
    x: Float[np.ndarray, " vertices"],
) -> None:
    """Add a term's morph of one mesh to `total`, in place."""
    name = f"t_{term.morph}" if mesh.name == LOWER_TEETH else term.morph
    if name not in mesh.morphs:
        return
    moved, offsets = mesh.morphs[name]
    rows = mesh.start + moved
    share = np.full(len(rows), term.weight)
    if term.half is not None:
        side = 1 if term.half == "Left" else -1
        share *= np.clip(0.5 + side * x[rows] / _HALF_RAMP, 0, 1)
    total[rows] += share[:, None] * offsets


def _eye_angles(
    rest: Float[np.ndarray, "vertices 3"], eyeballs: Mapping[str, Eyeball]
) -> Float[np.ndarray, " vertices"]:
    """Angle from the direction to the front; pi off the eyeballs."""
    angles = np.full(len(rest), np.pi, np.float32)
    for eyeball in eyeballs.values():
        angles[eyeball.rows] = angles_from_axis(
            rest[eyeball.rows], eyeball.centre, np.array([0.0, 0.0, 1.0])
        )
    return angles
