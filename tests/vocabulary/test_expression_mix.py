"""Expressions are named once, and a slip is answered with the nearest name."""

import json
from pathlib import Path

import pytest

from reggan_plugin.errors import UnknownExpressionError, UsageError
from reggan_plugin.vocabulary.expression import (
    BASIC_EXPRESSIONS,
    Expression,
    ExpressionMix,
    mix_from_request,
    parse_expression_mix,
    read_presets,
    resolve_expression,
)
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, CONTROLS, MAX_WEIGHT


@pytest.mark.parametrize(
    ("word", "name"), [("Joy", "happy"), (" fear ", "afraid"), ("DISGUST", "disgusted")]
)
def test_aliases_in_any_case_name_an_expression(word: str, name: str) -> None:
    assert resolve_expression(word) == name


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(UnknownExpressionError, match="Did you mean 'surprised'"):
        resolve_expression("suprised")


@pytest.mark.parametrize("written", ["happy,sad", "happy 0.5", "Joy=0.5", "happy & sad"])
def test_a_blend_that_is_written_otherwise_is_answered_with_how_to_write_it(written: str) -> None:
    with pytest.raises(UnknownExpressionError, match=r"a blend as happy:0\.6\+surprised:0\.3"):
        resolve_expression(written)


def test_neutral_by_its_name_takes_away_what_the_face_shows() -> None:
    assert parse_expression_mix("neutral").relaxed == 1.0
    assert parse_expression_mix("neutral+happy:0.6", 0.5).relaxed == 0.5
    assert parse_expression_mix("happy").relaxed == 0.0
    assert "relaxed" not in parse_expression_mix("happy").document()
    only_shuts = mix_from_request({"shutMouth": 1})
    assert only_shuts.relaxed == 0.0
    assert only_shuts.control_weights() == {"neutral": 1.0}
    assert only_shuts.document() != parse_expression_mix("neutral").document()


def test_neutral_has_one_meaning_whoever_asks_for_it() -> None:
    asked = [mix_from_request({"neutral": 0.5}), parse_expression_mix("neutral:0.5")]
    own = {
        "soothed": Expression(
            name="soothed", weights={"neutral": 0.5}, replaces=False, source="mine"
        )
    }
    asked.append(parse_expression_mix("soothed", own=own))
    assert [mix.relaxed for mix in asked] == [0.5, 0.5, 0.5]
    happy = parse_expression_mix("happy+neutral:0.4")
    shapes = happy.shape_weights()
    assert (shapes["neutral"], shapes["shutMouth"]) == (0.4, 0.6)
    again = ExpressionMix(shapes)
    assert (again.relaxed, again.control_weights()) == (0.4, happy.control_weights())


def test_a_blend_is_scaled_as_a_whole() -> None:
    mix = parse_expression_mix("happy:0.6+surprised:0.3", 0.5)
    assert mix.vector(("neutral", "happy", "surprised")) == pytest.approx([0.0, 0.3, 0.15])
    assert not mix.changes_nothing
    assert parse_expression_mix("happy", 0.0).changes_nothing


@pytest.mark.parametrize("text", ["happy:much", "happy+joy", "happy:1.6", "happy:-1", "happy:nan"])
def test_a_blend_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_expression_mix(text)


def test_a_model_without_the_expression_says_which_it_has() -> None:
    with pytest.raises(UnknownExpressionError, match="it has neutral, sad"):
        ExpressionMix({"happy": 1.0}).vector(("neutral", "sad"))


CONTROLS_WITHOUT_BROWS = tuple(name for name in CONTROLS if not name.startswith("brow"))


def test_the_six_are_strong_within_the_range_of_a_shape() -> None:
    for expression in BASIC_EXPRESSIONS[1:]:
        assert 0.85 <= max(expression.weights.values()) <= 1.3
        assert set(expression.weights) <= set(ARKIT_SHAPES)


def test_a_named_expression_replaces_and_a_shape_adds() -> None:
    smile = ExpressionMix({"happy": 0.5})
    assert smile.control_weights()["neutral"] == 0.5
    assert smile.control_weights()["mouthSmileLeft"] == pytest.approx(0.525)
    assert ExpressionMix({"jawOpen": 0.4}).control_weights() == {"jawOpen": 0.4}
    assert ExpressionMix({"neutral": 1.0}).control_weights() == {"neutral": 1.0}
    assert "neutral" not in ExpressionMix({"happy": 1.0}, adds=True).control_weights()
    assert ExpressionMix({"neutral": 0.7}, adds=True).control_weights() == {"neutral": 0.7}


