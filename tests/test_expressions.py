"""Expressions are named once, and a slip is answered with the nearest name."""

import pytest

from reggan_plugin.errors import UnknownExpressionError, UsageError
from reggan_plugin.expressions import (
    ARKIT_FROM_ACTION_UNIT,
    EXPRESSIONS,
    ExpressionMix,
    parse_expression_mix,
    resolve_expression,
)


@pytest.mark.parametrize(
    ("word", "name"), [("Joy", "happy"), (" fear ", "afraid"), ("DISGUST", "disgusted")]
)
def test_aliases_in_any_case_name_an_expression(word: str, name: str) -> None:
    assert resolve_expression(word) == name


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(UnknownExpressionError, match="Did you mean 'surprised'"):
        resolve_expression("suprised")


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


def test_every_action_unit_has_a_blend_shape() -> None:
    units = {unit for expression in EXPRESSIONS for unit in expression.action_units}
    assert units <= set(ARKIT_FROM_ACTION_UNIT)
