"""Make the head that ships beside the sample frames: a bust with a painted map and ARKit's shapes.

    python -m reggan_training.rendering.shipped_head --makehuman DIR --face-units DIR \
--out reggan_plugin/samples/head.glb

MakeHuman's base mesh and teeth, and the face units, are CC0; the map is painted here, as heads of
the training are. So the file may be used for anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.textures.gltf.gltf_file import bytes_from_gltf
from reggan_plugin.textures.maps.uv_layout import UvLayout, pad_around_islands
from reggan_training.commands.options import FILE_TO_WRITE, FOLDER
from reggan_training.heads.anatomy.head_shape import HeadShape
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.heads.makehuman.family import MakeHumanFamily
from reggan_training.rendering.head_look import (
    HeadLook,
    ShadedSurface,
    encoded_from_linear,
    sample_look,
    surface_colour,
)

SHAPE: Final = HeadShape(ancestry={"african": 0.5, "asian": 0.3, "caucasian": 0.2}, gender=0.35)
LOOK_SEED: Final = 8
MAP_PX: Final = 1024
METRES, AT = 0.062, np.array([0.0, 1.6, 0.0])
"""Distance of the eyes, and the place of their middle."""
LEAST: Final = 0.06
"""What a vertex moves at least for its motion to be kept, in parts of the shape's largest."""
_AROUND, _LOW, _HIGH = 0.48, -2.55, 2.0
"""The map goes around the head's axis by so much of its width to each side, and from the neck to
above the skull. What is below is cut off."""
_SHADE: Final = 0.5
"""How much of the light is missing on the map in the deepest hollows."""
_AXIS_Z = -0.9
_MOST_SHORT: Final = 32767  # is 1 in normalised numbers of 16 bits, here a metre
_SKIN: Final = np.array([0.42, 0.235, 0.145])
_PLAIN: Final[dict[str, Any]] = {
    "skin": _SKIN,
    "lips": _SKIN * [0.85, 0.55, 0.6],
    "brows": np.array([0.03, 0.018, 0.012]),
    "hair": np.array([0.03, 0.018, 0.012]),
    "iris": np.array([0.16, 0.08, 0.035]),
    **dict.fromkeys(("beard_weight", "moustache_weight", "freckles"), 0.0),
    **dict.fromkeys(("scalp_weight", "brow_weight"), 1.0),
    "blush": 0.5,
    "mottling": 0.03,
    "pores": 0.05,
}
"""A look without a beard; the rest of it is drawn."""
_MATERIALS: Final = {
    "Skin": (Part.SKIN, Part.SOCKET),
    "Eyes": (Part.EYE,),
    "Teeth": (Part.TEETH,),
    "Gums": (Part.GUMS,),
    "Tongue": (Part.TONGUE,),
    "Mouth": (Part.MOUTH,),
    "Lashes": (Part.LASHES,),
}


@dataclass
class _Glb:
    """A GLB that is put together."""

    content: bytearray = field(default_factory=bytearray)
    document: dict[str, Any] = field(
        default_factory=lambda: {
            "asset": {"version": "2.0", "generator": "reggan-plugin", "copyright": "CC0 1.0"},
            "extensionsUsed": ["KHR_mesh_quantization"],
            "extensionsRequired": ["KHR_mesh_quantization"],
            "scene": 0,
            "scenes": [{"nodes": []}],
            **{
                key: []
                for key in (
                    *("nodes", "meshes", "materials", "textures", "images"),
                    *("accessors", "bufferViews"),
                )
            },
        }
    )

    def append(self, key: str, entry: dict[str, Any]) -> int:
        self.document[key].append(entry)
        return len(self.document[key]) - 1

    def view(self, data: bytes) -> int:
        self.content.extend(b"\0" * (-len(self.content) % 4))
        entry = {"buffer": 0, "byteOffset": len(self.content), "byteLength": len(data)}
        self.content.extend(data)
        return self.append("bufferViews", entry)

    def texture(self, levels: np.ndarray) -> int:
        encoded = encoded_picture(Image.fromarray(levels), "JPEG", quality=88)
        image = {"bufferView": self.view(encoded), "mimeType": "image/jpeg"}
        return self.append("textures", {"source": self.append("images", image)})

    def floats(self, values: np.ndarray) -> int:
        """Positions or UVs."""
        entry: dict[str, Any] = {
            "bufferView": self.view(values.astype("<f4").tobytes()),
            "componentType": 5126,
            "count": len(values),
            "type": f"VEC{values.shape[1]}",
        }
        if values.shape[1] == 3:
            entry |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        return self.append("accessors", entry)

    def indices(self, values: np.ndarray) -> int:
        entry = {
            "bufferView": self.view(values.astype("<u2").tobytes()),
            "componentType": 5123,
            "count": values.size,
            "type": "SCALAR",
        }
        return self.append("accessors", entry)

    def sparse(self, metres: np.ndarray, rows: np.ndarray) -> int:
        """Motion of a few vertices in steps of 0.03 mm; all others stay."""
        steps = np.rint(metres * _MOST_SHORT).astype("<i2")
        entry: dict[str, Any] = {"componentType": 5122, "normalized": True, "type": "VEC3"}
        entry |= {"count": len(steps)}
        entry |= {"min": steps.min(axis=0).tolist(), "max": steps.max(axis=0).tolist()}
        indices = {"bufferView": self.view(rows.astype("<u2").tobytes()), "componentType": 5123}
        values = {"bufferView": self.view(steps[rows].tobytes())}
        entry["sparse"] = {"count": len(rows), "indices": indices, "values": values}
        return self.append("accessors", entry)


