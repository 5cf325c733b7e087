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

from .conftest import SIDE_PX, MadeHead


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
