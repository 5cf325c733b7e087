"""The VALID family: 28 artist-made game avatars with textures, cut out of their GLB files.

Source: Validated Avatar Library for Inclusion and Diversity (MIT, Tiffany Do, 2022), repacked: one
`.npz` holds a head's meshes, morphs and textures. `meta` (JSON bytes) names the parts; for part k
`v{k}` are positions, `f{k}` triangles, `t{k}` UVs (v down), for its n-th morph `m{k}_{n}_i`
vertices and `m{k}_{n}_d` offsets; `x{m}` are texture m's bytes (JPEG or WebP).

Every head has the same atlas, so UVs tell what a vertex is. Places in it are (u, v), v down. The
face is symmetric about `MIDDLE_U`; own left is at greater u. Outlines were read off the atlas with
the mesh drawn over it.

ARKit's shapes come from its face morphs, by one table. Weights are chosen so that weight 1 moves
brows, lids, lips and chin about as far as ICT FaceKit's shape of the same name does, in eye
distances. The morphs' `R` and `L` are the head's own sides. A `t_` morph of the lower teeth follows
the face morph of the same name by the same weight.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.heads.head import (
    FileEye,
    FileHead,
    HeadMesh,
    Part,
    SparseOffsets,
    VertexWeights,
    Vertices,
    decoded_texture,
    fit_sphere,
    head_mesh_from_file,
    soft_polygon,
    sparse_offsets_from_dense,
    texels_at,
)

PointMask = Bool[np.ndarray, " points"]

Uv: TypeAlias = Float[np.ndarray, "points 2"]
Outline: TypeAlias = tuple[tuple[float, float], ...]

MIDDLE_U: Final = 0.3255

NOSE_TIP: Final = (MIDDLE_U, 0.2894)
CHIN: Final = (MIDDLE_U, 0.4564)
MOUTH_CORNER: Final = (0.0605, 0.3597)
"""As (distance from `MIDDLE_U`, v)."""

_CENTRED: Final[dict[str, Outline]] = {
    "lips": ((0, 0.3405), (0.018, 0.3405), (0.024, 0.342), (0.035, 0.346), (0.048, 0.353),
             (0.0605, 0.3595), (0.052, 0.369), (0.042, 0.377), (0.028, 0.383), (0.013, 0.3865),
             (0, 0.3865)),
    "moustache": ((0, 0.306), (0.03, 0.306), (0.05, 0.325), (0.072, 0.354), (0.058, 0.357),
                  (0.04, 0.345), (0.02, 0.3385), (0, 0.3385)),
    "beard": ((0, 0.390), (0.03, 0.386), (0.052, 0.372), (0.066, 0.356), (0.085, 0.345),
              (0.12, 0.325), (0.15, 0.290), (0.168, 0.265), (0.190, 0.270), (0.185, 0.34),
              (0.16, 0.40), (0.11, 0.45), (0.06, 0.478), (0, 0.484)),
    "nose": ((0, 0.215), (0.012, 0.23), (0.028, 0.262), (0.0485, 0.283), (0.045, 0.300),
             (0.02, 0.307), (0, 0.308)),
    "face": ((0, 0.120), (0.06, 0.124), (0.105, 0.143), (0.128, 0.170), (0.145, 0.215),
             (0.152, 0.262), (0.205, 0.275), (0.205, 0.36), (0.24, 0.46), (0.24, 0.56),
             (0, 0.56)),
}  # fmt: skip
"""Right halves, from the top of the middle to its bottom. What is not `face` is `scalp`."""

_PAIRED: Final[dict[str, Outline]] = {
    "brows": ((0.0235, 0.197), (0.0245, 0.184), (0.045, 0.1745), (0.068, 0.168), (0.095, 0.1745),
              (0.124, 0.198), (0.095, 0.184), (0.070, 0.1785), (0.045, 0.186)),
    "eye_rings": ((0.024, 0.214), (0.040, 0.203), (0.065, 0.198), (0.095, 0.205), (0.108, 0.219),
                  (0.095, 0.236), (0.060, 0.242), (0.032, 0.230)),
    "lid_margins": ((0.037, 0.2145), (0.050, 0.2095), (0.070, 0.2095), (0.090, 0.2160),
                    (0.070, 0.2205), (0.050, 0.2190)),
    "cheeks": ((0.055, 0.285), (0.080, 0.252), (0.120, 0.250), (0.145, 0.280), (0.130, 0.320),
               (0.090, 0.335), (0.065, 0.318)),
}  # fmt: skip
"""Around one side's place, as (distance from `MIDDLE_U`, v)."""

_SOFTNESS: Final = {"lips": 0.003, "brows": 0.006, "lid_margins": 0.003, "nose": 0.012,
                    "moustache": 0.010, "eye_rings": 0.015, "cheeks": 0.05,
                    "beard": 0.025, "face": 0.02}  # fmt: skip
"""Width of an outline's edge in UV."""
Texture: TypeAlias = UInt8[np.ndarray, "height width 3"]


def is_ear(uv: Uv) -> PointMask:
    """Points in the islands of the two ears."""
    inside: PointMask = (uv[:, 0] < 0.091) & (uv[:, 1] > 0.39) & (uv[:, 1] < 0.612)
    return inside


def is_mouth(uv: Uv) -> PointMask:
    """Points in the islands of palate and mouth floor, which belong to the face mesh."""
    palate = (uv[:, 0] < 0.086) & (uv[:, 1] < 0.084)
    floor = (uv[:, 0] > 0.886) & (uv[:, 1] > 0.384) & (uv[:, 1] < 0.454) & (uv[:, 0] < 0.973)
    inside: PointMask = palate | floor
    return inside