@click.command()
@click.option("--makehuman", type=FOLDER, required=True, help="MakeHuman's CC0 assets.")
@click.option("--face-units", type=FOLDER, required=True, help="ARKit units for its base mesh.")
@click.option("--out", type=FILE_TO_WRITE, required=True)
@verbose_option
def main(makehuman: Path, face_units: Path, out: Path) -> None:
    """Write the head as one GLB."""
    head = MakeHumanFamily(makehuman, face_units).shaped("sample", SHAPE)
    look = sample_look(np.random.default_rng(LOOK_SEED), style="skin")
    look = replace(look, **_PLAIN)
    content = glb_from_head(head, look)
    write_atomically(out, content)
    click.echo(f"{out}: {len(content) / 1e6:.2f} MB")


def glb_from_head(head: HeadMesh, look: HeadLook) -> bytes:
    """Return a GLB of a head, its skin painted in a look."""
    glb = _Glb()
    flat = unwrapped(head.canonical)
    motion = _motion(head)
    rest = head.rest.copy()
    rest[:, 1] = np.maximum(rest[:, 1], _LOW)  # the neck ends in an even edge
    above = (head.canonical[head.triangles, 1] > _LOW).any(axis=1)
    for name, parts in _MATERIALS.items():
        triangles = head.triangles[np.isin(head.parts, parts) & above]
        rows, corners = np.unique(triangles, return_inverse=True)
        corners, uv = corners.reshape(-1, 3), flat[rows]
        material: dict[str, Any] = {"roughnessFactor": 0.8, "metallicFactor": 0.0}
        if name == "Skin":
            extra, corners, uv = _cut_at_the_back(corners, uv)
            rows = np.concatenate([rows, rows[extra]])
            texels = _painted_map(head, look, rows, corners, uv)
            material["baseColorTexture"] = {"index": glb.texture(texels)}
        elif name == "Eyes":
            uv = np.column_stack([head.eye_angle[rows] / np.pi, np.full(len(rows), 0.5)])
            material["baseColorTexture"] = {"index": glb.texture(_eye_map(look))}
        else:
            colour = _plain_colour(parts[0], look)
            material["baseColorFactor"] = [*colour.round(4).tolist(), 1.0]
        _add_mesh(glb, name, rest[rows], corners, uv, material, _of_rows(motion, rows))
    glb.document["buffers"] = [{"byteLength": len(glb.content)}]
    return bytes_from_gltf(glb.document, bytes(glb.content))


