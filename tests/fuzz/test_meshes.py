"""Damaged meshes: read or named, but no traceback, no hang, and no end of memory."""

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reggan_plugin.errors import MeshError, RegganError, TextureError
from reggan_plugin.textures import files_named_by_mesh
from reggan_plugin.textures.gltf import gltf_character, schema
from reggan_plugin.textures.gltf.gltf_file import read_gltf
from reggan_plugin.textures.gltf.vrm_atlas import write_atlas
from reggan_plugin.textures.maps import choose_map
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.texture_job import run_batch
from reggan_plugin.textures.texture_request import TextureRequest
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from .damage import damaged, json_like
from .meshes import MESHES, glb_of, glb_parts, sound_meshes, use_mesh


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("meshes")


@pytest.fixture(scope="module", params=MESHES)
def mesh(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, bytes]:
    """A kind of file: where it lies, and what it holds when sound."""
    meshes = sound_meshes(folder)
    for name in ("head.obj", "head.gltf"):
        (folder / name).write_bytes(meshes[name])
    return folder / request.param, meshes[request.param]


def fault_of(path: Path) -> str | None:
    """The text of the error; anything but an error of ours goes through."""
    try:
        use_mesh(path.with_name("head.obj") if path.suffix == ".mtl" else path)
    except RegganError as error:
        return str(error)
    return None


def test_the_sound_ones_are_read(mesh: tuple[Path, bytes]) -> None:
    path, sound = mesh
    path.write_bytes(sound)
    assert fault_of(path) is None


@given(data=st.data())
def test_damaged_bytes_are_read_or_named(mesh: tuple[Path, bytes], data: st.DataObject) -> None:
    path, sound = mesh
    path.write_bytes(data.draw(damaged(sound, start=0, header=2048)))
    message = fault_of(path)
    path.write_bytes(sound)
    assert message is None or path.parent.name in message


@pytest.mark.parametrize("name", ["head.glb", "head.vrm", "old.vrm"])
@given(data=st.data())
def test_other_values_in_the_right_place_are_read_or_named(
    name: str, folder: Path, data: st.DataObject
) -> None:
    document, binary = glb_parts(sound_meshes(folder)[name])
    (folder / name).write_bytes(glb_of(data.draw(json_like(document, 60)), binary))
    message = fault_of(folder / name)
    assert message is None or str(folder) in message


def document_of(folder: Path) -> tuple[Any, bytes]:
    return glb_parts(sound_meshes(folder)["head.glb"])


def refused(folder: Path, document: Any, binary: bytes) -> str:
    path = folder / "hostile.glb"
    path.write_bytes(glb_of(document, binary))
    with pytest.raises(MeshError) as refusal:
        load_mesh(path)
    return str(refusal.value)


@pytest.mark.timeout(200)
def test_nodes_in_a_circle_are_named(folder: Path) -> None:
    for children in ({0: [1], 1: [0]}, {1: [1]}, {0: [1], 2: [1]}):
        document, binary = document_of(folder)
        for node in document["nodes"]:
            node.pop("children", None)
        for node, below in children.items():
            document["nodes"][node]["children"] = below
        assert "circle" in (text := refused(folder, document, binary)) or "two parents" in text


@pytest.mark.timeout(200)
def test_a_chain_of_nodes_of_any_depth_is_walked(folder: Path) -> None:
    document, binary = document_of(folder)
    first = len(document["nodes"])
    chain = [{"children": [first + i + 1]} for i in range(50_000)]
    document["nodes"] += [*chain, {"mesh": 0}]
    document["scenes"][0]["nodes"] = [first]
    path = folder / "deep.glb"
    path.write_bytes(glb_of(document, binary))
    character = load_mesh(path).character
    assert len(character.parts) == 2
    assert len(character.below(first)) == 6


