"""The options of the expression, and the command that lists what they take."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reggan_plugin.cli import main
from reggan_plugin.commands.options.expression import MixOptions, expression_options
from reggan_plugin.errors import RegganError
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, ExpressionMix

Streams = pytest.CaptureFixture[str]


def asked_with(*arguments: str, several: bool = False) -> MixOptions:
    taken: list[MixOptions] = []

    @click.command()
    @expression_options(several=several)
    def command(asked: MixOptions) -> None:
        taken.append(asked)

    result = CliRunner().invoke(command, list(arguments))
    if result.exception is not None:
        raise result.exception
    return taken[0]


def weights_with(*arguments: str) -> Mapping[str, float]:
    (mix,) = asked_with(*arguments).mixes.values()
    return mix.control_weights()


def test_shapes_and_units_are_laid_over_the_expression() -> None:
    weights = weights_with(
        *("--expression", "happy", "--shape", "jawopen=0.4", "--au", "AU5=1", "--au", "2L=0.5")
    )
    happy = ExpressionMix({"happy": 1.0}).control_weights()
    assert weights["jawOpen"] == pytest.approx(happy["jawOpen"] + 0.4)
    assert weights["eyeWideLeft"] == weights["eyeWideRight"] == 1.0
    left, right = (happy.get(f"browOuterUp{side}", 0.0) for side in ("Left", "Right"))
    assert weights["browOuterUpLeft"] == pytest.approx(left + 0.5)
    assert weights.get("browOuterUpRight", 0.0) == right
    assert weights["neutral"] == 1.0


def test_shapes_alone_replace_nothing() -> None:
    assert weights_with("--shape", "mouthSmile=0.5", "--intensity", "0.5") == {
        "mouthSmileLeft": 0.25,
        "mouthSmileRight": 0.25,
    }
    assert weights_with("--shape", "neutral=1") == {"neutral": 1.0}


def test_add_lays_over_what_the_face_shows() -> None:
    assert "neutral" not in weights_with("--expression", "smirk:0.4+blink", "--add")
    assert weights_with("--expression", "smirk:0.4+blink")["neutral"] == 0.4


def test_presets_can_be_named(tmp_path: Path) -> None:
    studio = tmp_path / "studio.toml"
    studio.write_text("[ugh]\nnoseSneer = 0.5\nAU4 = 0.25\n")
    weights = weights_with("--expression", "ugh:0.5", "--presets", str(studio))
    assert weights == {
        **dict.fromkeys(("noseSneerLeft", "noseSneerRight"), 0.25),
        **dict.fromkeys(("browDownLeft", "browDownRight"), 0.125),
        "neutral": 0.5,
    }


def test_labels_are_fit_for_files() -> None:
    asked = asked_with("--expression", "happily surprised", "--expression", "joy", several=True)
    assert list(asked.mixes) == ["happily_surprised", "happy"]
    many = asked_with(*(word for n in range(1, 8) for word in ("--au", f"AU{n}=0.1") if n != 3))
    assert len(next(iter(many.mixes))) < 100


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--expression", "happy", "--expression", "sad"], "2 --expression were given; give one"),
        (["--shape", "jawOpen"], "write --shape jawOpen=0.4"),
        (["--shape", "jawOpen=x"], "write --shape jawOpen=0.4"),
        (["--shape", "jawOpen=2"], "from 0 to 1.5"),
        (["--shape", "jawOpen=nan"], "from 0 to 1.5"),
        (["--shape", "jaw=1"], "'jaw' is not a face shape that can be asked for. Did you mean"),
        (["--shape", "tongueOut=1"], "no model moves the tongue"),
        (["--shape", "jawOpne=1"], "Did you mean jawOpen"),
        (["--au", "AU12"], "write --au AU12=0.7"),
        (["--au", "AU8=1"], "Units: 1, 2, 4"),
        (["--au", "AU12=1", "--au", "AU12L=1"], "mouthSmileLeft is 2; it goes from 0 to 1.5"),
    ],
)
def test_a_slip_is_answered_with_what_to_write(arguments: list[str], told: str) -> None:
    with pytest.raises(RegganError) as caught:
        asked_with(*arguments)
    assert told in str(caught.value)


def listed(capsys: Streams, *arguments: str) -> Any:
    assert main(["expressions", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_names_all_with_their_sources(capsys: Streams) -> None:
    text = listed(capsys)
    document = json.loads(listed(capsys, "--json"))
    assert [entry["name"] for entry in document["expressions"]] == list(NAMED_EXPRESSIONS)
    for entry in document["expressions"]:
        assert f" {entry['name']}" in text
        assert entry["source"]
    assert sum(entry["every_model"] for entry in document["expressions"]) == 7
    assert document["action_units"]["AU12L"] == {"mouthSmileLeft": 1.0}
    assert listed(capsys, "--shapes").split() == document["shapes"]
    assert "AU12  mouthSmileLeft 1, mouthSmileRight 1" in listed(capsys, "--units")


def test_the_list_checks_a_file_of_presets(tmp_path: Path, capsys: Streams) -> None:
    studio = tmp_path / "studio.toml"
    studio.write_text("[ugh]\nnoseSneer = 0.5\n")
    assert "ugh" in listed(capsys, "--presets", str(studio))
    studio.write_text("[ugh]\nnoseSnear = 0.5\n")
    assert main(["expressions", "--presets", str(studio)]) == 2
    assert "[ugh]" in capsys.readouterr().err
