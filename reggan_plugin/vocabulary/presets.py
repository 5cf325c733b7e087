"""Expressions of a user's own, from a TOML file.

[half smile]               # quoted in TOML: ["half smile"]
mouthSmileLeft = 0.6       # ARKit shapes; mouthSmile is both sides,
AU6 = 0.4                  # action units of FACS, also of one side: AU6L,
surprised = 0.2            # and expressions of the table, all added up
aliases = ["lopsided"]     # other names for it
adds = true                # laid over what the face shows; else it replaces that
neutral = 0.5              # with adds: takes this part of what the face shows away
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reggan_plugin.documents import parse_toml
from reggan_plugin.errors import SourceError, UnknownExpressionError, UsageError
from reggan_plugin.limits import MOST_PRESETS, MOST_SETTINGS_BYTES, refuse_beyond
from reggan_plugin.regular_file import read_regular
from reggan_plugin.vocabulary.action_units import action_unit_weights, is_action_unit
from reggan_plugin.vocabulary.expression import Expression
from reggan_plugin.vocabulary.face_shapes import MAX_WEIGHT, NEUTRAL
from reggan_plugin.vocabulary.names import (
    NAMED_EXPRESSIONS,
    NO_PRESETS,
    OwnPresets,
    key_of,
    name_meant,
    resolve_expression,
    shapes_of,
)

_EXAMPLE = '["half smile"] with lines such as mouthSmileLeft = 0.6'
_LONGEST_NAME_BYTES = 200
"""So that a file of its name can be written."""
_SEPARATORS = "+:={}/\\"
"""Characters that mean something else in blends, options, farms' templates and folders."""


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
            f"{path} cannot be read as presets: {error}. Write TOML: {_EXAMPLE}."
        ) from error
    if isinstance(own, dict) and all(isinstance(table, dict) for table in own.values()):
        tables = own  # of a settings file, whose other tables are for commands
    if not tables:
        raise SourceError(f"{path} holds no preset; expected {_EXAMPLE}.")
    presets = {name: _preset(name, table, path) for name, table in tables.items()}
    _refuse_taken_names(presets, path)
    return MappingProxyType(presets)


def check_preset_name(name: str) -> None:
    """Refuse a name that no preset may have.

    Raises:
        UsageError: it is empty or too long, has a character that means something else, or is taken.
    """
    is_odd = not name.strip() or set(name) & set(_SEPARATORS) or not name.isprintable()
    if is_odd or len(name.encode()) > _LONGEST_NAME_BYTES:
        raise UsageError(
            f"{name[:80]!r} cannot be a name; use letters, digits, spaces and dashes, "
            f"{_LONGEST_NAME_BYTES} bytes at most."
        )
    taken = name_meant(name)
    if taken is not None:
        raise UsageError(f"{name!r} is {taken!r} already. Give it another name.")


def _preset(name: str, table: Any, path: Path) -> Expression:
    where = f"{path}, [{name}]"
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is {table!r}, no table; expected {_EXAMPLE}.")
    try:
        check_preset_name(name)
    except UsageError as error:
        raise error.after(f"{where}: ") from error
    aliases, adds = table.pop("aliases", []), table.pop("adds", False)
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise UsageError(f'{where}: aliases is {aliases!r}; expected a list, ["one", "two"].')
    if not isinstance(adds, bool):
        raise UsageError(f"{where}: adds is {adds!r}; expected true or false.")
    return Expression(
        name=name,
        aliases=tuple(aliases),
        weights=_weights(table, where, adds=adds),
        replaces=not adds,
        source=str(path),
    )


def _weights(table: Mapping[str, Any], where: str, *, adds: bool) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for word, amount in table.items():
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or not 0 <= amount <= MAX_WEIGHT:
            raise UsageError(
                f"{where}: {word} is {amount!r}; expected a weight from 0 to {MAX_WEIGHT}."
            )
        for shape, weight in _weights_of(word, where, adds=adds).items():
            weights[shape] = weights.get(shape, 0.0) + amount * weight
    return MappingProxyType({shape: min(w, MAX_WEIGHT) for shape, w in weights.items()})


def _weights_of(word: str, where: str, *, adds: bool) -> Mapping[str, float]:
    if word == NEUTRAL and not adds:
        raise UsageError(
            f"{where} names neutral; a preset replaces what the face shows unless it says adds = "
            "true. Leave neutral out, or say so to take only that part of it away."
        )
    shapes = shapes_of(word)
    if shapes:
        return dict.fromkeys(shapes, 1.0)
    try:
        if is_action_unit(word):
            return action_unit_weights(word)
        return NAMED_EXPRESSIONS[resolve_expression(word)].weights
    except UnknownExpressionError as error:
        raise UnknownExpressionError(f"{where}: {error}") from error


def _refuse_taken_names(presets: OwnPresets, path: Path) -> None:
    seen: dict[str, str] = {}
    for preset in presets.values():
        for word in (preset.name, *preset.aliases):
            taken = name_meant(word) or seen.get(key_of(word))
            if taken is not None:
                raise UsageError(
                    f"{path}, [{preset.name}]: {word!r} is {taken!r} already. Give it another name."
                )
            seen[key_of(word)] = preset.name