def unwrapped(canonical: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 2"]:
    """UVs, v down: around the head's axis, and from above to below."""
    angle = np.arctan2(canonical[:, 0], canonical[:, 2] - _AXIS_Z)
    down = (_HIGH - canonical[:, 1]) / (_HIGH - _LOW)
    return np.column_stack([0.5 + _AROUND * angle / np.pi, np.clip(down, 0.002, 0.998)])


def _cut_at_the_back(
    corners: Int[np.ndarray, "triangles 3"], uv: Float[np.ndarray, "rows 2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Double the vertices by which triangles would run across the whole map."""
    corners = corners.copy()
    across = np.ptp(uv[corners, 0], axis=1) > 0.5
    turned = across[:, None] & (uv[corners, 0] < 0.5)
    extra, number = np.unique(corners[turned], return_inverse=True)
    corners[turned] = len(uv) + number
    return extra, corners, np.concatenate([uv, (uv[extra] + [2 * _AROUND, 0.0]).clip(0, 1)])


def _motion(head: HeadMesh) -> dict[str, Float[np.ndarray, "vertices 3"]]:
    """Motion of every shape at weight 1, without what is too small to see."""
    found = {}
    for name in head.controls:
        moved = head.motion_of(name).astype(np.float32)
        size = np.linalg.norm(moved, axis=1)
        share = np.clip(size / (LEAST * size.max()) - 1, 0, 1)  # no step where it ends
        found[name] = moved * share[:, None]
    return found


def _of_rows(motion: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    kept = {name: moved[rows] for name, moved in motion.items()}
    return {name: moved for name, moved in kept.items() if moved.any()}


def _add_mesh(
    glb: _Glb,
    name: str,
    points: Float[np.ndarray, "rows 3"],
    corners: Int[np.ndarray, "triangles 3"],
    uv: Float[np.ndarray, "rows 2"],
    material: dict[str, Any],
    motion: Mapping[str, Float[np.ndarray, "rows 3"]],
) -> None:
    targets = [
        {"POSITION": glb.sparse(METRES * moved, np.flatnonzero(moved.any(axis=1)))}
        for moved in motion.values()
    ]
    primitive = {
        "attributes": {"POSITION": glb.floats(points * METRES + AT), "TEXCOORD_0": glb.floats(uv)},
        "indices": glb.indices(corners),
        "material": glb.append("materials", {"name": name, "pbrMetallicRoughness": material}),
        **({"targets": targets} if targets else {}),
    }
    mesh = glb.append(
        "meshes", {"name": name, "primitives": [primitive], "extras": {"targetNames": [*motion]}}
    )
    node = glb.append("nodes", {"name": name, "mesh": mesh})
    glb.document["scenes"][0]["nodes"].append(node)


def _painted_map(
    head: HeadMesh,
    look: HeadLook,
    rows: Int[np.ndarray, " rows"],
    corners: Int[np.ndarray, "triangles 3"],
    uv: Float[np.ndarray, "rows 2"],
) -> np.ndarray:
    """Paint the skin's base colour, uint8 [side, side, 3]; edges run on into empty texels."""
    upwards = np.column_stack([uv[:, 0], 1 - uv[:, 1]])[corners]
    flags = np.zeros(len(corners), np.bool_)
    layout = UvLayout(upwards, np.arange(len(corners)), flags, ~flags, (MAP_PX, MAP_PX))
    texels = np.argwhere(np.ones((MAP_PX, MAP_PX), np.bool_))
    hits = layout.first(texels)
    there = hits.face >= 0
    mine = rows[corners[hits.face[there]]]
    fixed = np.einsum("tk,tkc->tc", hits.weights[there], _fixed(head)[mine])
    colours = np.zeros((MAP_PX, MAP_PX, 3), np.float32)
    on_surface = there.reshape(MAP_PX, MAP_PX)
    colours[on_surface] = _colours(fixed, Part.SKIN, look)

    def is_empty(places: Int[np.ndarray, "texels 2"]) -> Bool[np.ndarray, " texels"]:
        return np.asarray(~on_surface[places[:, 0], places[:, 1]])

    pad_around_islands(colours, on_surface, is_empty, MAP_PX // 64)
    return np.asarray((colours * 255).round(), dtype=np.uint8)


def _fixed(head: HeadMesh) -> Float[np.ndarray, "vertices 17"]:
    """Values that the painter asks for, of each vertex: `ShadedSurface.fixed`."""
    regions = head.regions / 255
    none = np.zeros((len(head.rest), 2))
    return np.column_stack([head.canonical, regions, head.eye_angle, none]).astype(np.float32)


def _colours(
    fixed: Float[np.ndarray, "rows 17"], part: Part, look: HeadLook
) -> Float[np.ndarray, "rows 3"]:
    """Return encoded colours of points of one part."""
    count = len(fixed)
    surface = ShadedSurface(
        pixels=torch.arange(count),
        part=torch.full((count,), int(part)),
        texture=torch.full((count,), -1),
        fixed=torch.from_numpy(fixed),
        normal=torch.zeros(count, 3),
        hollow=torch.zeros(count, 1),
    )
    light = 1 - _SHADE * surface.region("shade") if part == Part.SKIN else 1.0
    return encoded_from_linear(surface_colour(surface, look, []) * light).clamp(0, 1).numpy()


def _eye_map(look: HeadLook) -> np.ndarray:
    """Colours from the pupil to the back of the eyeball, as a strip."""
    fixed = np.zeros((512, 17), np.float32)
    fixed[:, 14] = np.linspace(0, np.pi, 512)
    strip = (_colours(fixed, Part.EYE, look) * 255).round().astype(np.uint8)
    return np.repeat(strip[None], 8, axis=0)


def _plain_colour(part: Part, look: HeadLook) -> Float[np.ndarray, "3"]:
    """Linear colour of a part, as glTF's factors are."""
    colours = {
        Part.TEETH: look.teeth,
        Part.GUMS: look.gums,
        Part.TONGUE: look.gums,
        Part.MOUTH: look.cavity,
        Part.LASHES: look.brows * 0.5,
    }
    return np.clip(colours[part], 0.0, 1.0)


if __name__ == "__main__":
    main()
