"""One head of VALID as it is stored, and where its texture atlas has what.

One `.npz` holds meshes, morphs and textures. `meta` (JSON bytes) names the parts; for part k `v{k}`
are positions, `f{k}` triangles, `t{k}` UVs (v down), for its n-th morph `m{k}_{n}_i` vertices and
`m{k}_{n}_d` offsets; `x{m}` are texture m's bytes (JPEG or WebP).

Every head has the same atlas, so UVs tell what a vertex is. Places in it are (u, v), v down. The
face is symmetric about `MIDDLE_U`; own left is at greater u. Outlines were read off the atlas with
the mesh drawn over it.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from reggan_training.heads.head import Vertices, soft_polygon

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
TEXTURE_SIDE_PX: Final = 1024
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


@dataclass(frozen=True, kw_only=True, eq=False)
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


def read_textures(arrays: Mapping[str, Any], count: int) -> tuple[Texture, ...]:
    """Decode the first `count` textures to sRGB-encoded RGB, at most `TEXTURE_SIDE_PX` a side."""
    return tuple(_decoded(bytes(arrays[f"x{material}"])) for material in range(count))


def _decoded(encoded: bytes) -> Texture:
    with Image.open(io.BytesIO(encoded)) as image:
        rgb = image.convert("RGB")
    rgb.thumbnail((TEXTURE_SIDE_PX, TEXTURE_SIDE_PX))
    return np.asarray(rgb)
