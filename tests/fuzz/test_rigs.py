"""Heads of strangers for `--rig` and `--teeth`: read or named, and soon."""

import time
from pathlib import Path

import pytest

from reggan_plugin.errors import MeshError, RegganError
from reggan_plugin.textures.read_rig import read_rig

from .damage import Seeded
from .rigs import RIGS, hostile_rig, rig_bytes, sound_rig, use_rig

SAID = {
    **dict.fromkeys(("index-below", "name-without-end"), "shapes of other names|no shapes at all"),
    **dict.fromkeys(("weight-of-text", "index-of-text", "index-between"), "expressions are broken"),
    **dict.fromkeys(("bind-of-nothing", "mesh-of-text"), "expressions are broken"),
    "weight-beyond": "moves points by what is no number",
    **dict.fromkeys(("moved-far", "binds-without-end"), "times the distance of the eyes"),
    "points-without-bytes": "no bytes for them",
    "nodes-without-end": "too large for a rig|more than 40,000,000 points",
    "triangles-on-each-other": "cover the picture more than",
    "targets-without-end": "more than 40,000,000 points",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rigs")


def test_the_sound_one_is_read(folder: Path) -> None:
    (folder / "head.glb").write_bytes(sound_rig(folder))
    use_rig(folder / "head.glb")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", RIGS)
def test_a_hostile_rig_is_read_or_named_soon(name: str, folder: Path) -> None:
    path = folder / f"{name}.glb"
    path.write_bytes(rig_bytes(folder, name))
    begin = time.process_time()
    with pytest.raises(MeshError, match=SAID[name]) as refusal:
        use_rig(path)
    assert time.process_time() - begin < 60  # a fifth of it where no other tests fill the memory
    assert name in str(refusal.value)
    assert len(str(refusal.value)) < 1000


@pytest.mark.timeout(300)
def test_damaged_rigs_are_read_or_named(folder: Path) -> None:
    path, said = folder / "damaged.glb", [""]
    for number in range(12):
        path.write_bytes(hostile_rig(folder, Seeded(f"rig {number}")))
        try:
            use_rig(path)
        except RegganError as error:
            said.append(str(error))
    assert max(map(len, said)) < 2000


_USD = """#usda 1.0
(defaultPrim = "R")
def SkelRoot "R" {
def Mesh "Head" (prepend apiSchemas = ["SkelBindingAPI"]) {
int[] faceVertexCounts = [3]
int[] faceVertexIndices = [0, 1, 2]
point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
uniform token[] skel:blendShapes = ["jawOpen"]
rel skel:blendShapeTargets = %s
def BlendShape "a" {
%s
}
}
}
"""


@pytest.mark.parametrize(
    ("target", "body", "said"),
    [
        ("</R/none>", "", "'jawOpen' is not there"),
        (
            "</R/Head/a>",
            "vector3f[] offsets = [(inf, 0, 1), (0, 0, 0), (0, 0, 0)]",
            "moves points by what is no number",
        ),
        (
            "</R/Head/a>",
            "vector3f[] offsets = [(nan, 0, 1), (0, 0, 0), (0, 0, 0)]",
            "moves points by what is no number",
        ),
        (
            "</R/Head/a>",
            "vector3f[] offsets = [(0, 0, 1)]\nint[] pointIndices = [9]",
            "point indices from 9 to 9; expected 0 to 2",
        ),
        ("</R/Head/a>", 'string[] offsets = ["a"]', "Head"),
    ],
)
def test_blend_shapes_of_usd_that_fit_nothing_are_named(
    target: str, body: str, said: str, folder: Path
) -> None:
    pytest.importorskip("pxr.Usd")
    (folder / "rig.usda").write_text(_USD % (target, body))
    with pytest.raises(MeshError, match=said):
        read_rig(folder / "rig.usda")
