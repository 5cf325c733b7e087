"""Heads for `--rig` and `--teeth` that are damaged or made to do harm, and what is done with them.

The landmark network is left out: a finder that knows where the sound head has its landmarks takes
its place, so that a file costs a tenth of a second and every damage reaches the rig.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.errors import MeshError
from reggan_plugin.rig.own_rig import own_rig
from reggan_plugin.rig.own_teeth import own_mouth
from reggan_plugin.rig.skin_motion import Landmarks
from reggan_plugin.rig.template_fit import template
from reggan_plugin.textures.read_rig import read_rig
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

from ..rig.own_head import write_head
from .damage import Seeded, damage, nearly
from .meshes import glb_of, glb_parts

_KEPT = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "mouthSmileLeft")
_FACTORS = (0.0, 1e-30, -1.0, 0.5, 2.0, 7.0, 30.0, -200.0, 1e6, np.nan)
"""On a part of the points, motions or UVs."""
_EYE, _EYES_AT = 0.18, 0.34
"""Where `own_rig` draws a head that it knows, in parts of its picture's side."""


@cache
def sound_rig(folder: Path) -> bytes:
    """A head with five shapes and a denture."""
    path = folder / "sound.glb"
    write_head(path, without=tuple(set(ARKIT_SHAPES) - set(_KEPT)), teeth=True)
    return path.read_bytes()


def use_rig(path: Path) -> None:
    """Lay a head on the template, and take its teeth, alone and as the head's.

    Raises:
        RegganError: the file is refused by name; whatever else is raised is a find.
    """
    mesh, house = read_rig(path), template()
    places = np.array([0.5, _EYES_AT]) + _EYE * house.landmarks[:, :2] * [1, -1]
    found = Landmarks(places=places, sigma=np.full(len(places), 0.001))
    with suppress(MeshError):
        own_mouth(mesh)
    own = own_rig(house, mesh, lambda _: found)
    own_mouth(mesh, own)
    for numbers in (own.template.rest, *own.template.shapes.values(), own.template.landmarks):
        assert np.isfinite(numbers).all()


def hostile_rig(folder: Path, choices: Seeded) -> bytes:
    """The sound head with damaged bytes, odd fields, or one of `RIGS`."""
    sound = sound_rig(folder)
    document, binary = glb_parts(sound)
    match choices.whole(0, 3):
        case 0:
            return damage(choices, sound, start=0, header=4096)
        case 1:
            return glb_of(nearly(choices, document, odds=300), binary)
        case 2:
            return RIGS[choices.one_of(list(RIGS))](document, binary)
    whole = bytearray(binary)
    floats = [one for one in document["accessors"] if one["componentType"] == 5126]
    for _ in range(choices.whole(1, 9)):
        accessor = choices.one_of(floats)
        view = document["bufferViews"][accessor["bufferView"]]
        end = view["byteOffset"] + view["byteLength"]
        numbers = np.frombuffer(memoryview(whole)[view["byteOffset"] : end], "<f4")
        at = choices.whole(0, len(numbers) - 1)
        with np.errstate(all="ignore"):
            numbers[at : at + choices.whole(1, 9000)] *= np.float32(choices.one_of(_FACTORS))
    return glb_of(document, bytes(whole))


def _of_vrm1(bind: Any) -> Callable[[Any, bytes], bytes]:
    def make(document: Any, binary: bytes) -> bytes:
        preset = {"jawOpen": {"morphTargetBinds": [bind]}}
        vrm = {"specVersion": "1.0", "expressions": {"preset": preset}}
        return glb_of({**_nameless(document), "extensions": {"VRMC_vrm": vrm}}, binary)

    return make


def _of_vrm0(bind: Any, count: int = 1) -> Callable[[Any, bytes], bytes]:
    def make(document: Any, binary: bytes) -> bytes:
        groups = [{"name": "jawOpen", "binds": [bind] * count}]
        vrm = {"blendShapeMaster": {"blendShapeGroups": groups}}
        return glb_of({**_nameless(document), "extensions": {"VRM": vrm}}, binary)

    return make


def _nameless(document: Any) -> Any:
    for mesh in document["meshes"]:
        mesh.pop("extras", None)
    return document


