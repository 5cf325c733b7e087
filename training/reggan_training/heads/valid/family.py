"""The VALID family: 28 artist-made game avatars with textures, cut out of their GLB files.

Source: Validated Avatar Library for Inclusion and Diversity (MIT, Tiffany Do, 2022), repacked as
`valid.file` says.

ARKit's shapes come from its face morphs, by one table. Weights are chosen so that weight 1 moves
brows, lids, lips and chin about as far as ICT FaceKit's shape of the same name does, in eye
distances. The morphs' `R` and `L` are the head's own sides. A `t_` morph of the lower teeth follows
the face morph of the same name by the same weight.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from reggan_plugin.errors import SourceError
from reggan_training.heads.file_head import FileEye, FileHead, fit_sphere, head_mesh_from_file
from reggan_training.heads.head import (
    REGIONS,
    HeadMesh,
    Part,
    SparseOffsets,
    VertexWeights,
    Vertices,
    sparse_offsets_from_dense,
)
from reggan_training.heads.valid.file import (
    CHIN,
    MIDDLE_U,
    MOUTH_CORNER,
    NOSE_TIP,
    Texture,
    ValidMesh,
    is_clothes,
    is_face_island,
    is_mouth,
    is_neck_rim,
    nearest_row,
    read_meshes,
    read_textures,
    regions_from_uv,
)

_ONE_SIDE: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "browDown": (("browDown", 0.9), ("{s}browDown", 0.9)),
    "browOuterUp": (("{s}browUp", 1.5), ("browUp", 0.7)),
    "cheekSquint": (("lowLid", 0.75), ("smileClose", 0.3)),
    "eyeBlink": (("eyeClose", 1.0),),
    "eyeLookDown": (("eyeClose", 0.5),),
    "eyeLookIn": (),
    "eyeLookOut": (),
    "eyeLookUp": (("eyeOpen", 1.2),),
    "eyeSquint": (("lowLid", 0.5), ("squint", 0.2)),
    "eyeWide": (("eyeOpen", 1.2),),
    "mouthDimple": (("lipCorner", 1.0), ("smileClose", 0.25)),
    "mouthFrown": (("mouthSad", 0.8), ("lipCorner", 0.3)),
    "mouthLowerDown": (("lipDown", 1.1),),
    "mouthSmile": (("smileClose", 1.3),),
    "mouthStretch": (
        ("smileClose", 0.95),
        ("mouthSad", 1.4),
        ("lipCorner", 0.2),
        ("lipDown", 0.4),
    ),
    "mouthUpperUp": (("lipUp", 1.05),),
    "noseSneer": (
        ("disgust", 1.0),
        ("lipUp", 0.35),
        ("lipDown", 0.4),
        ("nostril", 0.7),
        ("browDown", 0.4),
    ),
}
_SPLIT: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "mouthPress": (("MPB_Up", 1.0), ("MPB_Down", 1.0)),
}
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
FAMILY_NAME: Final = "valid"
_HALF_RAMP: Final = 0.26
"""Width of the ramp between the halves of a symmetric morph, in the file's unit."""


@dataclass(frozen=True)
class MorphTerm:
    """One morph's share in a shape.

    Attributes:
        morph: name without prefix and `_h`.
        weight: at weight 1 of the shape.
        half: `Left` or `Right` keeps one half of a symmetric morph, fading over the middle.
    """

    morph: str
    weight: float
    half: str | None = None


def _both(morph: str, weight: float) -> tuple[MorphTerm, MorphTerm]:
    return MorphTerm(f"L{morph}", weight), MorphTerm(f"R{morph}", weight)


_SYMMETRIC: Final[dict[str, tuple[MorphTerm, ...]]] = {
    "browInnerUp": _both("sad", 1.05),
    "cheekPuff": _both("blow", 0.9),
    "jawForward": (MorphTerm("JawFront", 1.5),),
    "jawLeft": (MorphTerm("Ljaw", 1.7),),
    "jawOpen": (MorphTerm("AE_AA", 0.7), MorphTerm("Shout", 0.35)),
    "jawRight": (MorphTerm("Rjaw", 1.7),),
    "mouthFunnel": (
        MorphTerm("SH_CH", 0.6),
        MorphTerm("UW_U", 0.4),
        *_both("lipUp", 0.6),
        *_both("lipDown", 0.6),
    ),
    "mouthPucker": (MorphTerm("Kiss", 0.85), MorphTerm("UW_U", 0.2)),
    "mouthShrugLower": (
        MorphTerm("Chin", 0.6),
        MorphTerm("MPB_Down", 1.2),
        *_both("lipDown", -0.35),
        *_both("lipUp", 0.15),
    ),
    "mouthShrugUpper": _both("lipUp", 0.65),
}


def _terms_by_shape() -> dict[str, tuple[MorphTerm, ...]]:
    table = dict(_SYMMETRIC)
    for side in ("Left", "Right"):
        letter = side[0]
        for name, shares in _ONE_SIDE.items():
            table[name + side] = tuple(
                MorphTerm(letter + morph.format(s=letter), weight) for morph, weight in shares
            )
        for name, shares in _SPLIT.items():
            table[name + side] = tuple(MorphTerm(morph, weight, side) for morph, weight in shares)
    return dict(sorted(table.items()))


TERMS_BY_SHAPE: Final[dict[str, tuple[MorphTerm, ...]]] = _terms_by_shape()
"""ARKit name to the morphs that make it. Not there, since no morph answers to them: mouthClose,
mouthLeft and mouthRight, mouthRollLower and mouthRollUpper, tongueOut."""


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
    """Find the shirt's edge: along the island's lower rim, in a colour that skin has not."""
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
    joined = FileHead(
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

    def regions(canonical: Vertices) -> dict[str, VertexWeights]:
        weights = {name: np.zeros(len(canonical)) for name in REGIONS}
        for name, weight in regions_from_uv(face.uv).items():
            weights[name][face.rows] = weight
        return weights

    return head_mesh_from_file(joined, family=FAMILY_NAME, identity=identity, regions=regions)


def _eye(meshes: Iterable[ValidMesh], name: str) -> FileEye:
    mesh = next(mesh for mesh in meshes if mesh.name == name)
    centre, radius = fit_sphere(mesh.vertices)
    return FileEye(rows=mesh.rows, centre=centre, radius=radius)


def _offsets_by_shape(meshes: tuple[ValidMesh, ...]) -> dict[str, SparseOffsets]:
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


def _add_morph(total: Vertices, term: MorphTerm, mesh: ValidMesh) -> None:
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
