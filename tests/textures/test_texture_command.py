"""`reggan-plugin texture` on the command line: one character, a folder of them, a sheet."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main

from ..glb_files import glb_bytes
from .conftest import SIDE_PX, MadeHead
from .test_write_gltf import parsed


def test_one_character(head_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["texture", "--mesh", str(head_files / "head.obj")]
    command += ["--texture", str(head_files / "base_color.png"), "--expression", "sad"]
    command += ["--out", str(tmp_path / "sad.png"), "--json"]
    assert main(command) == 0
    captured = capfd.readouterr()
    document = json.loads(captured.out)
    assert document["written"] == [str(tmp_path / "sad.png")]
    assert document["changed_texels"]["sad"] > 1000
    assert {"find the face", "views", "model", "reprojection", "write"} <= set(document["seconds"])
    assert "looking to +Z" in captured.err
    with Image.open(tmp_path / "sad.png") as picture:
        assert picture.size == (SIDE_PX, SIDE_PX)


def test_on_a_terminal_a_bar_says_how_much_is_done_and_quiet_says_nothing(
    head_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["texture", "--mesh", str(head_files / "head.obj")]
    command += ["--texture", str(head_files / "base_color.png"), "--expression", "sad"]
    assert main([*command, "--out", str(tmp_path / "quiet.png"), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == [str(tmp_path / "quiet.png")]
    assert captured.err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main([*command, "--out", str(tmp_path / "bar.png")]) == 0
    shown = capsys.readouterr().err
    assert "Changing maps" in shown
    assert "100%" in shown


def test_a_folder_of_characters_goes_on_where_it_stopped(
    head: MadeHead,
    head_files: Path,
    write_head_glb: Callable[..., None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cast, out = tmp_path / "cast", tmp_path / "out"
    (cast / "ann").mkdir(parents=True)
    (cast / "bob").mkdir()
    image = (head_files / "base_color.png").read_bytes()
    write_head_glb(cast / "ann" / "ann.glb", head, image=image)
    (cast / "bob" / "bob.glb").write_bytes(b"glTF broken")
    command = ["texture", "--mesh", str(cast), "--expression", "angry", "--expression", "sad"]
    command += ["--out", str(out)]
    assert main([*command, "--json"]) == 1
    captured = capfd.readouterr()
    document = json.loads(captured.out)
    outcomes = {entry["name"]: entry["outcome"] for entry in document["characters"]}
    assert outcomes == {"ann": "written", "bob": "failed"}
    assert "broken glTF" in captured.err
    assert "1 of 2 characters failed: bob" in captured.err
    names = sorted(path.name for path in (out / "ann").iterdir() if path.is_file())
    assert names == ["ann_angry.png", "ann_sad.png"]
    (out / "ann" / "ann_sad.png").unlink()
    shutil.copy(cast / "ann" / "ann.glb", cast / "bob" / "bob.glb")
    stamp = (out / "ann" / "ann_angry.png").stat().st_mtime_ns
    assert main([*command, "--resume"]) == 0
    captured = capfd.readouterr()
    written = [Path(line).name for line in captured.out.split()]
    assert written == ["ann_sad.png", "bob_angry.png", "bob_sad.png"]
    assert (out / "ann" / "ann_angry.png").stat().st_mtime_ns == stamp
    assert "2 written, 0 skipped, 0 failed" in captured.err


def test_characters_whose_mesh_is_not_written_are_named(
    head_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(head_files, tmp_path / "cast" / "ann")
    command = ["texture", str(tmp_path / "cast"), "-e", "sad", "--texture", "base_color.png"]
    assert main([*command, "--out", str(tmp_path / "out"), "--mesh-as", "variants"]) == 0
    assert "Note, ann: head.obj is no glTF, so its maps are written alone" in capfd.readouterr().err


def test_maps_go_to_a_folder_beside_a_mesh_that_holds_them_too(
    head_glb: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["texture", str(head_glb), "-e", "sad", "--out-mesh", str(tmp_path / "sad.glb")]
    assert main([*command, "--out", f"{tmp_path}/maps/"]) == 0
    made = [Path(line) for line in capfd.readouterr().out.split()]
    assert [path.parent.name for path in made] == ["maps", tmp_path.name]
    assert all(path.exists() for path in made)


def test_one_mesh_of_all_expressions_is_called_by_none(
    head_glb: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["texture", str(head_glb), "-e", "sad", "-e", "happy"]
    assert main([*command, "--out-mesh", str(tmp_path / "{expression}.glb")]) == 2
    assert "With --mesh-as replace each gets a mesh of its own." in capfd.readouterr().err
    command = ["texture", str(head_glb), "-e", "sad", "--mesh-as", "replace"]
    assert main([*command, "--out-mesh", str(tmp_path / "{expression}.glb")]) == 0
    assert (tmp_path / "sad.glb").exists()


def test_the_mesh_is_an_argument_and_several_expressions_go_to_a_folder(
    head_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["texture", str(head_files / "head.obj"), "-e", "sad", "-e", "happy"]
    command += ["--texture", str(head_files / "base_color.png")]
    assert main([*command, "-o", str(tmp_path / "all.png")]) == 2
    assert "or name a folder: maps/" in capfd.readouterr().err
    assert main([*command, "-o", f"{tmp_path}/maps/base_color_{{expression}}.png"]) == 0
    written = [tmp_path / "maps" / f"base_color_{name}.png" for name in ("sad", "happy")]
    assert capfd.readouterr().out.split() == [str(path) for path in written]
    contents = [path.read_bytes() for path in written]
    assert contents[0] != contents[1]
    with Image.open(written[0]) as picture:
        assert picture.size == (SIDE_PX, SIDE_PX)


@pytest.mark.slow
def test_a_sheet_shows_all_expressions(head_files: Path, tmp_path: Path) -> None:
    command = ["texture", "--mesh", str(head_files / "head.obj")]
    command += ["--texture", str(head_files / "base_color.png"), "--sheet", str(tmp_path / "s.png")]
    assert main(command) == 0
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.size[0] > 1700
        assert np.asarray(sheet).std() > 20
    assert main(command) == 1  # it is there
    command += ["--expression", "sad", "--out", str(tmp_path / "new" / "map.png"), "--overwrite"]
    command[command.index("--sheet") + 1] = str(head_files / "base_color.png")
    assert main(command) == 2  # before a map is written
    assert not (tmp_path / "new").exists()


def test_a_gltf_names_the_maps_beside_it_and_finds_its_own_files(
    head_glb: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    document, binary = parsed(head_glb)
    document["buffers"][0]["uri"] = "data.bin"
    (tmp_path / "data.bin").write_bytes(binary)
    view = document["bufferViews"][document["images"][0].pop("bufferView")]
    place = slice(view["byteOffset"], view["byteOffset"] + view["byteLength"])
    document["images"][0]["uri"] = "face_base.png"
    (tmp_path / "face_base.png").write_bytes(binary[place])
    mesh, out = tmp_path / "head.gltf", tmp_path / "sad.gltf"
    mesh.write_text(json.dumps(document))
    (tmp_path / "other").mkdir()
    command = ["texture", str(mesh), "-e", "sad"]
    assert main([*command, "--out-mesh", str(out)]) == 0
    (image, *_) = json.loads(out.read_text())["images"]
    assert capfd.readouterr().out.splitlines() == [str(out), str(tmp_path / image["uri"])]
    command += ["-i", "0", "--texture", str(tmp_path / "face_base.png")]
    assert main([*command, "--out-mesh", str(tmp_path / "other" / "same.gltf")]) == 2
    assert "would not find the files" in capfd.readouterr().err
    assert main([*command, "--out-mesh", str(tmp_path / "same.gltf")]) == 0
    assert (tmp_path / "same.gltf").read_bytes() == mesh.read_bytes()


def test_a_material_brings_all_that_wear_its_map(
    head_glb: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    results = []
    for name in ("whole", "halves"):
        document, binary = parsed(head_glb)
        (primitive,) = document["meshes"][0]["primitives"]
        if name == "halves":
            indices = document["accessors"][primitive["indices"]]
            indices["count"] //= 2
            rest = {**indices, "byteOffset": 4 * indices["count"]}
            document["accessors"].append(rest)
            other = {**primitive, "material": 1, "indices": len(document["accessors"]) - 1}
            document["meshes"][0]["primitives"].append(other)
            document["materials"][1] = {**document["materials"][0], "name": "Neck"}
        mesh = head_glb.with_name(f"{name}.glb")
        mesh.write_bytes(glb_bytes(document, binary))
        assert main(["texture", str(mesh), "-e", "sad", "--material", "Face"]) == 0
        assert "of material 'Face'" in capfd.readouterr().err
        results.append(np.asarray(Image.open(head_glb.with_name(f"{name}_sad.png"))).astype(int))
    assert np.abs(results[0] - results[1]).mean() < 0.1


def test_a_material_whose_name_two_maps_share_is_refused(
    head_glb: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    document, binary = parsed(head_glb)
    document["materials"][1]["name"] = "Face"
    (primitive,) = document["meshes"][0]["primitives"]
    document["meshes"][0]["primitives"].append({**primitive, "material": 1})
    head_glb.write_bytes(glb_bytes(document, binary))
    command = ["texture", str(head_glb), "-e", "sad", "--material", "Face"]
    assert main([*command, "--out-mesh", str(head_glb.with_name("out.glb"))]) == 2
    assert "several materials 'Face', with different maps" in capfd.readouterr().err


def test_maps_that_stay_are_not_written_where_the_sheet_cannot_be(
    head_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["texture", str(head_files / "head.obj"), "-e", "sad", "-i", "0"]
    command += ["--texture", str(head_files / "base_color.png"), "--material", "NOPE"]
    command += ["--out", str(tmp_path / "map.png"), "--sheet", str(tmp_path / "sheet.png")]
    assert main(command) == 2
    assert "no material 'NOPE'" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--expression", "happy"], "No mesh was given.*--flat"),
        (["--flat", "--expression", "happy"], "--flat takes a map alone"),
        (["--flat", "--texture", "x.png", "--front", "+Z"], "--flat has none. Leave them out"),
        (["--mesh", ".", "--face-box", "1,2,3,4"], "--face-box is for --flat"),
        ([".", "--mesh", "."], "name one mesh"),
        (["--mesh", "."], "No --expression was given"),
        (["--mesh", ".", "--expression", "happy"], "Pass --out DIR"),
        (["--mesh", ".", "--expression", "happy", "--sheet", "s.png"], "name one file"),
        (["--mesh", ".", "--expression", "happy", "--expression", "joy"], "would be named happy"),
    ],
)
def test_requests_that_contradict_themselves(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    import re

    assert main(["texture", *arguments]) == 2
    assert re.search(message, capfd.readouterr().err)


def test_a_run_that_fails_leaves_no_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "cast").mkdir()
    (tmp_path / "cast" / "head.obj").write_text("no mesh")
    words = ["--expression", "sad", "--out", f"{tmp_path / 'out' / 'maps'}/"]
    for mesh in (tmp_path / "cast", tmp_path / "cast" / "head.obj"):
        assert main(["texture", str(mesh), *words]) == 1
        assert not (tmp_path / "out").exists()
    (tmp_path / "out" / "maps").mkdir(parents=True)
    assert main(["texture", str(mesh), *words]) == 1
    assert (tmp_path / "out" / "maps").exists(), "it was there before"


def test_an_empty_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none").mkdir()
    command = ["texture", "--mesh", str(tmp_path / "none"), "--expression", "happy"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 1
    assert "holds no character" in capfd.readouterr().err


def test_without_the_extra_it_is_named() -> None:
    script = (
        "import sys; sys.modules['embreex'] = None\n"
        "from reggan_plugin.cli import main\n"
        "sys.exit(main(['texture', '--mesh', sys.argv[1], '--expression', 'happy']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, __file__], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert 'pip install "reggan-plugin[textures]"' in run.stderr
