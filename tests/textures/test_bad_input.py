"""What cannot be done is said with the remedy, before anything is written."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import (
    EmptySourceError,
    FaceNotFoundError,
    MeshError,
    RegganError,
    TextureError,
    UnreadableFrameError,
    UsageError,
)
from reggan_plugin.textures.gltf.gltf_file import read_gltf
from reggan_plugin.textures.map_change import PreparedFace
from reggan_plugin.textures.maps import choose_map
from reggan_plugin.textures.read_mesh import load_mesh
from reggan_plugin.textures.texture_job import run_request
from reggan_plugin.textures.texture_request import Look, TextureRequest
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..glb_files import glb_bytes
from ..sample_frames import SAMPLES
from .conftest import SIDE_PX, MadeHead, write_obj
from .test_write_gltf import parsed

HAPPY = {"happy": ExpressionMix({"happy": 1.0})}


def run(transfer: ExpressionTransfer, mesh: Path | None, look: Look, **more: object) -> None:
    request = TextureRequest(mesh=mesh, look=look, mixes=HAPPY, **more)  # type: ignore[arg-type]
    run_request(request, lambda: transfer)


def test_a_mesh_without_uvs(head_files: Path, transfer: ExpressionTransfer, tmp_path: Path) -> None:
    lines = (head_files / "head.obj").read_text().splitlines()
    bare = [line for line in lines if not line.startswith("vt")]
    bare = [" ".join(word.partition("/")[0] for word in line.split(" ")) for line in bare]
    (tmp_path / "head.obj").write_text("\n".join(bare))
    with pytest.raises(MeshError, match=r"no UVs.*Unwrap the mesh"):
        run(transfer, tmp_path / "head.obj", Look(texture=head_files / "base_color.png"))


def test_uvs_outside_0_to_1_repeat_and_are_named(
    head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """The same map under UVs three repetitions away gives the same result."""
    write_obj(tmp_path / "far.obj", head, uv=head.uv + np.array([3, -2]))
    look = Look(texture=head_files / "base_color.png")
    near = PreparedFace(head_files / "head.obj", look, transfer, tmp_path)
    far = PreparedFace(tmp_path / "far.obj", look, transfer, tmp_path)
    assert any("outside 0 to 1" in notice for notice in far.notices)
    assert not any("outside 0 to 1" in notice for notice in near.notices)
    mix = ExpressionMix({"angry": 1.0})
    difference = np.abs(far.change(mix).tiles[1001].astype(int) - near.change(mix).tiles[1001])
    assert difference.mean() < 0.01


@pytest.mark.parametrize(
    "texture", ["normal.png", "face_Roughness.png", "T_Head_ORM.png", "face_raw.png"]
)
def test_maps_of_numbers_are_refused_by_name(
    texture: str, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    (tmp_path / texture).write_bytes((head_files / "base_color.png").read_bytes())
    with pytest.raises(TextureError, match=r"not a colour map"):
        run(transfer, head_files / "head.obj", Look(texture=tmp_path / texture))
    assert [path.name for path in tmp_path.iterdir()] == [texture]


def test_a_map_of_numbers_is_changed_when_forced(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    (tmp_path / "face_raw.png").write_bytes((head_files / "base_color.png").read_bytes())
    look = Look(texture=tmp_path / "face_raw.png", force=True)
    run(transfer, head_files / "head.obj", look)
    assert (tmp_path / "face_raw_happy.png").is_file()


def test_a_normal_map_is_refused_by_its_look(transfer: ExpressionTransfer, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(0, 0.15, (64, 64, 3)) + np.array([0, 0, 1])
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    levels = np.rint((vectors * 0.5 + 0.5) * 255).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "face.png")
    with pytest.raises(TextureError, match="directions of unit length"):
        run(transfer, None, Look(texture=tmp_path / "face.png"))


def test_a_normal_map_is_refused_by_its_slot(transfer: ExpressionTransfer, head_glb: Path) -> None:
    document, binary = parsed(head_glb)
    document["materials"][1]["normalTexture"] = {"index": 0}
    head_glb.write_bytes(glb_bytes(document, binary))
    with pytest.raises(TextureError, match="'Unused' uses it as its normalTexture"):
        run(transfer, head_glb, Look())


def test_a_mesh_that_shows_no_face(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), (150, 120, 100)).save(tmp_path / "plain.png")
    look = Look(texture=tmp_path / "plain.png", front="+Z")
    with pytest.raises(
        FaceNotFoundError, match=r"looked at the whole mesh, the upper 30% of the mesh.*from .Z"
    ):
        run(transfer, head_files / "head.obj", look)


def test_a_damaged_map_inside_a_mesh_is_named(
    head: MadeHead,
    head_files: Path,
    transfer: ExpressionTransfer,
    write_head_glb: Callable[..., None],
    tmp_path: Path,
) -> None:
    picture = (head_files / "base_color.png").read_bytes()
    write_head_glb(tmp_path / "head.glb", head, image=picture[: len(picture) // 2])
    said = r"head\.glb is shown without its map: \w+\.png is truncated"
    with pytest.raises(RegganError, match=said):
        run(transfer, tmp_path / "head.glb", Look())


def test_a_damaged_map_of_the_face_is_named_by_its_mesh(
    transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """The sample's face is found without its map, so that the map is what fails."""
    gltf, content = read_gltf(SAMPLES / "head.glb"), (SAMPLES / "head.glb").read_bytes()
    for entry in gltf.list_of("images"):
        picture = bytes(gltf.view(entry["bufferView"]))
        half = len(picture) // 2
        content = content.replace(picture[half:], bytes(len(picture) - half))
    mesh = tmp_path / "head.glb"
    mesh.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match=f"^{re.escape(str(mesh))}: image_0.jpg is "):
        run(transfer, mesh, Look())


