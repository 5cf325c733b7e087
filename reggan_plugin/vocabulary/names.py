"""All names of expressions, and which of them a word means."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary.basic_expressions import BASIC_EXPRESSIONS
from reggan_plugin.vocabulary.compound_expressions import COMPOUND_EXPRESSIONS
from reggan_plugin.vocabulary.expression import Expression
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, NEUTRAL
from reggan_plugin.vocabulary.other_expressions import OTHER_EXPRESSIONS
from reggan_plugin.vocabulary.part_expressions import PART_EXPRESSIONS
from reggan_plugin.vocabulary.suggestions import did_you_mean, shape_meant

NAMED_EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {
        expression.name: expression
        for expression in (
            *BASIC_EXPRESSIONS,
            *COMPOUND_EXPRESSIONS,
            *OTHER_EXPRESSIONS,
            *PART_EXPRESSIONS,
        )
    }
)
"""All expressions that have a name. Those beyond the basic ones need a model with face shapes."""

OwnPresets = Mapping[str, Expression]
"""Expressions of a user's own, by name."""
NO_PRESETS: OwnPresets = MappingProxyType({})

_LONGEST_WORD = 80
"""Of a word in a message; names are sought that are like it."""
_NOT_OF_A_SIDE = ("jaw", "mouth")
"""What `jawLeft` and `mouthLeft` move *to* a side."""
_BEHIND_NAME = re.compile(r"[,;&=]|\s(?=[\d.])")
"""Where the name ends in what people write for a blend: `happy,sad`, `happy 0.5`."""
_SHAPE_FROM_KEY = {shape.lower(): shape for shape in ARKIT_SHAPES}


def key_of(word: str) -> str:
    """The word as names are compared: in small letters, with single spaces."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def name_meant(word: str, own: OwnPresets = NO_PRESETS) -> str | None:
    """The name of the expression, preset or ARKit shape that `word` names; None if none."""
    return _names_by_key(own).get(key_of(word))


def resolve_expression(word: str, own: OwnPresets = NO_PRESETS) -> str:
    """Return the name of the expression, preset or ARKit shape that `word` names, in any case.

    Raises:
        UnknownExpressionError: no name or alias matches; the message suggests the nearest by
            letters and by meaning.
    """
    name = name_meant(word, own)
    if name is not None:
        return name
    names = _names_by_key(own)
    hint = did_you_mean(
        key_of(word)[:_LONGEST_WORD], names, (*NAMED_EXPRESSIONS.values(), *own.values())
    )
    first, *more = _BEHIND_NAME.split(word, maxsplit=1)
    if more and key_of(first) in names:
        hint = " Write a part of it as happy:0.6, and a blend as happy:0.6+surprised:0.3."
    raise UnknownExpressionError(
        f"{word.strip()[:_LONGEST_WORD]!r} is not an expression.{hint}",
        found=word.strip()[:_LONGEST_WORD],
    )


def shapes_of(word: str) -> tuple[str, ...]:
    """The ARKit shape that `word` names in any case, both sides for `mouthSmile`, or `neutral`;
    empty if it names none.
    """
    key = word.strip().lower()
    if key in (NEUTRAL, *_SHAPE_FROM_KEY):
        return (_SHAPE_FROM_KEY.get(key, NEUTRAL),)
    if key in _NOT_OF_A_SIDE or key + "left" not in _SHAPE_FROM_KEY:
        return ()
    return _SHAPE_FROM_KEY[key + "left"], _SHAPE_FROM_KEY[key + "right"]


def shapes_from_word(word: str) -> tuple[str, ...]:
    """Return `shapes_of` a word that names some.

    Raises:
        UnknownExpressionError: it names none; the message suggests the nearest.
    """
    shapes = shapes_of(word)
    if shapes:
        return shapes
    key = word.strip().lower()
    hint = shape_meant(key, _SHAPE_FROM_KEY)
    if key == "tongueout":
        hint = " ARKit has it, but no model moves the tongue."
    raise UnknownExpressionError(
        f"{word!r} is not a face shape that can be asked for.{hint}", kind="unknown-face-shape"
    )


def _names_by_key(own: OwnPresets) -> Mapping[str, str]:
    if not own:
        return _KNOWN_BY_KEY
    return {**_keys_of(own), **_KNOWN_BY_KEY}


def _keys_of(expressions: Mapping[str, Expression]) -> dict[str, str]:
    return {
        key_of(word): expression.name
        for expression in expressions.values()
        for word in (expression.name, *expression.aliases)
    }


_KNOWN_BY_KEY = {**_SHAPE_FROM_KEY, **_keys_of(NAMED_EXPRESSIONS)}
