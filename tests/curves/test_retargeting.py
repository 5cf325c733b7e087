"""A take is fitted to a character: gains and offsets from a settings file, or learnt."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reggan_plugin.cli import main
from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.retargeting import retargeted, retargeting_from_table
from reggan_plugin.curves.take import Take
from reggan_plugin.errors import UsageError

from ..sample_frames import small_frame

NAMES = (
    "browInnerUp",
    "mouthSmileLeft",
    "mouthSmileRight",
    "jawOpen",
    "mouthClose",
    "eyeBlinkLeft",
)


def take(*rows: tuple[float, ...]) -> Take:
    return Take(
        kind="CSV",
        names=NAMES,
        times_s=np.arange(len(rows)) / 30,
        weights=np.array(rows),
        rate_fps=30.0,
    )


def fitted(table: dict[str, Any], *rows: tuple[float, ...]) -> np.ndarray:
    return retargeted(
        take(*rows), retargeting_from_table(table, "s.toml, [character.hero]")
    ).weights


def test_a_word_for_fewer_shapes_counts_more_and_lips_that_meet_go_on_meeting() -> None:
    table = {"smile": 0.5, "mouth": 2.0, "brows": 1.4, "jaw": {"gain": 0.5, "offset": 0.1}}
    made = fitted(table, (0.5, 0.8, 0.4, 0.6, 0.6, 0.9))
    assert made[0] == pytest.approx([0.7, 0.4, 0.2, 0.4, 0.4, 0.9])


def test_a_shut_eye_stays_shut_and_no_weight_leaves_its_range() -> None:
    made = fitted({"blink": 3.0, "brows": 5.0, "smile": {"offset": -0.5}}, (0.9, 0.2, 0, 0, 0, 0.9))
    assert made[0] == pytest.approx([1.5, 0.0, 0.0, 0.0, 0.0, 1.0])
    shut, half = fitted({"lids": 0.8}, (0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0.5))[:, 5]
    assert shut == 1.0
    assert 0.4 <= half < 0.42


@pytest.mark.parametrize(
    ("share", "expected"), [(1.0, (0.8, 0.4)), (0.5, (0.7, 0.5)), (0, (0.6, 0.6))]
)
def test_asymmetry_is_kept_halved_or_gone(share: float, expected: tuple[float, float]) -> None:
    made = fitted({"asymmetry": share}, (0, 0.8, 0.4, 0, 0, 0.3))
    assert made[0, 1:3] == pytest.approx(expected)
    assert made[0, 5] == pytest.approx(0.3), "its twin is no column"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"browz": 1.0}, "'browz' is neither a face shape nor one of brows, blink"),
        ({"brows": 9}, "expected a gain from 0 to 5"),
        ({"brows": {"gian": 1}}, "expected a gain from 0 to 5"),
        ({"jawOpen": {"offset": 2}}, "it goes from -1 to 1"),
        ({"asymmetry": "half"}, "it goes from 0 .none. to 1"),
        (3, "it is no table"),
    ],
)
def test_what_a_table_may_not_say(table: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        retargeting_from_table(table, "s.toml, [character.hero]")
    assert "s.toml, [character.hero]:" in str(caught.value)


def test_a_range_of_motion_teaches_gains_by_which_its_peaks_are_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wave = np.abs(np.sin(np.arange(200) / 9))
    rows = [(0.5 * x, 0.1 + 0.4 * x, 0.02 * x, 0.9 * x, 0, x) for x in wave]
    path = tmp_path / "rom.csv"
    path.write_text(csv_of_take(take(*rows)))
    assert main(["curves", str(path), "--learn-character", "hero", "--json"]) == 2
    assert "Give one of them" in capsys.readouterr().err
    assert main(["curves", str(path), "--learn-character", "hero"]) == 0
    text = capsys.readouterr().out
    table = tomllib.loads(text)["character"]["hero"]
    assert set(table) == {"browInnerUp", "mouthSmileLeft", "jawOpen", "eyeBlinkLeft"}
    made = fitted(table, *rows)
    assert np.percentile(made[:, :2], 99, axis=0) == pytest.approx([1, 1], abs=0.03)
    assert np.percentile(made[:, 1], 3) == pytest.approx(0, abs=0.02)
    rows = [(0.5, 0.7, 0.0, 0.9, 0, 0), (0.7, 1.5, 0.0, 1.5, 0, 0)]
    path.write_text(csv_of_take(take(*rows)))
    assert main(["curves", str(path), "--learn-character", "hero"]) == 0
    table = tomllib.loads(capsys.readouterr().out)["character"]["hero"]
    assert fitted(table, *rows)[0, :2] == pytest.approx([0, 0], abs=0.02), "a face that never rests"
    path.write_text(csv_of_take(take((0.0,) * 6, (0.25, 0.125, 0.0, 1.0, 0, 0))))
    assert main(["curves", str(path), "--learn-character", "hero"]) == 0
    stay, short = capsys.readouterr().err.splitlines()
    assert "mouthSmileLeft (0.12)" in stay
    assert "browInnerUp (0.25)" in short
    path.write_text(csv_of_take(take((0.0,) * 6, (0.1,) * 6)))
    assert main(["curves", str(path), "--learn-character", "hero"]) == 2
    assert "there is nothing to learn from" in capsys.readouterr().err


def test_gains_of_shapes_that_a_take_does_not_have_are_said() -> None:
    for word, count in (("noseSneer", 1), ("jawOpen", 0)):
        fit = retargeting_from_table({word: 2.0, "asymmetry": 0.5}, "s.toml")
        notes = retargeted(take((0.5, 0.2, 0.2, 0, 0, 0)), fit).notes
        assert [note.startswith("No gain counts: ") for note in notes] == [True] * count
    fit = retargeting_from_table({"asymmetry": 0.5}, "s.toml")
    assert retargeted(take((0.5, 0.2, 0.2, 0, 0, 0)), fit).notes == ()


def test_a_shot_is_driven_by_the_take_as_it_fits_the_character(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = small_frame("toon/toon.1001.png", tmp_path / "frame.1001.png")
    curves, settings = tmp_path / "take.csv", tmp_path / "show.toml"
    curves.write_text(csv_of_take(take((0.5, 0.2, 0.2, 0, 0, 0))))
    settings.write_text("[character.hero]\nbrows = 1.4\n")
    words = ["render", str(frame), "--curves", str(curves), "--out", str(tmp_path / "o.png")]
    assert main([*words, "--curves-character", "hero"]) == 2
    assert "no settings file is in use" in capsys.readouterr().err
    assert main([*words, "--curves-character", "villain", "--config", str(settings)]) == 2
    assert "has no [character.villain]; its characters: hero." in capsys.readouterr().err
    assert main([*words, "--curves-character", "hero", "--config", str(settings)]) == 0
    record = json.loads((tmp_path / ".reggan/o.png.json").read_text())
    assert record["weights"]["browInnerUp"] == pytest.approx(0.7)
    assert record["weights"]["mouthSmileLeft"] == pytest.approx(0.2)


def test_gains_of_the_command_line_count_more_than_those_of_the_character(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves, settings = tmp_path / "take.csv", tmp_path / "show.toml"
    curves.write_text(csv_of_take(take((0.5, 0.8, 0.4, 0.5, 0, 0), (0.0,) * 6)))
    settings.write_text("[character.hero]\nbrows = 1.4\nmouthSmileLeft = 0.5\n")
    words = ["curves", str(curves), "--csv", "-"]
    fit = ["--curves-gain", "smile=1", "--curves-gain", "jaw=0.8,0.1", "--curves-asymmetry", "0.5"]
    assert main([*words, *fit, "--curves-character", "hero", "--config", str(settings)]) == 0
    heading, first, _ = capsys.readouterr().out.splitlines()
    made = dict(zip(heading.split(","), map(float, first.split(",")), strict=True))
    assert [made[name] for name in NAMES] == pytest.approx([0.7, 0.7, 0.5, 0.5, 0.1, 0])
    assert not list(tmp_path.glob("-"))
    for wrong, said in (
        (["--curves-gain", "brows"], "--curves-gain: 'brows' is no name and gain; write brows=1.4"),
        (["--curves-gain", "brows=9"], "--curves-gain: brows is {'gain': 9.0"),
        (["--curves-gain", "browz=1"], "--curves-gain: 'browz' is neither a face shape"),
        (["--json"], "--csv - writes the take to standard output"),
    ):
        assert main([*words, *wrong]) == 2
        assert said in capsys.readouterr().err
    assert main(["render", str(tmp_path), "-e", "happy", "--curves-gain", "brows=1.4"]) == 2
    assert "name it with --curves FILE" in capsys.readouterr().err