def test_a_texture_that_is_not_the_meshs(
    transfer: ExpressionTransfer, head_glb: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), (90, 200, 100)).save(tmp_path / "grass.png")
    with pytest.raises(
        TextureError, match=r"does not seem to be a map of.*nothing like the mesh.s own"
    ):
        run(transfer, head_glb, Look(texture=tmp_path / "grass.png"))


def test_a_texture_that_does_not_join_at_the_meshs_seams(
    head: MadeHead, head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """The right half of the map is moved up, as on a map for another layout."""
    wrong = head.picture.copy()
    wrong[:, SIDE_PX // 2 :] = np.roll(wrong[:, SIDE_PX // 2 :], -SIDE_PX // 3, axis=0)
    Image.fromarray(wrong).save(tmp_path / "other.png")
    with pytest.raises(TextureError, match="across the mesh's UV seams"):
        run(transfer, head_files / "head.obj", Look(texture=tmp_path / "other.png"))


def test_a_face_that_no_name_tells_wears_the_map_that_is_given(
    transfer: ExpressionTransfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The skin of the sample has lost its map, which lies beside; the eyes have theirs."""
    gltf = read_gltf(SAMPLES / "head.glb")
    (tmp_path / "base.jpg").write_bytes(gltf.view(gltf.list_of("images")[0]["bufferView"]))
    document, binary = parsed(SAMPLES / "head.glb")
    del document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    (tmp_path / "bare.glb").write_bytes(glb_bytes(document, binary))
    look = Look(texture=tmp_path / "base.jpg")
    bare = PreparedFace(tmp_path / "bare.glb", look, transfer, tmp_path)
    whole = PreparedFace(SAMPLES / "head.glb", Look(), transfer, tmp_path)
    assert bare.material_name == "Skin"
    assert bare.parts == whole.parts
    assert (bare.front_view[0].colour == whole.front_view[0].colour).all()
    monkeypatch.setattr(choose_map, "joins_at_seams", lambda *_: False)  # the sample has no seams
    with pytest.raises(TextureError, match="across the mesh's UV seams"):
        PreparedFace(tmp_path / "bare.glb", look, transfer, tmp_path)


def test_a_face_that_is_not_seen_without_its_map_needs_its_material(
    transfer: ExpressionTransfer, head_files: Path, head_glb: Path
) -> None:
    """Without its map the egg is plain, and a part at its back has a map."""
    document, binary = parsed(head_glb)
    face, back = document["materials"]
    back["pbrMetallicRoughness"] = face.pop("pbrMetallicRoughness")
    (primitive,) = document["meshes"][0]["primitives"]
    few = {**document["accessors"][primitive["indices"]], "count": 60}
    document["accessors"].append(few)
    behind = {**primitive, "indices": len(document["accessors"]) - 1, "material": 1}
    document["meshes"][0]["primitives"].append(behind)
    head_glb.write_bytes(glb_bytes(document, binary))
    look = Look(texture=head_files / "base_color.png")
    said = r"which material \(Face, Unused\) wears .*base_color\.png, and without .* shows no face"
    with pytest.raises(FaceNotFoundError, match=said) as caught:
        run(transfer, head_glb, look)
    assert with_remedy(caught.value.remark).endswith("--head-bone Head).")
    assert "--material names the material" in with_remedy(caught.value.remark)
    run(transfer, head_glb, replace(look, material="Face"), out=head_glb.with_name("map.png"))


def test_an_unknown_bone_or_material_is_named_with_what_there_is(
    transfer: ExpressionTransfer, head_glb: Path
) -> None:
    with pytest.raises(UsageError, match=r"'Kopf'.*it has J_Head"):
        run(transfer, head_glb, Look(head_bone="Kopf"))
    with pytest.raises(UsageError, match="'Skin'; it has Face"):
        run(transfer, head_glb, Look(material="Skin"))


@pytest.mark.parametrize("keep", [0, 3, 11, 19, 300, 0.5, 0.99])
def test_a_glb_that_is_cut_off(keep: float, head_glb: Path) -> None:
    content = head_glb.read_bytes()
    head_glb.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(MeshError, match="Export it again"):
        load_mesh(head_glb)


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": [{"mesh": 7}]},
        {"accessors": []},
        {"scenes": [{"nodes": [99]}]},
        {"meshes": [{"primitives": [{"attributes": {}}]}]},
        {"asset": {"version": "1.0"}},
        {"bufferViews": [{"buffer": 0, "byteLength": 10**9}] * 12},
    ],
)
def test_a_glb_whose_indices_lead_nowhere(change: dict[str, object], head_glb: Path) -> None:
    document, binary = parsed(head_glb)
    head_glb.write_bytes(glb_bytes({**document, **change}, binary))
    with pytest.raises(MeshError, match=r"[Ee]xport"):
        load_mesh(head_glb)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("head.obj", "v 0 0 0\n"),
        ("head.ply", "ply\nformat ascii 1.0\nelement vertex 9\n"),
        ("head.gltf", "{"),
        ("head.gltf", json.dumps({"asset": {"version": "2.0"}})),
        ("head.fbx", "Kaydara"),
    ],
)
def test_meshes_without_a_mesh(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(MeshError):
        load_mesh(tmp_path / name)


@pytest.mark.parametrize(
    ("look", "more", "error", "message"),
    [
        ({"texture": "nothing.png"}, {}, EmptySourceError, "no such texture"),
        ({"texture": "face.<UDIM>.png"}, {}, EmptySourceError, "no tile fits"),
        ({}, {"out": "{folder}/base_color.png"}, UsageError, "is an input"),
        ({}, {"out": "{folder}/new.jpg"}, UsageError, "another ending.*Let it end in .png"),
        ({}, {"out_mesh": "{folder}/new.glb"}, UsageError, "and this is none"),
    ],
)
def test_requests_that_cannot_be_meant(
    look: dict[str, str],
    more: dict[str, str],
    error: type[RegganError],
    message: str,
    head_files: Path,
    transfer: ExpressionTransfer,
) -> None:
    texture = head_files / look.get("texture", "base_color.png")
    paths = {k: Path(v.replace("{folder}", str(head_files))) for k, v in more.items()}
    with pytest.raises(error, match=message):
        run(transfer, head_files / "head.obj", Look(texture=texture), **paths)


def test_several_expressions_do_not_go_into_one_file(
    head_files: Path, transfer: ExpressionTransfer
) -> None:
    mixes = {name: ExpressionMix({name: 1.0}) for name in ("happy", "sad")}
    request = TextureRequest(
        mesh=head_files / "head.obj",
        look=Look(texture=head_files / "base_color.png"),
        mixes=mixes,
        out=head_files / "one.png",
    )
    with pytest.raises(UsageError, match=r"one_\{expression\}\.png, or name a folder"):
        run_request(request, lambda: transfer)


@pytest.mark.parametrize(
    ("out_mesh", "mesh_as", "message"),
    [
        ("new.gltf", "replace", r"another kind than.*Give it the ending \.glb"),
        ("new.jpg", "replace", r"another kind than.*Give it the ending \.glb"),
        ("new.glb", "atlas", "not VRM 1.0.*variant"),
    ],
)
def test_a_mesh_that_cannot_be_written_is_refused_before_the_work(
    out_mesh: str,
    mesh_as: str,
    message: str,
    head: MadeHead,
    transfer: ExpressionTransfer,
    head_glb: Path,
    tmp_path: Path,
) -> None:
    outputs = {"out": tmp_path / "new.png", "out_mesh": tmp_path / out_mesh, "mesh_as": mesh_as}
    with pytest.raises(UsageError, match=message):
        run(transfer, head_glb, Look(), **outputs)
    assert [path.name for path in tmp_path.iterdir()] == ["head.glb"]


def test_a_mesh_without_a_size(
    head_files: Path, transfer: ExpressionTransfer, tmp_path: Path
) -> None:
    """Every point in one place: nothing that a camera could frame."""
    corners = "v 1 2 3\nv 1 2 3\nv 1 2 3\nvt 0 0\nvt 1 0\nvt 0 1\n"
    (tmp_path / "head.obj").write_text(f"{corners}f 1/1 2/2 3/3\n")
    with pytest.raises(FaceNotFoundError, match="nothing, as it has no size"):
        run(transfer, tmp_path / "head.obj", Look(texture=head_files / "base_color.png"))
