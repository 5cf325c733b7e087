"""Face shapes from the command line and from takes, through a model that moves with jawOpen."""

import json
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from reggan_plugin.cli import main
from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

from .curves import conftest as formats
from .curves.conftest import take_file as take_file
from .motion_models import write_motion_model

FRAMES = range(1001, 1007)
Streams = pytest.CaptureFixture[str]


@pytest.fixture
def jaw(tmp_path: Path) -> Path:
    return write_motion_model(tmp_path / "jaw.onnx", motion=(0.1, 0.0), answers_to="jawOpen")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    (tmp_path / "shot").mkdir()
    for number in FRAMES:
        picture = np.random.default_rng(number).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        (tmp_path / f"shot/a.{number}.png").write_bytes(imagecodecs.png_encode(picture))
    return tmp_path / "shot"


@pytest.fixture
def render(shot: Path, jaw: Path, tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Render the shot; the files by their names."""

    def render(out: str, *words: str | Path) -> dict[str, bytes]:
        request = ["render", "--frames", shot, "--model", jaw, "--whole-image"]
        assert main([*map(str, request), "--out", str(tmp_path / out), *map(str, words)]) == 0
        return {path.name: path.read_bytes() for path in (tmp_path / out).glob("*.png")}

    return render


Render = Callable[..., dict[str, bytes]]


@pytest.mark.parametrize(("name", "folder"), [("...csv", "take"), ("a\nb.csv", "a_b")])
def test_the_name_of_a_take_leads_to_no_other_folder(
    name: str, folder: str, shot: Path, tmp_path: Path, capsys: Streams
) -> None:
    (tmp_path / name).write_text("time,jawOpen\n0,0.5\n1,0.6\n")
    out = str(tmp_path / "out" / "{expression}")
    words = ["render", str(shot), "--curves", str(tmp_path / name), "--out", out, "--dry-run"]
    assert main(words) == 0
    assert capsys.readouterr().out.split()[0] == str(tmp_path / "out" / folder / "a.1001.png")


def test_a_shape_a_unit_and_a_preset_ask_for_the_same(render: Render, tmp_path: Path) -> None:
    """Without stamps, which say in which words the shot was asked for."""
    (tmp_path / "studio.toml").write_text("[gape]\njawOpen = 0.7\nadds = true\n")
    shape = render("shape", "--shape", "jawOpen=0.35", "--no-stamp")
    assert shape == render("unit", "--au", "AU26=1", "--no-stamp")
    preset = ("--expression", "gape:0.5", "--presets", tmp_path / "studio.toml")
    assert shape == render("preset", *preset, "--no-stamp")
    assert shape != render("more", "--shape", "jawOpen=0.5", "--no-stamp")


def test_python_asks_by_name_too(jaw: Path, shot: Path) -> None:
    transfer = ExpressionTransfer(jaw)
    frame = imagecodecs.png_decode((shot / "a.1001.png").read_bytes()) / np.float32(255)
    assert np.array_equal(transfer.apply(frame, {"jawOpen": 0.0}), frame)
    with pytest.raises(UnknownExpressionError, match="Did you mean 'jawOpen'"):
        transfer.apply(frame, {"jawOpne": 0.4})


def test_a_take_drives_each_frame_by_its_row(
    take_file: Path, render: Render, shot: Path, tmp_path: Path
) -> None:
    rate = ("--curves-rate", "30") if take_file.name in formats.UNTIMED else ()
    driven = render("driven", "--curves", take_file, *rate)
    for row, number in enumerate(FRAMES):
        record = json.loads((tmp_path / f"driven/.reggan/a.{number}.png.json").read_text())
        assert record["weights"]["jawOpen" if row else "neutral"] == pytest.approx(
            formats.weights()[row, 0] if row else 1.0, abs=1e-4
        )
    first = shot / "a.1001.png"
    assert np.array_equal(
        imagecodecs.png_decode(driven[first.name]), imagecodecs.png_decode(first.read_bytes())
    )
    assert driven["a.1004.png"] != (shot / "a.1004.png").read_bytes()


def test_chunks_and_a_resumed_job_give_the_frames_of_one_job(
    render: Render, tmp_path: Path
) -> None:
    take = tmp_path / "take.csv"
    formats.own_csv(take)
    asked = ("--curves", take, "--curves-fps", "24", "--curves-offset", "1000")
    whole = render("whole", *asked)
    for chunk in ("1001-1006x2", "1002-1006x2"):
        parts = render("parts", *asked, "--range", chunk, "--resume")
    assert parts == whole
    (tmp_path / "whole/a.1003.png").unlink()
    assert render("whole", *asked, "--resume") == whole


def test_a_take_may_be_laid_over_scaled_and_mirrored(render: Render, tmp_path: Path) -> None:
    take = tmp_path / "take.csv"
    take.write_text("frame,eyeBlinkLeft,jawOpen\n1001,1,0.4\n")
    render("out", "--curves", take, "--curves-swap", "all", "--add", "--intensity", "0.5")
    record = json.loads((tmp_path / "out/.reggan/a.1002.png.json").read_text())
    assert record["weights"] == {"eyeBlinkRight": 0.5, "jawOpen": 0.2}


def test_the_job_says_where_a_take_lies_and_what_it_does_not_know(
    render: Render, tmp_path: Path, capsys: Streams
) -> None:
    take = tmp_path / "take.csv"
    take.write_text("time,jawOpen,ears\n0,0.1,1\n1,0.2,1\n")
    render("out", "--curves", take, "--curves-fps", "24")
    err = capsys.readouterr().err
    assert "take.csv (CSV, 2 rows) lies on frames 1001 to 1025." in err
    assert "--curves-fps and --curves-offset move it." in err
    assert err.count("names what is no face shape: ears") == 1


def test_a_picture_without_a_number_is_driven_by_no_take(
    shot: Path, jaw: Path, tmp_path: Path, capsys: Streams
) -> None:
    (shot / "still.png").write_bytes((shot / "a.1001.png").read_bytes())
    take = tmp_path / "take.csv"
    take.write_text("frame,jawOpen\n1001,0.1\n1002,0.4\n")
    words = ["--model", str(jaw), "--whole-image", "--out", str(tmp_path / "out")]
    assert main(["render", "--frames", str(shot), "--curves", str(take), *words]) == 2
    assert "still.png has no frame number" in capsys.readouterr().err
