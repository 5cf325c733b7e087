"""A named expression, and how one is written in TOML: by this project and by its users.

["half smile"]             # quoted, for its space
mouthSmileLeft = 0.6       # ARKit shapes; mouthSmile is both sides,
AU6 = 0.4                  # action units of FACS, also of one side: AU6L,
surprised = 0.2            # and, in a user's file, expressions of the table, all added up
aliases = ["lopsided"]     # other names for it
adds = true                # laid over what the face shows; else it replaces that
neutral = 0.5              # with adds: takes this part of what the face shows away
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reggan_plugin.errors import UnknownExpressionError, UsageError
from reggan_plugin.vocabulary.action_units import action_unit_weights, is_action_unit
from reggan_plugin.vocabulary.face_shapes import MAX_WEIGHT, NEUTRAL, shapes_of

EXAMPLE = '["half smile"] with lines such as mouthSmileLeft = 0.6'
_LONGEST_NAME_BYTES = 200
"""So that a file of its name can be written."""
_SEPARATORS = "+:={}/\\"
"""Characters that mean something else in blends, options, farms' templates and folders."""


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One facial expression under the names that other systems know it by.

    Attributes:
        name: what records and folders call it.
        group: part of our own table that it stands in; empty for a user's.
        aliases: other words for it.
        action_units: of FACS, the main ones (Du, Tao & Martinez, "Compound facial expressions of
            emotion", PNAS 111(15), 2014, table 1, where it is one of theirs).
        vrm_preset: its name among the presets of VRM 1.0.
        weights: of ARKit face shapes; neutral has none.
        replaces: whether it takes the place of what the face shows. Expressions of a part of the
            face, such as a blink, are laid over it.
        source: where the weights come from, in one line.
        meanings: words that are near in meaning; they are answered with this name, not taken.
    """

    name: str
    group: str = ""
    aliases: tuple[str, ...] = ()
    action_units: tuple[int, ...] = ()
    vrm_preset: str | None = None
    weights: Mapping[str, float]
    replaces: bool = True
    source: str
    meanings: tuple[str, ...] = ()


def check_name(name: str) -> None:
    """Refuse what cannot be a name.

    Raises:
        UsageError: it is empty or too long, or has a character that means something else.
    """
    is_odd = not name.strip() or set(name) & set(_SEPARATORS) or not name.isprintable()
    if is_odd or len(name.encode()) > _LONGEST_NAME_BYTES:
        raise UsageError(
            f"{name[:80]!r} cannot be a name; use letters, digits, spaces and dashes, "
            f"{_LONGEST_NAME_BYTES} bytes at most."
        )


def expression_from_table(
    name: str, table: Any, file: str, named: Callable[[str], Mapping[str, float]]
) -> Expression:
    """Read one expression of a TOML file.

    Args:
        name: of the table.
        table: its lines.
        file: that it stands in.
        named: weights of an expression that the table may name beside shapes and units.

    Raises:
        UsageError: it asks for what is no shape, unit or expression, or for a weight out of range.
    """
    where = f"{file}, [{name}]"
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {name} is {table!r}, no table; expected {EXAMPLE}.")
    try:
        check_name(name)
    except UsageError as error:
        raise error.after(f"{where}: ") from error
    weights = dict(table)
    lists = {key: weights.pop(key, []) for key in ("aliases", "meanings")}
    for key, words in lists.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UsageError(f'{where}: {key} is {words!r}; expected a list, ["one", "two"].')
    adds = weights.pop("adds", False)
    if not isinstance(adds, bool):
        raise UsageError(f"{where}: adds is {adds!r}; expected true or false.")
    return Expression(
        name=name,
        group=weights.pop("group", ""),
        aliases=tuple(lists["aliases"]),
        meanings=tuple(lists["meanings"]),
        action_units=tuple(weights.pop("action_units", ())),
        vrm_preset=weights.pop("vrm_preset", None),
        source=str(weights.pop("source", file)),
        replaces=not adds,
        weights=_sum_of(weights, where, named, adds=adds),
    )


def _sum_of(
    parts: Mapping[str, Any],
    where: str,
    named: Callable[[str], Mapping[str, float]],
    *,
    adds: bool,
) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for word, amount in parts.items():
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or not 0 <= amount <= MAX_WEIGHT:
            raise UsageError(
                f"{where}: {word} is {amount!r}; expected a weight from 0 to {MAX_WEIGHT}."
            )
        if word == NEUTRAL and not adds:
            raise UsageError(
                f"{where} names neutral; a preset replaces what the face shows unless it says "
                "adds = true. Leave neutral out, or say so to take only that part of it away."
            )
        shapes: Mapping[str, float] = dict.fromkeys(shapes_of(word), 1.0)
        try:
            shapes = shapes or (action_unit_weights if is_action_unit(word) else named)(word)
        except UnknownExpressionError as error:
            raise UnknownExpressionError(f"{where}: {error}") from error
        for shape, weight in shapes.items():
            weights[shape] = weights.get(shape, 0.0) + amount * weight
    return MappingProxyType({shape: min(w, MAX_WEIGHT) for shape, w in weights.items()})
