"""No command writes over a file that it reads, by whatever name or link."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.cli import reggan_plugin as group
from reggan_plugin.commands.options.options_and_settings_file import GroupedOption
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.file_safety import refuse_overwriting
from reggan_plugin.models.model_card import find_model

from ..fuzz.attacks import video
from ..sample_frames import SAMPLES, small_frame

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A shot, a folder of results with a matte in it, and every other kind of input."""
    for folder in ("shot", "out/.reggan", "in"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("shot", "out"):
        for number in (1001, 1002):
            Image.new("RGB", (64, 64), (90, 80, 70)).save(tmp_path / folder / f"a.{number}.png")
    given = tmp_path / "in"
    points = {name: [20.0 + i, 20.0 + i] for i, name in enumerate(LANDMARK_NAMES)}
    (given / "points.json").write_text(json.dumps(points))
    (given / "curve.csv").write_text("1001,happy,0.8\n")
    tracks = {"kind": "reggan-tracks", "schema": 1, "frames": {"1001": {"faces": []}}}
    (given / "tracks.json").write_text(json.dumps(tracks))
    (given / "model.onnx").write_bytes(find_model().read_bytes())
    (given / "base.png").write_bytes((tmp_path / "shot" / "a.1001.png").read_bytes())
    (given / "bump.png").write_bytes((given / "base.png").read_bytes())
    (given / "looks.mtl").write_text("newmtl skin\nmap_Kd base.png\n")
    corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n"
    (given / "moods.json").write_text("happy\nsad\n")
    (given / "take.csv").write_text("time,jawOpen\n0,0.5\n1,0.6\n")
    (given / "take.bin").write_bytes(bytes(16))
    buffer: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": "take.bin", "byteLength": 16}],
    }
    buffer["images"] = [{"uri": "skin.png"}]
    (given / "skin.png").write_bytes((given / "base.png").read_bytes())
    (given / "take.gltf").write_text(json.dumps(buffer))
    (tmp_path / "shot" / "reggan-plugin.toml").write_text("")
    video(given / "a.mp4")
    for layer in ("stmap", "gain", "paint"):
        (tmp_path / "layers" / layer).mkdir(parents=True)
        (tmp_path / "layers" / layer / "a.1001.exr").write_bytes(b"not read")
    (given / "head.obj").write_text(f"mtllib looks.mtl\n{corners}usemtl skin\nf 1/1 2/2 3/3\n")
    before = contents(tmp_path)
    yield tmp_path
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


