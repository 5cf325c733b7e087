"""The VALID family: 28 artist-made game avatars with textures, cut out of their GLB files.

Source: Validated Avatar Library for Inclusion and Diversity (MIT, Tiffany Do, 2022), repacked as
`valid.file` says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import SourceError
from reggan_training.heads.eyeballs import fit_sphere
from reggan_training.heads.head import REGIONS, HeadMesh
from reggan_training.heads.joined_head import (
    FileEye,
    JoinedHead,
    Points,
    head_mesh_from_joined,
)
from reggan_training.heads.linear_shapes import (
    SparseOffsets,
    sparse_offsets_from_dense,
)
from reggan_training.heads.valid.atlas import (
    CHIN,
    MIDDLE_U,
    MOUTH_CORNER,
    NOSE_TIP,
    nearest_row,
    regions_from_uv,
)
from reggan_training.heads.valid.file import Texture, ValidMesh, read_meshes, read_textures
from reggan_training.heads.valid.parts import (
    FACE,
    LEFT_EYE,
    LOWER_TEETH,
    RIGHT_EYE,
    parts_of_triangles,
)
from reggan_training.heads.valid.shapes import TERMS_BY_SHAPE, MorphTerm

FAMILY_NAME: Final = "valid"
_HALF_RAMP: Final = 0.26
"""Width of the ramp between the halves of a symmetric morph, in the file's unit."""


@dataclass(frozen=True)
class ValidFamily:
    """Heads of a folder of repacked VALID files."""

    folder: Path
    name = FAMILY_NAME

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
            SourceError: the folder has no such head.
        """
        path = self.folder / f"{identity}.npz"
        if not path.is_file():
            raise SourceError(
                f"{path} is not there. Name the folder of the repacked VALID heads, and one of: "
                f"{', '.join(self.identities(None, 0)) or 'none found'}."
            )
        with np.load(path) as arrays:
            meshes = read_meshes(arrays)
            textures = read_textures(arrays, 1 + max(mesh.material for mesh in meshes))
        return _head_from_meshes(identity, meshes, textures)


def _head_from_meshes(
    identity: str, meshes: tuple[ValidMesh, ...], textures: tuple[Texture, ...]
) -> HeadMesh:
    face = next(mesh for mesh in meshes if mesh.name == FACE)
    places = [(MIDDLE_U + s * MOUTH_CORNER[0], MOUTH_CORNER[1]) for s in (1, -1)]
    nose_tip, chin, left, right = (
        face.start + nearest_row(face.uv, place) for place in (NOSE_TIP, CHIN, *places)
    )
    parts = [parts_of_triangles(mesh, textures[mesh.material]) for mesh in meshes]
    joined = JoinedHead(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        triangles=np.concatenate([mesh.start + mesh.triangles for mesh in meshes]),
        parts=np.concatenate(parts),
        eyes={"left": _eye(meshes, LEFT_EYE), "right": _eye(meshes, RIGHT_EYE)},
        offsets=_offsets_by_shape(meshes),
        nose_tip=nose_tip,
        mouth_left=left,
        mouth_right=right,
        chin=chin,
        uv=np.concatenate([mesh.uv for mesh in meshes]),
        textures=textures,
        texture_of=np.concatenate([np.full(len(mesh.triangles), mesh.material) for mesh in meshes]),
    )

    def regions(canonical: Points) -> dict[str, Float[np.ndarray, " vertices"]]:
        weights = {name: np.zeros(len(canonical)) for name in REGIONS}
        for name, weight in regions_from_uv(face.uv).items():
            weights[name][face.rows] = weight
        return weights

    return head_mesh_from_joined(joined, family=FAMILY_NAME, identity=identity, regions=regions)


def _eye(meshes: Iterable[ValidMesh], name: str) -> FileEye:
    mesh = next(mesh for mesh in meshes if mesh.name == name)
    centre, radius = fit_sphere(mesh.vertices)
    return FileEye(rows=mesh.rows, centre=centre, radius=radius)


def _offsets_by_shape(
    meshes: tuple[ValidMesh, ...],
) -> dict[str, SparseOffsets]:
    """ARKit shapes of this head; a shape that lacks a morph is left out."""
    count = sum(len(mesh.vertices) for mesh in meshes)
    known = {name for mesh in meshes for name in mesh.morphs}
    by_shape: dict[str, SparseOffsets] = {}
    for shape, terms in TERMS_BY_SHAPE.items():
        if not all(term.morph in known for term in terms):
            continue
        total = np.zeros((count, 3))
        for term in terms:
            for mesh in meshes:
                _add_morph(total, term, mesh)
        by_shape[shape] = sparse_offsets_from_dense(total)
    return by_shape


def _add_morph(
    total: Float[np.ndarray, "vertices 3"],
    term: MorphTerm,
    mesh: ValidMesh,
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
        share *= np.clip(0.5 + side * mesh.vertices[moved, 0] / _HALF_RAMP, 0, 1)
    total[rows] += share[:, None] * offsets
