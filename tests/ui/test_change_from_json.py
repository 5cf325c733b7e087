"""What the page asks for, in its JSON and in the words that it gives to copy."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from reggan_plugin.errors import RegganError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.ui.change_from_json import change_from_json, choice_from_json, each_from_json
from reggan_plugin.ui.command_line_to_copy import (
    PageOptions,
    command_line,
    preset_text,
    python_text,
)
from reggan_plugin.vocabulary.expression import read_presets


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"weights": {"happy": 1}}, "--expression happy"),
        (
            {"weights": {"happy": 0.6, "surprised": 0.3}, "intensity": 0.8},
            "--expression happy:0.6+surprised:0.3 --intensity 0.8",
        ),
        (
            {"weights": {"jawOpen": 0.41, "neutral": 0.5, "sad": 0}, "adds": True},
            "--expression neutral:0.5 --shape jawOpen=0.41 --add",
        ),
        ({"weights": {"happy closed": 1}}, "--expression 'happy closed'"),
    ],
)
def test_a_change_is_written_as_options(asked: Any, words: str) -> None:
    change = change_from_json(asked)
    line = command_line(Path("a.png"), change, FaceChoice(), PageOptions(), None)
    assert line == f"reggan-plugin render --frames a.png {words}"


def test_below_a_take_nothing_is_read_from_the_face() -> None:
    assert change_from_json({"weights": {"jawOpen": 0.4, "neutral": 1}}).mix.relaxed == 1.0
    row = change_from_json({"weights": {"jawOpen": 0.4, "shutMouth": 1}})
    assert row.mix.relaxed == 0.0
    words = shlex.split(command_line(Path("a.png"), row, FaceChoice(), PageOptions(), None))[4:]
    assert words == ["--shape", "jawOpen=0.4", "--shape", "shutMouth=1"]
    assert "'shutMouth': 1.0" in python_text(Path("a.png"), row, FaceChoice(), PageOptions())
    assert "shutMouth = 1\n" in preset_text("row", row)


def test_a_command_repeats_the_face_and_the_options_of_the_page() -> None:
    change = change_from_json({"weights": {"happy": 1}})
    options = PageOptions(model="my model.onnx", device="cpu")
    box = choice_from_json({"box": [10, 20.04, 30, 31]})
    line = command_line(Path("a b.png"), change, box, options, Path("out"))
    assert shlex.split(line)[2:] == [
        *("--frames", "a b.png", "--expression", "happy", "--face-box", "10,20,30,31"),
        *("--model", "my model.onnx", "--device", "cpu", "--out", "out"),
    ]
    second = command_line(Path("a"), change, choice_from_json(1), PageOptions(), None)
    assert second.endswith("--face 1")
    clip = command_line(Path("--help.mp4"), change, FaceChoice(), PageOptions(), None)
    assert shlex.split(clip)[2] == "./--help.mp4"
    whole = command_line(Path("a"), change, choice_from_json("whole"), PageOptions(), None)
    assert whole.endswith("--whole-image")


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        {"weights": []},
        {"weights": {"happy": 2}},
        {"weights": {"happy": float("nan")}},
        {"weights": {"happy": True}},
        {"weights": {"happy": "1"}},
        {"weights": {"no such": 1}},
        {"weights": {"happy": 1}, "intensity": -1},
        {"weights": {"happy": 1}, "adds": 1},
        {"weights": {str(n): 1 for n in range(200)}},
    ],
)
def test_what_cannot_be_meant_is_refused(asked: Any) -> None:
    with pytest.raises(UsageError):
        change_from_json(asked)


@pytest.mark.parametrize(
    "asked",
    [None, -1, 1.5, True, "all", {"box": [1, 2, 3]}, {"box": [1, 2, 0, 4]}, {"box": "1234"}],
)
def test_what_is_no_face_is_refused(asked: Any) -> None:
    with pytest.raises(UsageError):
        choice_from_json(asked)


def test_a_preset_asks_for_the_same(tmp_path: Path) -> None:
    asked = {"weights": {"happy": 0.5, "jawOpen": 0.4}, "intensity": 0.5}
    change = change_from_json(asked)
    path = tmp_path / "mine.toml"
    path.write_text(preset_text('my "own" smile', change))
    own = read_presets(path)
    again = change_from_json({"weights": {'my "own" smile': 1}}, own).mix
    assert again.control_weights() == pytest.approx(change.mix.control_weights())


def test_a_preset_of_shapes_alone_adds(tmp_path: Path) -> None:
    change = change_from_json({"weights": {"jawOpen": 0.4}})
    path = tmp_path / "mine.toml"
    path.write_text(preset_text("open", change))
    again = change_from_json({"weights": {"open": 1}}, read_presets(path)).mix
    assert again.control_weights() == {"jawOpen": 0.4}


def test_a_preset_of_nothing_is_refused() -> None:
    with pytest.raises(RegganError, match="move a slider"):
        preset_text("nothing", change_from_json({"weights": {}}))


def test_each_face_may_be_asked_for_its_own(tmp_path: Path) -> None:
    happy, sad = ({"weights": {name: 0.5}} for name in ("happy", "sad"))
    chosen = change_from_json(happy)
    change, choice = each_from_json({"1": sad}, chosen, FaceChoice())
    assert choice.which == (0, 1)
    assert change.mix.label == "0-happy_1-sad"
    line = command_line(tmp_path / "a.png", change, choice, PageOptions(), None)
    assert line.endswith("--face 0=happy:0.5 --face 1=sad:0.5")
    nothing = change_from_json({"weights": {}})
    change, choice = each_from_json({"0": happy}, nothing, FaceChoice(which=1))
    assert (choice.which, change.mix.label) == ((0,), "0-happy")
    assert each_from_json({}, chosen, FaceChoice()) == (chosen, FaceChoice())
    for others in ([sad], {"first": sad}, {"-1": sad}, "1"):
        with pytest.raises(UsageError, match="The page asked for"):
            each_from_json(others, chosen, FaceChoice())
    with pytest.raises(UsageError, match="The page asked for"):
        each_from_json({"1": sad}, chosen, FaceChoice(box=(1, 2, 3, 4)))
