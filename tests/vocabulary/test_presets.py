"""Expressions of a user's own."""

from pathlib import Path

import pytest

from reggan_plugin.errors import RegganError
from reggan_plugin.vocabulary.expression import ExpressionMix, parse_expression_mix, read_presets
from reggan_plugin.vocabulary.face_shapes import CONTROLS

STUDIO = """
["lopsided grin"]
mouthSmileLeft = 0.6
AU6L = 0.5
surprised = 0.2
aliases = ["lop"]

[twitch]
noseSneerRight = 0.4
adds = true
"""


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    path = tmp_path / "studio.toml"
    path.write_text(STUDIO)
    return path


def test_a_preset_adds_up_shapes_units_and_expressions(studio: Path) -> None:
    presets = read_presets(studio)
    weights = presets["lopsided grin"].weights
    assert weights["mouthSmileLeft"] == 0.6
    assert weights["cheekSquintLeft"] == 0.5
    surprised = ExpressionMix({"surprised": 0.2}).control_weights()
    assert weights["jawOpen"] == pytest.approx(surprised["jawOpen"])


def test_presets_blend_with_named_expressions_under_any_of_their_names(studio: Path) -> None:
    own = read_presets(studio)
    mix = parse_expression_mix("LOP:0.5+twitch+happy:0.2", own=own)
    assert mix.intensities == {"lopsided grin": 0.5, "twitch": 1.0, "happy": 0.2}
    weights = mix.scaled(0.5).control_weights()
    assert weights["neutral"] == pytest.approx(0.35)  # the twitch is laid over
    assert weights["noseSneerRight"] == pytest.approx(0.2)
    assert len(mix.control_vector(CONTROLS)) == len(CONTROLS)


def test_a_changed_preset_is_another_request(studio: Path) -> None:
    before = parse_expression_mix("twitch", own=read_presets(studio)).document()
    studio.write_text(STUDIO.replace("0.4", "0.5"))
    assert parse_expression_mix("twitch", own=read_presets(studio)).document() != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no preset"),
        ("[a\n", "cannot be read as presets"),
        ("jawOpen = 1", "no table; expected"),
        ("[happy]\njawOpen = 1", "'happy' is the name of another"),
        ("[x]\njawOpen = 1\naliases = ['JOY']", "'JOY' is another word for 'happy'"),
        (
            "[x]\njawOpen = 1\n[y]\nmouthLeft = 1\naliases = ['x']",
            r"\[y\]: 'x' is the name of another",
        ),
        ("[x]\njawOpne = 1", r"\[x\]: 'jawOpne' is not.*Did you mean 'jawOpen'"),
        ("[x]\nAU99 = 1", r"\[x\]: 'AU99' is no action unit"),
        ("[x]\njawOpen = 2", "expected a weight from 0 to 1.5"),
        ("[x]\njawOpen = 'x'", "expected a weight"),
        ("[x]\njawOpen = true", "expected a weight"),
        ("['x+y']\njawOpen = 1", "cannot be a name"),
        ("[x]\nneutral = 1", "Leave neutral out"),
        ("[x]\nadds = 1", "true or false"),
        ("[x]\naliases = 'y'", "expected a list"),
    ],
)
def test_a_fault_is_named_with_its_remedy(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RegganError, match=told):
        read_presets(path)