def test_counts_without_bounds_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gltf_character, "MOST_PARTS", 200)
    monkeypatch.setattr(schema, "MOST_VALUES", 40_000)
    document, binary = document_of(folder)
    sparse = next(a for a in document["accessors"] if "sparse" in a)
    sparse["count"] = 2**30
    assert "no bytes for them" in refused(folder, document, binary)
    document, binary = document_of(folder)
    position = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    document["accessors"][position] |= {"count": 13_000_000}
    del document["accessors"][position]["bufferView"]
    assert "13,000,000 values and no bytes for them" in refused(folder, document, binary)
    document, binary = document_of(folder)
    document["nodes"] += [{"mesh": 0}] * 300
    document["scenes"][0]["nodes"] = list(range(2, len(document["nodes"])))
    assert "more than 200 parts" in refused(folder, document, binary)
    many = b"0," * 40_001
    (folder / "many.gltf").write_bytes(b'{"asset": {"version": "2.0"}, "extras": [' + many + b"0]}")
    with pytest.raises(MeshError, match="JSON has"):
        load_mesh(folder / "many.gltf")
    nested: Any = []
    for _ in range(400):
        nested = [nested]
    document["extras"] = nested
    assert "nested more than" in refused(folder, document, binary)
    (folder / "deep.gltf").write_bytes(b"[" * 1_000_000)
    with pytest.raises(MeshError, match="broken glTF file"):
        load_mesh(folder / "deep.gltf")


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither /dev/zero nor FIFOs")
def test_a_batch_goes_on_after_every_hostile_character(tmp_path: Path) -> None:
    cast, out = tmp_path / "cast", tmp_path / "out"
    cast.mkdir()
    (cast / "a.glb").write_bytes(b"glTF" + bytes(100))
    document, binary = document_of(tmp_path)
    document["nodes"][1]["children"] = [0]
    (cast / "b.glb").write_bytes(glb_of(document, binary))
    (cast / "c.glb").symlink_to("/dev/zero")
    os.mkfifo(cast / "d.glb")
    (cast / "e.gltf").write_text('{"asset": {"version": "2.0"}, "nodes": [7]}')
    (cast / "f.obj").write_text("f 1 2 3")
    (cast / "g.glb").write_bytes(b"")
    request = TextureRequest(mesh=cast, mixes={"sad": ExpressionMix({"sad": 1.0})}, out=out)
    outcomes = list(run_batch(request, cast, open_transfer, lambda: False, with_meshes=False))
    assert {outcome.name: outcome.outcome for outcome in outcomes} == dict.fromkeys(
        "abcdefg", "failed"
    )
    assert all(outcome.error and str(cast) in outcome.error for outcome in outcomes)


@cache
def open_transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu")


@pytest.mark.timeout(200)
def test_an_obj_that_names_libraries_without_end_is_named(folder: Path) -> None:
    text = "".join(f"mtllib {i}.mtl\n" for i in range(100_000))
    (folder / "many.obj").write_text(f"{text}v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(MeshError, match="material libraries"):
        load_mesh(folder / "many.obj")


@pytest.mark.parametrize("document", [0, 1.5, None, True, "glTF", []])
def test_a_document_that_is_no_object_is_named(document: Any, folder: Path) -> None:
    assert "expected an object" in refused(folder, document, b"")


def test_a_mesh_without_triangles_is_named(folder: Path) -> None:
    document, binary = document_of(folder)
    for primitive in document["meshes"][0]["primitives"]:
        primitive["attributes"] = {"POSITION": primitive["attributes"]["POSITION"]}
        primitive.pop("indices", None)
        primitive.pop("targets", None)
    document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]][
        "count"
    ] = 0
    assert "no triangles" in refused(folder, document, binary)


def test_points_of_two_numbers_are_named(folder: Path) -> None:
    (folder / "flat.obj").write_text("v 0 0\nv 1 0\nv 0 1\nf 1 2 3\n")
    with pytest.raises(MeshError, match="points of fewer than 3 coordinates"):
        load_mesh(folder / "flat.obj")


