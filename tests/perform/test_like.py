"""`--like` asks for what a picture shows: on render, texture and sheet, and from Python."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin import ExpressionTransfer, read_expression, read_frame
from reggan_plugin.cli import main
from reggan_plugin.commands import sheet
from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.vocabulary.expression import ExpressionMix

from ..sample_frames import small_frame
from .conftest import ScriptedReader, reading

Streams = pytest.CaptureFixture[str]
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.6, "jawOpen": 0.01}


@pytest.fixture
def me(tmp_path: Path) -> Path:
    path = tmp_path / "me-2.jpg"
    Image.new("RGB", (64, 64), "brown").save(path)
    return path


def smiling() -> ScriptedReader:
    return ScriptedReader([[reading(SMILE, lips=0.2), reading({}, size=5)]])


def test_a_frame_takes_the_expression_of_a_picture(
    tmp_path: Path, me: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    frame = small_frame("toon/toon.1001.png", tmp_path / "frame.png")
    scripted.append(smiling())
    assert main(["render", str(frame), "--like", str(me), "--landmarker", str(me)]) == 0
    streams = capsys.readouterr()
    result = tmp_path / "frame_like_me-2.png"
    assert streams.out == f"{result}\n"
    assert "shows 2 faces; the largest one is read" in streams.err
    assert (read_frame(result).pixels != read_frame(frame).pixels).any()
    record = json.loads((tmp_path / f".reggan/{result.name}.json").read_text())
    assert record["expression"] == {"like me-2": 1.0}
    weights = {shape: weight for shape, weight in record["weights"].items() if shape in SMILE}
    assert weights == {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.6}


def test_it_may_be_blended_and_stand_beside_others(
    tmp_path: Path, me: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    frame = small_frame("toon/toon.1001.png", tmp_path / "frame.png")
    scripted += [smiling(), smiling()]
    words = ["render", str(frame), "--like", str(me), "--dry-run", "--json"]
    assert main([*words, "-e", "sad", "--out", str(tmp_path / "o")]) == 0
    assert capsys.readouterr().out.count("like_me-2") > 0
    assert main([*words, "-e", "like me-2:0.5+blink"]) == 0
    out = capsys.readouterr().out
    assert "like_me-2_blink" in out
    assert scripted[0].is_closed
    assert scripted[1].is_closed


def test_a_sheet_shows_it_as_well(
    tmp_path: Path, me: Path, scripted: list[ScriptedReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = small_frame("toon/toon.1001.png", tmp_path / "frame.png")
    scripted.append(smiling())
    drawn: list[ExpressionMix] = []
    monkeypatch.setattr(
        sheet, "_draw_sheet", lambda _, __, shown, **_more: drawn.extend(shown) or []
    )
    assert main(["sheet", str(frame), "--like", str(me)]) == 0
    assert drawn[-1].intensities == {"like me-2": 1.0}
    assert drawn[-1].control_weights()["mouthSmileLeft"] == 0.8


def test_without_a_landmarker_or_a_face_it_says_so(
    tmp_path: Path, me: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    scripted.append(ScriptedReader([[]]))
    assert main(["render", str(me), "--like", str(me)]) == 1
    assert "me-2.jpg (64x64) shows no face that Script sees" in capsys.readouterr().err
    with pytest.raises(UsageError, match="No landmarker was given"):
        read_expression(me)
    with pytest.raises(UsageError, match="'somebody' is no reader"):
        read_expression(me, reader="somebody")  # type: ignore[arg-type]


def test_python_reads_a_character_and_applies_it(tmp_path: Path) -> None:
    frame = read_frame(small_frame("avatar_png/avatar.1001.png", tmp_path))
    smile = ExpressionTransfer().apply(frame, {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0})
    made = replace(frame, pixels=smile)
    weights = read_expression(made, reader="character", neutral=frame)
    assert 0.25 < weights["mouthSmileLeft"] <= 1.0
    assert 0.25 < weights["mouthSmileRight"] <= 1.0
    assert max(v for name, v in weights.items() if name.startswith(("brow", "jaw"))) < 0.3
    assert all(0 < value <= 1 for value in weights.values())
    empty = tmp_path / "empty.png"
    Image.new("RGB", (64, 64)).save(empty)
    with pytest.raises(FaceNotFoundError, match="shows no face that reggan-plugin sees"):
        read_expression(empty, reader="character")


def test_read_prints_what_a_picture_shows(
    tmp_path: Path, me: Path, scripted: list[ScriptedReader], capsys: Streams
) -> None:
    scripted += [
        ScriptedReader([[reading(SMILE, lips=0.2)]]),
        ScriptedReader([[reading(SMILE)], [reading(SMILE)]]),
        ScriptedReader([[reading({})]]),
    ]
    assert main(["read", str(me)]) == 0
    streams = capsys.readouterr()
    assert streams.out.splitlines()[0].split() == ["mouthSmileLeft", "0.80"]
    assert "--shape mouthSmileLeft=0.8 --shape mouthSmileRight=0.6" in streams.err
    assert main(["read", str(me), "--rest", str(me), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"v": 1, "reader": "Script", "weights": {}}
    assert main(["read", str(me)]) == 0
    assert "Nothing: the face is at rest" in capsys.readouterr().err
