"""Expressions of a user's own, from a TOML file; how one is written: `expression.py`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from reggan_plugin.documents import parse_toml
from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.limits import MOST_PRESETS, MOST_SETTINGS_BYTES, refuse_beyond
from reggan_plugin.regular_file import read_regular
from reggan_plugin.vocabulary.expression import EXAMPLE, check_name, expression_from_table
from reggan_plugin.vocabulary.names import (
    NAMED_EXPRESSIONS,
    NO_PRESETS,
    OwnPresets,
    key_of,
    name_meant,
    resolve_expression,
)


def read_presets(path: Path | None) -> OwnPresets:
    """Read a file of presets; None has none.

    Raises:
        SourceError: it cannot be read, or is no TOML.
        UsageError: a preset has a name that is taken, or asks for what is no shape, unit or
            expression, or for a weight out of range; the message names it.
    """
    if path is None:
        return NO_PRESETS
    try:
        tables = parse_toml(read_regular(path, MOST_SETTINGS_BYTES).decode("utf-8-sig"))
        own = tables.get("presets")
        refuse_beyond(len(own if isinstance(own, dict) else tables), MOST_PRESETS, "presets")
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{path} cannot be read as presets: {error}. Write TOML: {EXAMPLE}."
        ) from error
    if isinstance(own, dict) and all(isinstance(table, dict) for table in own.values()):
        tables = own  # of a settings file, whose other tables are for commands
    if not tables:
        raise SourceError(f"{path} holds no preset; expected {EXAMPLE}.")
    presets = {
        name: expression_from_table(name, table, str(path), _named)
        for name, table in tables.items()
    }
    seen: dict[str, str] = {}
    for preset in presets.values():
        for word in (preset.name, *preset.aliases):
            taken = name_meant(word) or seen.get(key_of(word))
            if taken is not None:
                raise UsageError(f"{path}, [{preset.name}]: {_is_taken(word, taken)}")
            seen[key_of(word)] = preset.name
    return MappingProxyType(presets)


def check_preset_name(name: str) -> None:
    """Refuse a name that no preset may have.

    Raises:
        UsageError: it is empty or too long, has a character that means something else, or is taken.
    """
    check_name(name)
    taken = name_meant(name)
    if taken is not None:
        raise UsageError(_is_taken(name, taken))


def _is_taken(word: str, taken: str) -> str:
    """Say that a word means an expression already."""
    what = "the name of another expression" if word == taken else f"another word for {taken!r}"
    return f"{word!r} is {what}. Give it another name."


def _named(word: str) -> Mapping[str, float]:
    return NAMED_EXPRESSIONS[resolve_expression(word)].weights
