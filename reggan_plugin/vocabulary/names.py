"""All names of expressions, out of `expressions.toml`, and which of them a word means."""

import copyreg
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary.expression import Expression, expression_from_table
from reggan_plugin.vocabulary.face_shapes import SHAPE_FROM_KEY, shapes_of
from reggan_plugin.vocabulary.suggestions import did_you_mean, shape_meant

_TABLE = Path(__file__).with_name("expressions.toml")


def _read_table() -> dict[str, dict[str, Any]]:
    """Read tables of one-line JSON values, all of TOML that the file uses: tomllib takes 7 ms."""
    tables: dict[str, dict[str, Any]] = {}
    table: dict[str, Any] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = tables[line[1:-1].strip('"')] = {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            table[key] = json.loads(value)
    return tables


def _refuse(word: str) -> Mapping[str, float]:
    raise UnknownExpressionError(f"{word!r} is neither an ARKit shape nor an action unit.")


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# Requests with presets go to processes that render beside each other.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))
NAMED_EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {
        name: expression_from_table(name, table, _TABLE.name, _refuse)
        for name, table in _read_table().items()
    }
)
"""All expressions that have a name. Those beyond the basic ones need a model with face shapes."""

BASIC_EXPRESSIONS = tuple(one for one in NAMED_EXPRESSIONS.values() if one.group == "basic")
"""Neutral and the six of the paper, in the order of the vector that contract 1 models take."""

OwnPresets = Mapping[str, Expression]
"""Expressions of a user's own, by name."""
NO_PRESETS: OwnPresets = MappingProxyType({})

_LONGEST_WORD = 80
"""Of a word in a message; names are sought that are like it."""
_BEHIND_NAME = re.compile(r"[,;&=]|\s(?=[\d.])")
"""Where the name ends in what people write for a blend: `happy,sad`, `happy 0.5`."""


def key_of(word: str) -> str:
    """Return the word as names are compared: in small letters, with single spaces."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def name_meant(word: str, own: OwnPresets = NO_PRESETS) -> str | None:
    """Return the name of the expression, preset or ARKit shape that `word` names; None if none."""
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


def shapes_from_word(word: str) -> tuple[str, ...]:
    """Return `shapes_of` a word that names some.

    Raises:
        UnknownExpressionError: it names none; the message suggests the nearest.
    """
    shapes = shapes_of(word)
    if shapes:
        return shapes
    key = word.strip().lower()
    hint = shape_meant(key, SHAPE_FROM_KEY)
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


_KNOWN_BY_KEY = {**SHAPE_FROM_KEY, **_keys_of(NAMED_EXPRESSIONS)}
