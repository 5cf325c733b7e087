"""What the panels offer is what the runtime knows; blends are read as the runtime reads them."""

from pathlib import Path

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.expression_blend import MAX_INTENSITY, shares_from_blend
from blender_addon.bridge.preset_file import add_preset, completions, preset_names
from blender_addon.bridge.vocabulary import (
    ALL_EXPRESSIONS,
    EXPRESSION_NAMES,
    SHAPE_NAMES,
    enum_identifier,
    name_from_identifier,
    words_of_shape,
)
from reggan_plugin.vocabulary import expression as runtime
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, read_presets
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES


def test_the_panels_offer_what_the_runtime_knows() -> None:
    assert EXPRESSION_NAMES == runtime.EXPRESSION_NAMES
    assert MAX_INTENSITY == runtime.MAX_INTENSITY
    assert set(ALL_EXPRESSIONS) == set(NAMED_EXPRESSIONS)
    assert len(ALL_EXPRESSIONS) == len(set(ALL_EXPRESSIONS))
    assert set(SHAPE_NAMES) == set(ARKIT_SHAPES)
    for name in ALL_EXPRESSIONS:
        assert name_from_identifier(enum_identifier(name)) == name
    assert words_of_shape("browOuterUpLeft") == "Brow Outer Up Left"


def test_a_preset_of_one_s_own_is_what_the_runtime_reads(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    add_preset(path, "half smile", {"mouthSmileLeft": 0.6, "jawOpen": 0.125})
    add_preset(path, "Grübeln 2", {"browDownLeft": 1.0})
    own = read_presets(path)
    assert dict(own["half smile"].weights) == {"mouthSmileLeft": 0.6, "jawOpen": 0.125}
    add_preset(path, "sly", {"happy": 0.4, "wink left": 1.0, "jawOpen": 0.1})
    assert read_presets(path)["sly"].weights["eyeBlinkLeft"] == 1.0
    with pytest.raises(BridgeError, match="half smile is a preset itself"):
        add_preset(path, "other", {"half smile": 0.5})
    assert set(own) == {"half smile", "Grübeln 2"}
    shares = shares_from_blend("half smile:0.5+happy", has_presets=True)
    assert shares == {"half smile": 0.5, "happy": 1.0}
    for name, words in (("Half-Smile", "already"), ("jawopen", "already"), ("a+b", "letters")):
        with pytest.raises(BridgeError, match=words):
            add_preset(path, name, {"jawOpen": 1.0})
    path.write_text("no toml")
    with pytest.raises(BridgeError, match="cannot be read or written as presets"):
        add_preset(path, "new", {"jawOpen": 1.0})
    assert path.read_text() == "no toml"


@pytest.mark.parametrize(
    "blend",
    [
        *("happy", "happy:0.6+surprised:0.3", " Sad : 0.5 + angry "),
        *("happily surprised:0.6+blink", "Wink-Left+jawOpen:0.4", "puffed_cheeks"),
    ],
)
def test_a_blend_is_read_as_the_runtime_reads_it(blend: str) -> None:
    assert shares_from_blend(blend) == runtime.parse_expression_mix(blend).intensities


@pytest.mark.parametrize(
    ("blend", "found"),
    [
        ("hapy", "'hapy'"),
        ("", "''"),
        ("happy+happy:0.2", "'happy' twice"),
        ("happy:lots", "'lots'"),
        ("happy:1.6", "'1.6'"),
        ("happy:nan", "'nan'"),
    ],
)
def test_a_blend_that_cannot_be_read_is_named_with_an_example(blend: str, found: str) -> None:
    with pytest.raises(BridgeError, match=r"happy:0\.6\+surprised:0\.3") as refusal:
        shares_from_blend(blend)
    assert found in str(refusal.value)


def test_a_blend_is_completed_by_names_and_presets(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    assert preset_names(path) == ()
    add_preset(path, "half smile", {"mouthSmileLeft": 0.6})
    path.write_text(path.read_text(), encoding="utf-8-sig")  # as editors of Windows do
    names = (*preset_names(path), "happy", "sad")
    assert completions("ha", names) == ["half smile", "happy"]
    assert completions("sad:0.5 + HAL", names) == ["sad:0.5+half smile"]
    assert completions("", names) == list(names)
    path.write_text("no [ toml", encoding="utf-8")
    assert preset_names(path) == ()