def is_clothes(uv: Uv) -> PointMask:
    """Points in the islands of shirt and sleeves."""
    sleeves = (uv[:, 1] > 0.943) & (uv[:, 0] < 0.244) | (
        (uv[:, 0] > 0.635) & (uv[:, 0] < 0.831) & (uv[:, 1] > 0.345) & (uv[:, 1] < 0.399)
    )
    inside: PointMask = sleeves | ((uv[:, 0] > 0.64) & (uv[:, 1] > 0.458))
    return inside


def is_face_island(uv: Uv) -> PointMask:
    """Points in the one island of face, scalp and neck."""
    other = is_ear(uv) | is_mouth(uv) | is_clothes(uv)
    inside: PointMask = ~other & (uv[:, 0] < 0.65) & (uv[:, 1] < 0.54)
    return inside


def is_neck_rim(uv: Uv) -> PointMask:
    """Points along the arc where the face's island ends at the shirt."""
    inside: PointMask = uv[:, 1] > 0.520 - 1.6 * (uv[:, 0] - MIDDLE_U) ** 2
    return inside


def regions_from_uv(uv: Uv) -> dict[str, Float[np.ndarray, " points"]]:
    """Regions of vertices of the face mesh, 0 to 1 by name."""
    weights = {name: _inside(uv, _mirrored(half), name) for name, half in _CENTRED.items()}
    folded = np.column_stack([np.abs(uv[:, 0] - MIDDLE_U) + MIDDLE_U, uv[:, 1]])
    for name, outline in _PAIRED.items():
        around = tuple((MIDDLE_U + u, v) for u, v in outline)
        weights[name] = _inside(folded, around, name)
    weights["scalp"] = 1 - weights.pop("face")
    on_face = is_face_island(uv)
    regions = {name: weight * on_face for name, weight in weights.items()}
    return {**regions, "ears": is_ear(uv).astype(np.float64)}


def nearest_row(uv: Uv, place: tuple[float, float]) -> int:
    """Row of the vertex nearest to a place of the atlas."""
    return int(((uv - np.array(place)) ** 2).sum(axis=1).argmin())


def _mirrored(half: Outline) -> Outline:
    right = tuple((MIDDLE_U + u, v) for u, v in half)
    left = tuple((MIDDLE_U - u, v) for u, v in reversed(half) if u)
    return right + left


def _inside(uv: Uv, outline: Outline, name: str) -> Float[np.ndarray, " points"]:
    """1 inside the outline, 0 outside, a smooth step across its edge."""
    return soft_polygon(uv, np.array(outline), _SOFTNESS[name] / 2)


@frozen(eq=False)
class ValidMesh:
    """One mesh of a head, in the file's unit.

    Attributes:
        start: its first row when all meshes of the head are joined.
        morphs: moved vertices and their offsets, by name without prefix and `_h`.
    """

    name: str
    material: int
    start: int
    vertices: Vertices
    triangles: Int[np.ndarray, "triangles 3"]
    uv: Float[np.ndarray, "vertices 2"]
    morphs: Mapping[str, tuple[Int[np.ndarray, " _"], Float[np.ndarray, "_ 3"]]]

    @property
    def rows(self) -> Int[np.ndarray, " vertices"]:
        """Its rows in the joined head."""
        return self.start + np.arange(len(self.vertices))


def read_meshes(arrays: Mapping[str, Any]) -> tuple[ValidMesh, ...]:
    """Read the meshes of an opened `.npz`, in the file's order."""
    meshes: list[ValidMesh] = []
    start = 0
    for k, part in enumerate(json.loads(bytes(arrays["meta"]))["parts"]):
        morphs = {
            # `h_expressions.RlipUp_h` -> `RlipUp`; some files leave the prefix out
            full.rpartition(".")[2].removesuffix("_h"): (
                arrays[f"m{k}_{n}_i"].astype(np.int64),
                arrays[f"m{k}_{n}_d"].astype(np.float64),
            )
            for n, full in enumerate(part["morphs"])
        }
        mesh = ValidMesh(
            name=part["name"],
            material=part["material"],
            start=start,
            vertices=arrays[f"v{k}"].astype(np.float64),
            triangles=arrays[f"f{k}"].astype(np.int64),
            uv=arrays[f"t{k}"].astype(np.float32),
            morphs=morphs,
        )
        meshes.append(mesh)
        start += len(mesh.vertices)
    return tuple(meshes)


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
    "mouthStretch": (("smileClose", 0.95), ("mouthSad", 1.4), ("lipCorner", 0.2), ("lipDown", 0.4)),
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
    "mouthPress": (("MPB_Up", 1.0), ("MPB_Down", 1.0))
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


@frozen(kw_only=False)
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
    colours = texels_at(texture, uv)
    if mesh.name == FACE:
        parts[is_mouth(uv)] = Part.MOUTH
        parts[is_clothes(uv) | _is_collar(uv, colours)] = Part.CLOTHES
    elif mesh.name in (LOWER_TEETH, _UPPER_TEETH):
        brightest, darkest = colours.max(axis=1), colours.min(axis=1)
        parts[(darkest > 0.5 * brightest) & (brightest > 90)] = Part.TEETH
        parts[_is_tongue(mesh)[mesh.triangles].all(axis=1)] = Part.TONGUE
    return parts


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


@frozen(kw_only=False)
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
            count = 1 + max(mesh.material for mesh in meshes)
            textures = [decoded_texture(bytes(arrays[f"x{k}"]), "RGB") for k in range(count)]
        return _head_from_meshes(identity, meshes, tuple(textures))


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
        own = regions_from_uv(face.uv)
        weights = np.zeros((len(own), len(canonical)))
        weights[:, face.rows] = list(own.values())
        return dict(zip(own, weights, strict=True))

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
