"""One head of VALID as it is stored: meshes, morphs and textures of one `.npz`.

`meta` (JSON bytes) names the parts; for part k `v{k}` are positions, `f{k}` triangles, `t{k}` UVs
(v down), for its n-th morph `m{k}_{n}_i` vertices and `m{k}_{n}_d` offsets; `x{m}` are texture m's
bytes (JPEG or WebP).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from reggan_training.heads.head import Vertices

TEXTURE_SIDE_PX: Final = 1024

Texture: TypeAlias = UInt8[np.ndarray, "height width 3"]


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
            _morph_name(full): (
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


def _morph_name(full: str) -> str:
    """`h_expressions.RlipUp_h` -> `RlipUp`; some files leave the prefix out."""
    return full.rpartition(".")[2].removesuffix("_h")


def _decoded(encoded: bytes) -> Texture:
    with Image.open(io.BytesIO(encoded)) as image:
        rgb = image.convert("RGB")
    rgb.thumbnail((TEXTURE_SIDE_PX, TEXTURE_SIDE_PX))
    return np.asarray(rgb)
