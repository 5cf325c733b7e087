"""Inputs that are not what their names say are refused by what they are."""

import base64
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.options.expression import ReaderOptions
from reggan_plugin.errors import EmptySourceError, TextureError, UsageError
from reggan_plugin.files.sequence import find_sequence
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.textures.gltf.gltf_file import read_gltf
from reggan_plugin.textures.maps.texture_files import embedded_texture, find_texture

Streams = pytest.CaptureFixture[str]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_said_to_be_absent(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/null")
    for name in ("a.png", "b.png"):
        with pytest.raises(EmptySourceError, match="is no ordinary file"):
            find_sequence(str(tmp_path / name))
        with pytest.raises(EmptySourceError, match="is no ordinary file"):
            find_texture(tmp_path / name)


def test_bad_data_of_a_map_is_not_called_a_kind_that_is_not_read(tmp_path: Path) -> None:
    data = base64.b64encode(b"no picture").decode()
    image = {"uri": f"data:image/jpeg;base64,{data}", "mimeType": "image/jpeg"}
    path = tmp_path / "head.gltf"
    path.write_text(json.dumps({"asset": {"version": "2.0"}, "images": [image]}))
    with pytest.raises(TextureError, match="its data is bad"):
        embedded_texture(read_gltf(path), 0, tmp_path)


@pytest.mark.parametrize("rate", ["1e308", "1000.5", "0", '"24"'])
def test_the_rate_of_a_take_is_bounded(rate: str, tmp_path: Path, capsys: Streams) -> None:
    take = tmp_path / "take.json"
    take.write_text(f'{{"exportFps": {rate}, "facsNames": ["jawOpen"], "weightMat": [[0], [1]]}}')
    assert main(["curves", str(take)]) == 1
    assert "frames a second" in capsys.readouterr().err


def test_layers_are_not_led_beside_the_frames_by_a_link(tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    shot.mkdir()
    for number in (1, 2):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(shot / f"a.000{number}.png")
    (tmp_path / "mask").symlink_to("shot", target_is_directory=True)
    beside = LayerFiles(folder=tmp_path, layers=("mask",))
    with pytest.raises(UsageError, match="where the source frames lie"):
        plan_job(str(shot), None, tmp_path / "out", "happy", Existing.REFUSE, layer_files=beside)


def test_a_piped_path_is_the_files_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[31m.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(name)
    words = ["-e", "happy", "--whole-image", "-o", "out\x1b[31m.png", "--dry-run"]
    assert main(["render", name, *words]) == 0
    assert capsys.readouterr().out == "out\x1b[31m.png\n"
    assert main(["render", "no\x1b[31m.png", *words]) == 1
    assert "no\\x1b[31m.png" in capsys.readouterr().err


def test_a_job_shows_a_line_break_in_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("shot", "fo\nrged"):
        (tmp_path / folder).mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("shot/a.0001.png")
    assert main(["job", "shot", "-e", "happy", "-o", "fo\nrged/job.json"]) == 0
    assert "openjd run $'fo\\x0arged/job.json' --step" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "work"),
    [
        ("sheet a.png --out file/a.png", "sheet.open_model"),
        ("report a.png --out out --html file/a.html", "report.frames_with_pictures"),
        ("perform a.png --out file/a.csv", "perform.record"),
        ("bench --json file/a.json", "bench.run_benchmark"),
    ],
)
def test_a_folder_that_takes_no_files_is_found_before_the_work(
    command: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 12)).save("a.png")
    Path("out").mkdir()
    Path("file").touch()
    monkeypatch.setattr(f"reggan_plugin.commands.{work}", lambda *_, **__: pytest.fail("worked"))
    reader = SimpleNamespace(name="Nobody", close=lambda: None)
    monkeypatch.setattr(ReaderOptions, "opened", lambda _: reader)
    assert main(command.split()) == 1
    assert "file takes no files" in capsys.readouterr().err