def test_several_expressions_add_up_within_the_limits() -> None:
    mix = parse_expression_mix("happy+surprised:0.9+jawOpen:1.5")
    assert mix.control_weights()["neutral"] == 1.0
    assert mix.control_weights()["jawOpen"] == MAX_WEIGHT
    one, other = ExpressionMix({"sad": 0.4}), ExpressionMix({"afraid": 0.3})
    both = ExpressionMix({"sad": 0.4, "afraid": 0.3}).control_weights()
    for shape, weight in both.items():
        parts = one.control_weights().get(shape, 0) + other.control_weights().get(shape, 0)
        assert weight == pytest.approx(parts)


def test_a_control_vector_has_the_order_of_the_model() -> None:
    mix = parse_expression_mix("happy:0.5+browInnerUp:0.25")
    vector = mix.control_vector(CONTROLS)
    assert dict(zip(CONTROLS, vector, strict=True)) == {
        **dict.fromkeys(CONTROLS, 0.0),
        **mix.control_weights(),
    }
    assert mix.control_vector(CONTROLS[::-1]) == vector[::-1]


def test_half_the_mix_is_half_the_vector() -> None:
    mix = parse_expression_mix("angry:0.8+jawOpen:0.3")
    half = mix.scaled(0.5).control_vector(CONTROLS)
    assert half == pytest.approx([0.5 * weight for weight in mix.control_vector(CONTROLS)])


def test_a_preset_goes_without_a_few_shapes_and_not_without_most() -> None:
    angry = ExpressionMix({"angry": 1.0})
    vector = angry.control_vector(CONTROLS_WITHOUT_BROWS)
    assert vector[CONTROLS_WITHOUT_BROWS.index("noseSneerLeft")] > 0
    with pytest.raises(UnknownExpressionError, match=r"'angry'.*it has no .*browDownLeft"):
        angry.control_vector(("jawOpen", "neutral"))
    with pytest.raises(UnknownExpressionError, match="browInnerUp"):
        ExpressionMix({"browInnerUp": 0.1}).control_vector(CONTROLS_WITHOUT_BROWS)
    assert ExpressionMix({"browInnerUp": 0.0}).control_vector(("jawOpen",)) == [0.0]


def test_a_model_without_shapes_refuses_shapes_and_adding() -> None:
    with pytest.raises(UnknownExpressionError, match="no shape 'jawOpen'"):
        ExpressionMix({"jawOpen": 0.4}).vector(("neutral", "happy"))
    with pytest.raises(UsageError, match="only replace"):
        ExpressionMix({"happy": 0.4}, adds=True).vector(("neutral", "happy"))


def test_a_request_may_be_text_weights_or_a_mix() -> None:
    assert mix_from_request("happy", 0.5).intensities == {"happy": 0.5}
    assert mix_from_request({"jawopen": 0.4, "Joy": 1}, 0.5).intensities == {
        "jawOpen": 0.2,
        "happy": 0.5,
    }
    mix = ExpressionMix({"sad": 1.0})
    assert mix_from_request(mix, 0.5) is mix
    with pytest.raises(UsageError, match="twice"):
        mix_from_request({"joy": 1.0, "happy": 1.0})


def test_weights_may_be_of_units_both_sides_and_presets(tmp_path: Path) -> None:
    asked = mix_from_request({"mouthSmile": 0.5, "AU12L": 0.2, "au26": 1}, 0.5)
    assert asked.intensities == pytest.approx(
        {"mouthSmileLeft": 0.35, "mouthSmileRight": 0.25, "jawOpen": 0.175}
    )
    studio = tmp_path / "studio.toml"
    studio.write_text("[tense]\nbrowDown = 0.5\n")
    own = read_presets(studio)
    weights = mix_from_request({"tense": 1.0, "jawOpen": 0.1}, own=own).control_weights()
    assert weights == {"browDownLeft": 0.5, "browDownRight": 0.5, "neutral": 1.0, "jawOpen": 0.1}
    assert mix_from_request("tense:0.5", own=own).intensities == {"tense": 0.5}
    with pytest.raises(UsageError, match="'mouthSmileLeft' stands twice"):
        mix_from_request({"mouthSmile": 0.5, "mouthSmileLeft": 0.5})
    with pytest.raises(UnknownExpressionError, match="Units: 1, 2"):
        mix_from_request({"AU8": 1.0})


def test_documents_differ_where_what_is_asked_for_does() -> None:
    same, adds = ExpressionMix({"happy": 1.0}), ExpressionMix({"happy": 1.0}, adds=True)
    assert same.document() == parse_expression_mix("joy").document()
    assert same.document() != adds.document() != same.scaled(0.5).document()
    assert json.loads(json.dumps(adds.document())) == adds.document()