def _empty_points(document: Any, binary: bytes) -> bytes:
    """Three million points in no bytes at all, beside the shapes of a small mesh."""
    accessors, first = document["accessors"], len(document["accessors"])
    accessors.append({"componentType": 5126, "count": 3_000_000, "type": "VEC3"})
    accessors.append({"componentType": 5121, "count": 3, "type": "SCALAR"})
    primitive = {"attributes": {"POSITION": first}, "indices": first + 1}
    return _with_mesh(document, binary, primitive)


def _covering(document: Any, binary: bytes) -> bytes:
    """A triangle as large as the head, 300,000 times over, in a byte for each corner."""
    points = np.array([[-0.1, 1.45, 0.3], [0.3, 1.45, 0.3], [0.1, 1.8, 0.3]], "<f4").tobytes()
    corners = bytes([0, 1, 2]) * 300_000
    views, accessors = document["bufferViews"], document["accessors"]
    start, binary = len(binary), binary + points + corners
    document["buffers"][0]["byteLength"] = len(binary)
    views.append({"buffer": 0, "byteOffset": start, "byteLength": len(points)})
    views.append({"buffer": 0, "byteOffset": start + len(points), "byteLength": len(corners)})
    place = {"bufferView": len(views) - 2, "componentType": 5126, "count": 3, "type": "VEC3"}
    order = {"bufferView": len(views) - 1, "componentType": 5121, "count": len(corners)}
    accessors += [place, {**order, "type": "SCALAR"}]
    primitive = {"attributes": {"POSITION": len(accessors) - 2}, "indices": len(accessors) - 1}
    return _with_mesh(document, binary, primitive)


def _with_mesh(document: Any, binary: bytes, primitive: Any) -> bytes:
    document["meshes"].append({"primitives": [primitive]})
    document["nodes"].append({"mesh": len(document["meshes"]) - 1})
    document["scenes"][0]["nodes"].append(len(document["nodes"]) - 1)
    return glb_of(document, binary)


def _moved_by(factor: float) -> Callable[[Any, bytes], bytes]:
    """All that moves, moved so many times as far, by a VRM."""
    return _of_vrm0({"mesh": 0, "index": 0, "weight": 100 * factor})


def _targets(document: Any, binary: bytes) -> bytes:
    head = document["meshes"][0]["primitives"][0]
    head["targets"] = head["targets"][:1] * 30_000
    return glb_of(document, binary)


def _one_name(document: Any, binary: bytes) -> bytes:
    document["meshes"][0]["extras"] = {"targetNames": ["aA" * 200_000] * len(_KEPT)}
    return glb_of(document, binary)


def _many_nodes(document: Any, binary: bytes) -> bytes:
    """A name and a skin of a million each, shown four thousand times."""
    eye = next(i for i, mesh in enumerate(document["meshes"]) if "Eye" in mesh.get("name", "Eye"))
    document["meshes"][eye]["name"] = "aA " * 300_000
    document["meshes"][eye]["weights"] = [0] * 300_000
    first = len(document["nodes"])
    document["nodes"] += [{"mesh": eye}] * 1000
    document["scenes"][0]["nodes"] += range(first, first + 1000)
    return glb_of(document, binary)


RIGS: dict[str, Callable[[Any, bytes], bytes]] = {
    "weight-of-text": _of_vrm1({"node": 0, "index": 0, "weight": "a"}),
    "index-of-text": _of_vrm1({"node": 0, "index": "a"}),
    "index-between": _of_vrm1({"node": 0, "index": 0.5}),
    "index-below": _of_vrm1({"node": 0, "index": -9}),
    "bind-of-nothing": _of_vrm1(None),
    "mesh-of-text": _of_vrm0({"mesh": "a", "index": "b"}),
    "weight-beyond": _of_vrm0({"mesh": 0, "index": 0, "weight": 1e308}),
    "moved-far": _moved_by(1e4),
    "binds-without-end": _of_vrm0({"mesh": 0, "index": 0}, 100_000),
    "points-without-bytes": _empty_points,
    "triangles-on-each-other": _covering,
    "targets-without-end": _targets,
    "name-without-end": _one_name,
    "nodes-without-end": _many_nodes,
}
"""By what is wrong."""


def rig_bytes(folder: Path, name: str) -> bytes:
    """One of `RIGS`."""
    document, binary = glb_parts(sound_rig(folder))
    return RIGS[name](json.loads(json.dumps(document)), binary)
