"""What the table of named expressions promises."""

import hashlib
import json
import tomllib

import pytest

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary import expression as names
from reggan_plugin.vocabulary.action_units import (
    WEIGHTS_FROM_ACTION_UNIT,
    action_unit_weights,
    is_action_unit,
)
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, key_of, resolve_expression
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name

CFEE = [
    "happily surprised",
    "happily disgusted",
    "sadly fearful",
    "sadly angry",
    "sadly surprised",
    "sadly disgusted",
    "fearfully angry",
    "fearfully surprised",
    "fearfully disgusted",
    "angrily surprised",
    "angrily disgusted",
    "disgustedly surprised",
    "appalled",
    "hatred",
    "awed",
]
VRM = [
    "happy",
    "angry",
    "sad",
    "relaxed",
    "surprised",
    "aa",
    "ih",
    "ou",
    "ee",
    "oh",
    "blink",
    "blinkLeft",
    "blinkRight",
    "lookUp",
    "lookDown",
    "lookLeft",
    "lookRight",
    "neutral",
]


def test_every_weight_is_of_a_shape_and_strong_enough_to_see() -> None:
    for expression in NAMED_EXPRESSIONS.values():
        assert set(expression.weights) <= set(ARKIT_SHAPES), expression.name
        assert all(0 < weight <= 1.35 for weight in expression.weights.values()), expression.name
        assert expression.name == "neutral" or max(expression.weights.values()) >= 0.3
        assert expression.source.isprintable()
        assert expression.source


def test_no_word_means_two_expressions() -> None:
    words = [
        key_of(word)
        for expression in NAMED_EXPRESSIONS.values()
        for word in (expression.name, *expression.aliases)
    ]
    assert len(words) == len(set(words))
    assert not set(words) & {shape.lower() for shape in ARKIT_SHAPES}


def test_no_two_expressions_are_the_same_face() -> None:
    faces = [tuple(sorted(e.weights.items())) for e in NAMED_EXPRESSIONS.values()]
    assert len(set(faces)) == len(faces)


def test_the_22_of_cfee_and_the_presets_of_vrm_have_names() -> None:
    assert set(CFEE) <= set(NAMED_EXPRESSIONS)
    presets = {e.vrm_preset: name for name, e in NAMED_EXPRESSIONS.items() if e.vrm_preset}
    assert set(presets) == set(VRM)
    for preset, name in presets.items():
        assert resolve_expression(preset) == name


def test_a_compound_moves_the_shapes_of_its_main_units() -> None:
    for expression in (one for one in NAMED_EXPRESSIONS.values() if one.group == "compound"):
        for unit in expression.action_units:
            shapes = WEIGHTS_FROM_ACTION_UNIT[str(unit)]
            assert set(shapes) <= set(expression.weights), (expression.name, unit)


def test_mirror_twins_mirror_each_other() -> None:
    for left, right in (("wink left", "wink right"), ("smirk", "smirk right")):
        mirrored = {mirrored_name(s): w for s, w in NAMED_EXPRESSIONS[left].weights.items()}
        assert mirrored == NAMED_EXPRESSIONS[right].weights


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("suprised", "surprised"),
        ("happily suprised", "happily surprised"),
        ("jawopne", "jawOpen"),
        ("scared", "afraid"),
        ("very scared", "afraid"),
        ("terified", "afraid"),
        ("grumpy", "pout"),
        ("bored", "tired"),
        ("frown", "sad"),
        ("furious", "angry"),
        ("shocked", "surprised"),
    ],
)
def test_a_slip_is_answered_by_letters_and_by_meaning(word: str, suggested: str) -> None:
    with pytest.raises(UnknownExpressionError, match=f"Did you mean .*'{suggested}'"):
        resolve_expression(word)


def test_a_word_that_is_near_nothing_gets_no_suggestion() -> None:
    with pytest.raises(UnknownExpressionError, match=r"'xyzzyq' is not an expression\.$"):
        resolve_expression("xyzzyq")


@pytest.mark.parametrize("word", ["Happily_Surprised", " happily  surprised", "happily-surprised"])
def test_spaces_may_be_written_in_other_ways(word: str) -> None:
    assert resolve_expression(word) == "happily surprised"


def test_units_of_two_sides_can_be_asked_for_by_side() -> None:
    assert action_unit_weights("AU12") == {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
    assert action_unit_weights("au12l") == {"mouthSmileLeft": 1.0}
    assert action_unit_weights("AU06R") == {"cheekSquintRight": 1.0}
    assert action_unit_weights("AU30R") == {"jawRight": 1.0}
    assert not is_action_unit("AUx")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("AU1L", "AU1 has no sides"),
        ("AU61L", "no sides"),
        ("AU11", "Units: 1, 2"),
        ("AU12Q", "with L or R"),
    ],
)
def test_a_unit_that_cannot_be_shown_is_refused(word: str, told: str) -> None:
    with pytest.raises(UnknownExpressionError, match=told):
        action_unit_weights(word)


def test_the_weights_are_those_that_users_pictures_were_made_with() -> None:
    """Of 0.6.5. Who tunes an expression writes a new digest here."""
    weights = {name: sorted(one.weights.items()) for name, one in NAMED_EXPRESSIONS.items()}
    digest = hashlib.sha256(json.dumps(weights).encode()).hexdigest()
    assert digest.startswith("9d232ccd9065ba61")


def test_the_table_is_toml_that_says_what_our_short_reader_takes_it_to_say() -> None:
    assert tomllib.loads(names._TABLE.read_text(encoding="utf-8")) == names._read_table()
