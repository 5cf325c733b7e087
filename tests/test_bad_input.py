"""Requests that are refused before a model is opened, and what the messages name."""

import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES

from .sample_frames import contents

Streams = pytest.CaptureFixture[str]


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in (1001, 1002):
        Image.new("RGB", (16, 12)).save(folder / f"a.{number}.png")
    return folder


def render_happy(source: Path, *arguments: str | Path) -> int:
    return main(["render", "--frames", str(source), "--expression", "happy", *map(str, arguments)])


def test_no_expression_lists_the_names(shot: Path, capsys: Streams) -> None:
    assert main(["render", "--frames", str(shot)]) == 2
    assert ", ".join(EXPRESSION_NAMES[1:]) in capsys.readouterr().err  # all that replace


def test_an_unknown_expression_suggests_the_nearest(shot: Path, capsys: Streams) -> None:
    assert main(["render", "--frames", str(shot), "--expression", "supprised"]) == 2
    assert "Did you mean 'surprised'?" in capsys.readouterr().err


def test_an_empty_folder(tmp_path: Path, capsys: Streams) -> None:
    assert render_happy(tmp_path) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_two_sequences_in_one_folder(shot: Path, capsys: Streams) -> None:
    for number in (1, 2):
        shutil.copy(shot / "a.1001.png", shot / f"b.{number:04d}.png")
    assert render_happy(shot) == 1
    err = capsys.readouterr().err
    assert "a.####.png" in err
    assert "b.####.png" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev/zero")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("option", ["--landmarks", "--tracks", "--intensity-curve"])
def test_a_device_as_a_document(option: str, shot: Path, capsys: Streams) -> None:
    expression = [] if option == "--intensity-curve" else ["--expression", "happy"]
    assert main(["render", "--frames", str(shot), *expression, option, "/dev/zero"]) == 1
    assert "is no ordinary file" in capsys.readouterr().err


def test_the_source_as_output(shot: Path, capsys: Streams) -> None:
    before = contents(shot)
    assert render_happy(shot, "--out", shot, "--overwrite") == 2
    assert "never overwritten" in capsys.readouterr().err
    assert contents(shot) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no card", "has no card"), (b'"weights_sha256": "' + b"a" * 64 + b'"', "has the hash")],
)
def test_a_model_without_a_card_or_with_other_weights(
    shot: Path, tmp_path: Path, capsys: Streams, content: bytes, message: str
) -> None:
    model = tmp_path / "face.onnx"
    model.write_bytes(content)
    assert render_happy(shot, "--model", model) == 1
    assert message in capsys.readouterr().err
    assert not (shot.parent / "shot_happy").exists()


def test_a_device_that_cannot_be_had(shot: Path, capsys: Streams) -> None:
    assert render_happy(shot, "--device", "abacus") == 2
    assert "'abacus' is not a device" in capsys.readouterr().err


def test_landmarks_that_are_none(shot: Path, tmp_path: Path, capsys: Streams) -> None:
    landmarks = tmp_path / "landmarks.json"
    landmarks.write_text("[]")
    assert render_happy(shot, "--landmarks", landmarks) == 1
    assert "landmarks.json" in capsys.readouterr().err
