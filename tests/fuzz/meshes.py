"""Small sound meshes of every kind that is read, and what is done with each damaged one."""

import io
import json
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.errors import RegganError
from reggan_plugin.textures.gltf.vrm_atlas import write_atlas
from reggan_plugin.textures.maps.choose_map import PartMaps
from reggan_plugin.textures.read_mesh import LoadedMesh, files_of_mesh, load_mesh
from reggan_plugin.textures.write_mesh import write_replaced, write_variants

from ..glb_files import GlbContent, glb_bytes

MESHES = ("head.glb", "head.vrm", "old.vrm", "head.gltf", "head.obj", "looks.mtl", "head.ply")
"""By the file that is damaged; a library is read by its OBJ."""


def sound_meshes(folder: Path) -> dict[str, bytes]:
    """A triangle on a map in every kind of file; what they name is put into `folder`."""
    (folder / "skin.png").write_bytes(_picture())
    document, binary = _document()
    (folder / "head.bin").write_bytes(binary)
    beside = json.loads(json.dumps(document))
    beside["buffers"][0]["uri"] = "head.bin"
    beside["images"][0] = {"uri": "skin.png", "name": "skin"}
    obj = (
        "mtllib looks.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvt 1 1\n"
        "vn 0 0 1\no head\ng face\nusemtl Skin\nf 1/1/1 2/2/1 3/3/1\nf 2/2/1 4/4/1 3/3/1\n"
    )
    library = "newmtl Skin\nKd 0.5 0.5 0.5\nNs 10\nmap_Kd skin.png\nnewmtl Eye\nKd 1 1 1\n"
    (folder / "looks.mtl").write_text(library)
    ply = (
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nproperty float s\nproperty float t\nelement face 1\n"
        "property list uchar int vertex_indices\nend_header\n0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n"
        "3 0 1 2\n"
    )
    return {
        "head.glb": glb_bytes(document, binary),
        "head.vrm": glb_bytes(_with_extension(document, "VRMC_vrm", _VRM1), binary),
        "old.vrm": glb_bytes(_with_extension(document, "VRM", _VRM0), binary),
        "head.gltf": json.dumps(beside).encode(),
        "head.obj": obj.encode(),
        "looks.mtl": library.encode(),
        "head.ply": ply.encode(),
    }


def use_mesh(path: Path) -> None:
    """Everything that files decide: read, look up maps, write each kind of new file.

    Raises:
        RegganError: the file is refused by name; whatever else is raised is a find.
    """
    files_of_mesh(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_mesh(path)
        maps = PartMaps(loaded, path.parent)
        for part in maps.parts_with_image():
            maps.map_of(part)
        for name in list(loaded.character.node_names)[:50]:  # each walks all parts
            loaded.character.below(name)
    for write in _writers(loaded, path):
        with suppress(RegganError):
            write()


def _writers(loaded: LoadedMesh, path: Path) -> list[Callable[[], object]]:
    gltf, image = loaded.gltf, next(iter(_images(loaded)), None)
    if gltf is None or image is None:
        return []
    out = path.with_name(f"new{path.suffix}")
    new = {"happy": _picture(), "sad": _picture()}
    return [
        lambda: write_replaced(gltf, image, _picture(), ".png", out),
        lambda: write_variants(gltf, image, new, ".png", out),
        lambda: write_atlas(gltf, image, new, out),
    ]


def _images(loaded: LoadedMesh) -> list[int]:
    images = (part.material.image for part in loaded.character.parts)
    return [image for image in images if isinstance(image, int)]


def glb_parts(content: bytes) -> tuple[Any, bytes]:
    """Document and buffer of one of the sound files."""
    (size,) = struct.unpack_from("<I", content, 12)
    return json.loads(content[20 : 20 + size]), content[28 + size :]


def glb_of(document: Any, binary: bytes) -> bytes:
    """A GLB whose header is right, whatever the document is."""
    return glb_bytes(document, binary)


_VRM1 = {
    "specVersion": "1.0",
    "humanoid": {"humanBones": {"head": {"node": 1}}},
    "expressions": {"preset": {"happy": {"morphTargetBinds": []}}, "custom": {"wink": {}}},
}
_VRM0 = {"humanoid": {"humanBones": [{"bone": "head", "node": 1}, {"bone": "jaw", "node": -1}]}}


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 80, 70)).save(stream, "PNG")
    return stream.getvalue()


def _with_extension(document: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**document, "extensions": {name: value}, "extensionsUsed": [name]}


def _document() -> tuple[dict[str, Any], bytes]:
    """A skinned triangle with a morph target, an eye without a map, and an image inside."""
    glb = GlbContent()
    view = glb.view

    def accessor(values: Any, dtype: str, component: int, kind: str, **more: Any) -> int:
        return glb.accessor(np.array(values, dtype), kind, component, **more)

    image = view(_picture())
    position = accessor([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4", 5126, "VEC3")
    sparse = {
        "count": 1,
        "indices": {"bufferView": view(bytes([1, 0])), "componentType": 5123},
        "values": {"bufferView": view(np.ones(3, "<f4").tobytes())},
    }
    glb.accessors.append({"componentType": 5126, "count": 3, "type": "VEC3", "sparse": sparse})
    attributes = {
        "POSITION": position,
        "TEXCOORD_0": accessor([[0, 0], [9, 0], [0, 9]], "u1", 5121, "VEC2", normalized=True),
        "JOINTS_0": accessor([[0, 1, 0, 0]] * 3, "u1", 5121, "VEC4"),
        "WEIGHTS_0": accessor([[1, 0, 0, 0]] * 3, "<f4", 5126, "VEC4"),
    }
    skin = {
        "attributes": attributes,
        "indices": accessor([0, 1, 2], "<u2", 5123, "SCALAR"),
        "material": 0,
        "targets": [{"POSITION": position + 1}],
    }
    eye = {"attributes": {"POSITION": position}, "material": 1, "mode": 5}
    inverse = accessor([np.eye(4).ravel()] * 2, "<f4", 5126, "MAT4")
    transform = {"KHR_texture_transform": {"offset": [0.1, 0], "scale": [0.5, 0.5]}}
    base = {"index": 0, "texCoord": 0, "extensions": transform}
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0, 2]}],
        "nodes": [
            {"name": "Hips", "children": [1]},
            {"name": "Head", "translation": [0, 1, 0], "rotation": [0, 0, 0, 1]},
            {"name": "Body", "mesh": 0, "skin": 0, "scale": [1, 1, 1]},
        ],
        "skins": [{"joints": [0, 1], "inverseBindMatrices": inverse}],
        "meshes": [{"primitives": [skin, eye], "weights": [0.5], "name": "Face"}],
        "materials": [
            {"name": "Skin", "pbrMetallicRoughness": {"baseColorTexture": base}},
            {"name": "Eye", "alphaMode": "MASK", "alphaCutoff": 0.5, "doubleSided": True},
        ],
        "textures": [{"source": 0}],
        "images": [{"bufferView": image, "mimeType": "image/png", "name": "skin"}],
        **glb.tables(),
    }, bytes(glb.content)