COMMANDS: dict[str, str] = {
    "a matte sequence": "render --frames shot --matte out --out out --expression happy",
    "one matte": "render --frames shot --matte out/a.1002.png --out out --expression happy",
    "a curve linked as a frame": "render --frames shot --intensity-curve in/curve.csv --out linked",
    "points linked as a record": "render --frames shot --landmarks in/points.json "
    "--expression happy --out linked",
    "the frame of a sheet": "sheet shot/a.1001.png --out shot/a.1001.png",
    "the model of a sheet": "sheet shot/a.1001.png --model in/model.onnx --out in/model.onnx",
    "the points of a sheet": "sheet shot/a.1001.png --landmarks in/points.json "
    "--out in/points.json",
    "the tracks of a sheet": "sheet shot/a.1001.png --tracks in/tracks.json --out in/tracks.json",
    "a tracked frame": "track --frames shot --out shot/a.1001.png",
    "the map of a sheet": "texture --mesh in/head.obj --texture in/base.png --sheet in/base.png",
    "a map that the mesh names": "texture --mesh in/head.obj --texture in/base.png "
    "--sheet in/looks.mtl",
    "the mesh": "texture --mesh in/head.obj --sheet in/head.obj",
    "the model of a texture": "texture --mesh in/head.obj --model in/model.onnx "
    "--sheet in/model.onnx",
    "the points of a job": "job --frames shot --expression happy --landmarks in/points.json "
    "--out in/points.json",
    "the settings of a shot": "track --frames shot --out shot/reggan-plugin.toml",
    "a take": "curves in/take.csv --csv in/take.csv",
    "the buffer of a take": "curves in/take.gltf --csv in/take.bin",
    "a frame that is composed": "comp --for nuke --frames shot --layers layers "
    "--out shot/a.1001.png",
    "a layer that is composed": "comp --for nuke --frames shot --layers layers "
    "--out layers/stmap/a.1001.exr",
    "a video": "render in/a.mp4 --out in/a.mp4 --expression happy",
    "a matte of which an atlas has the name": "render shot/a.1001.png --expression happy "
    "--matte out --out new/ --atlas out/a.1001.png",
    "a map that a rig names": "render shot/a.1001.png --expression happy --rig in/take.gltf "
    "--out new/ --atlas in/skin.png",
    "a map that the rig of a sheet names": "sheet shot/a.1001.png --rig in/take.gltf "
    "--out in/skin.png",
    "a map that the rig of a map names": "texture in/head.obj --texture in/base.png -e happy "
    "--rig in/take.gltf --out in/skin.png",
    "a list of expressions": "render shot/a.1001.png --each in/moods.json --out new/ "
    "--atlas in/moods.png",
    "a further map": "texture in/head.obj --texture in/base.png -e happy --also in/bump.png "
    "--sheet in/bump.png",
    "a model that is timed": "bench --model in/model.onnx --json in/model.onnx",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_input_is_never_overwritten(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.chdir(place)
    linked = place / "linked"
    (linked / ".reggan").mkdir(parents=True)
    (linked / "a.1001.png").hardlink_to(place / "in" / "curve.csv")
    (linked / ".reggan" / "a.1002.png.json").symlink_to(place / "in" / "points.json")
    try:
        assert main([*command.split(), "--overwrite"]) == 2
        assert "never overwritten" in capsys.readouterr().err
    finally:
        for path in sorted(linked.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    "command",
    [
        "render shot/a.1001.png -e happy --out none/../shot/a.1001.png --overwrite",
        "render shot -e happy --out shot/none/../ --resume",
        "render shot -e happy --out new --layers-out none/../shot --overwrite",
        "render shot -e happy --out new --atlas none/../shot/a.1001.png --overwrite",
        "sheet shot/a.1001.png --out none/../shot/a.1001.png --overwrite",
        "texture in/head.obj --texture in/base.png -e happy --out none/../in/base.png --overwrite",
        "track shot --out none/../shot/a.1001.png --overwrite",
    ],
)
def test_a_way_up_from_a_folder_that_is_still_to_be_made(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be written cannot be compared with inputs before that folder is there."""
    monkeypatch.chdir(place)
    assert main(command.split()) == 2
    assert not (place / "none").exists()


def test_a_page_replaces_reports_and_nothing_else(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.chdir(place)
    report = ["report", "--frames", "shot", "--out", "out", "--html"]
    assert main([*report, "shot/a.1002.png"]) == 2
    assert "end in .html" in capsys.readouterr().err
    notes = place / "notes.html"
    notes.write_text("<title>Notes of a week</title>")
    assert main([*report, str(notes)]) == 1
    assert "is no report of reggan-plugin's" in capsys.readouterr().err
    assert notes.read_text() == "<title>Notes of a week</title>"
    notes.unlink()
    page = place / "shot.html"
    for _ in range(2):
        assert main([*report, str(page)]) == 1  # frames without a record
        assert "a.1001.png" in page.read_text()
    page.unlink()


def commands_of(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in ("render", "track", "sheet", "texture", "report", "bench"):
        command = group.get_command(context, name)
        assert command is not None
        module = importlib.import_module(f"reggan_plugin.commands.{name}")
        yield getattr(module, name)


def test_every_option_that_takes_a_file_to_read_is_an_input() -> None:
    """So that an option of tomorrow is not left out of the check."""
    for command in commands_of(group):
        for parameter in command.params:
            kind = parameter.type
            reads = isinstance(kind, click.Path) and kind.exists and kind.file_okay
            if isinstance(parameter, GroupedOption) and reads and parameter.name != "mesh":
                assert parameter.is_input, f"{command.name} {parameter.opts}"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_are_the_file_that_they_lead_to(
    link: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    (tmp_path / "in").write_text("kept")
    link(tmp_path / "in", tmp_path / "out")
    with pytest.raises(UsageError, match="never overwritten"):
        refuse_overwriting([tmp_path / "out"], [tmp_path / "in"])
    refuse_overwriting([tmp_path / "new"], [tmp_path / "in"])


@pytest.mark.parametrize(
    "words",
    [
        "curves take.csv --csv a.csv --plot a.csv",
        "curves take.csv --csv a.png --plot ./a.png",
        "curves take.csv --csv a.html --plot linked/a.html",
        "texture head.glb -e happy --also head.jpg",
    ],
)
def test_two_outputs_of_a_command_never_have_one_name(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("linked").symlink_to(tmp_path)
    Path("take.csv").write_text("time,jawOpen\n0,0.5\n1,0.6\n")
    shutil.copy(SAMPLES / "head.glb", "head.glb")
    Image.new("RGB", (64, 64), (128, 128, 255)).save("head.jpg")
    for overwrite in ([], ["--overwrite"]):
        before = contents(tmp_path)
        assert main([*words.split(), *overwrite]) == 2
        assert "Two outputs would both be " in capsys.readouterr().err
        assert contents(tmp_path) == before


def test_standard_output_is_no_other_output(tmp_path: Path) -> None:
    words = "curves take.csv --csv new.csv --overwrite"
    (tmp_path / "take.csv").write_text("time,jawOpen\n0,0.5\n1,0.6\n")
    with (tmp_path / "new.csv").open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "reggan_plugin", *words.split()],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 2
    assert "Standard output is sent to new.csv, which is an output, too" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["render", "-", "-e", "happy", "-o", "a.png", "--overwrite"],
        ["render", "-", "-e", "happy", "-o", "link.png", "--overwrite"],
        ["render", "-", "-e", "happy", "-o", "c.png", "--atlas", "a.png", "--overwrite"],
        ["render", "-", "-e", "happy", "-o", "-"],
        ["render", "a.png", "-e", "happy", "-o", "-"],
        ["render", "b.png", "-e", "happy", "--matte", "a.png", "-o", "-"],
        ["render", "a.png", "-e", "happy", "-o", "printed path.png"],
        ["curves", "take.csv", "--csv", "-"],
        ["curves", "take.csv"],
        ["curves", "take.csv", "--learn-character", "hero"],
        ["read", "a.png"],
        ["expressions", "--presets", "a.png"],
        ["job", "a.png", "-e", "happy", "--out", "a.json"],
        ["report", "a.png", "--out", "out"],
        ["models", "a.png"],
    ],
)
def test_files_that_standard_streams_are_redirected_to_count(
    words: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 64), (90, 80, 70)).save(picture)
    (tmp_path / "take.csv").write_text("time,jawOpen\n0,0.5\n1,0.6\n")
    Image.new("RGB", (64, 64), (70, 80, 90)).save(tmp_path / "b.png")
    os.link(picture, tmp_path / "link.png")
    read = tmp_path / ("take.csv" if words[0] == "curves" else "a.png")
    before = contents(tmp_path)
    (tmp_path / "out").mkdir()
    appends = words[0] != "render" or "-" in words[2:] or "printed path.png" in words
    with read.open("rb") as stdin, read.open("ab") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "reggan_plugin", *words],
            stdin=stdin if words[1] == "-" else subprocess.DEVNULL,
            stdout=stdout if appends else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert "is an input" in done.stderr
    assert "never overwritten" in done.stderr
    assert contents(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_no_file_takes_the_place_of_a_device_or_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = small_frame("avatar_png/avatar.1001.png", tmp_path, 4)
    os.mkfifo(tmp_path / "pipe.png")
    words = ["render", str(source), "-e", "happy", "--overwrite", "--out"]
    assert main([*words, str(tmp_path / "pipe.png")]) == 1
    assert "is a device, a pipe or a socket" in capsys.readouterr().err
    assert (tmp_path / "pipe.png").is_fifo()