def test_points_that_are_nowhere_are_named(folder: Path) -> None:
    (folder / "far.obj").write_text("v 0 0 0\nv nan 0 0\nv 0 1e30 0\nf 1 2 3\n")
    with pytest.raises(MeshError, match="no numbers, or farther"):
        load_mesh(folder / "far.obj")
    document, binary = document_of(folder)
    document["nodes"][2].pop("skin")
    document["nodes"][2]["scale"] = [1e25, 1, 1]
    assert "no numbers, or farther" in refused(folder, json.loads(json.dumps(document)), binary)


def test_extensions_that_a_file_requires_are_read_or_named(folder: Path) -> None:
    document, binary = document_of(folder)
    document["extensionsRequired"] = ["KHR_texture_transform", "KHR_materials_unlit", "VRMC_vrm"]
    (folder / "required.glb").write_bytes(glb_of(document, binary))
    load_mesh(folder / "required.glb")
    for name in ("EXT_mesh_gpu_instancing", "OWN_\ud800", "K" * 999):
        document["extensionsRequired"] = [name]
        message = refused(folder, json.loads(json.dumps(document)), binary)
        assert "requires the extension" in message
        assert len(message) < len(str(folder)) + 200
    document["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    assert "is packed with KHR_draco" in refused(folder, document, binary)


def test_an_obj_that_names_maps_without_end_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_named_by_mesh, "MOST_NAMED_FILES", 100)
    lines = "".join(f"newmtl m{i}\nmap_Kd {i}.png\n" for i in range(101))
    (folder / "maps.mtl").write_text(lines + "map_Kd 0.png\n" * 1000)
    (folder / "maps.obj").write_text("mtllib maps.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(MeshError, match=r"maps\.obj names 101 files, of at most 100"):
        load_mesh(folder / "maps.obj")
    (folder / "maps.mtl").write_text("newmtl m\n" + "map_Kd 0.png\n" * 1000)
    load_mesh(folder / "maps.obj")


def test_a_sparse_accessor_larger_than_itself_is_named(folder: Path) -> None:
    document, binary = document_of(folder)
    sparse = next(a["sparse"] for a in document["accessors"] if "sparse" in a)
    sparse["count"] = 4
    path = folder / "sparse.glb"
    path.write_bytes(glb_of(document, binary))
    with pytest.raises(MeshError, match="is sparse beyond its 3 values"):
        load_mesh(path, with_morphs=True)


def test_maps_beyond_all_memory_are_left_out_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_map, "MOST_MAP_PIXELS", 50)
    document, binary = document_of(folder)
    skin = document["meshes"][0]["primitives"][0]
    for number, image in ((1, 0), (2, 1)):  # of one image twice, and of another
        document["images"] += [dict(document["images"][0])] * (number - 1)
        document["textures"].append({"source": image})
        base = {"baseColorTexture": {"index": number}, "baseColorFactor": [number / 4, 1, 1, 1]}
        document["materials"].append({"name": f"m{number}", "pbrMetallicRoughness": base})
        own = {**skin, "material": len(document["materials"]) - 1}
        document["meshes"][0]["primitives"].append(own)
    (folder / "maps.glb").write_bytes(glb_of(document, binary))
    maps = choose_map.PartMaps(load_mesh(folder / "maps.glb"), folder)
    first, same, other = (maps.map_of(part) for part in maps.parts_with_image())
    assert first is not None
    assert same is not None
    assert other is None
    assert same.tiles is first.tiles
    assert same.tint != first.tint
    assert "64 pixels, of at most 50" in str(next(iter(maps.notices)))


def test_a_map_that_breaks_off_is_named_before_an_atlas_is_made(folder: Path) -> None:
    path = folder / "atlas.vrm"
    path.write_bytes(sound_meshes(folder)["head.vrm"])
    gltf = read_gltf(path)
    picture = (folder / "skin.png").read_bytes()
    with pytest.raises(TextureError, match="image 0 cannot be put into an atlas"):
        write_atlas(gltf, 0, {"happy": picture, "sad": picture[:50]}, folder / "cut.vrm")
    assert not (folder / "cut.vrm").exists()
