"""Named expressions, and what is asked of a face: amounts of them and of face shapes.

How one is written in TOML, by this project and by its users:

["half smile"]             # quoted, for its space
mouthSmileLeft = 0.6       # ARKit shapes; mouthSmile is both sides,
AU6 = 0.4                  # action units of FACS, also of one side: AU6L,
surprised = 0.2            # and, in a user's file, expressions of the table, all added up
aliases = ["lopsided"]     # other names for it
adds = true                # laid over what the face shows; else it replaces that
neutral = 0.5              # with adds: takes this part of what the face shows away
shutMouth = 1              # with adds: only shuts an open mouth
"""

import copyreg
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reggan_plugin.errors import SourceError, UnknownExpressionError, UsageError, expect_types
from reggan_plugin.file_safety import read_text
from reggan_plugin.frozen import frozen
from reggan_plugin.json_and_toml import parse_toml
from reggan_plugin.limits import MOST_PRESETS, MOST_SETTINGS_BYTES, refuse_beyond
from reggan_plugin.vocabulary.action_units import action_unit_weights, is_action_unit
from reggan_plugin.vocabulary.face_shapes import (
    ARKIT_SHAPES,
    MAX_INTENSITY,
    MAX_WEIGHT,
    NEUTRAL,
    SHAPE_FROM_KEY,
    SHUT_MOUTH,
    shapes_of,
)

EXAMPLE = '["half smile"] with lines such as mouthSmileLeft = 0.6'
_LONGEST_NAME_BYTES = 200
"""So that a file of its name can be written."""
_SEPARATORS = "+:={}/\\"
"""Characters that mean something else in blends, options, farms' templates and folders."""


@frozen
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
        UsageError: it is empty or too long, nothing but dots, which are folders where results are
            named after it, or has a character that means something else.
    """
    is_odd = not name.strip(" .") or set(name) & set(_SEPARATORS) or not name.isprintable()
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
    parts: Mapping[str, Any], where: str, named: Callable[[str], Mapping[str, float]], *, adds: bool
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


_ALIKE_IN_MEANING, _ALIKE_IN_LETTERS = 0.8, 0.6
_MOST = 3
_BEGINNING = 4
"""Letters: of names that are alike, those that begin so come first (*smiling*: *smile*)."""


def did_you_mean(key: str, names: Mapping[str, str], expressions: Iterable[Expression]) -> str:
    """Return a hint for a word that names no expression; empty if nothing is near.

    Args:
        key: the word.
        names: what may be meant, by how it is written.
        expressions: whose meanings count.
    """
    alike = _close(key, names, 9)
    by_letters = sorted(alike, key=lambda one: not one.startswith(key[:_BEGINNING]))[:2]
    near = [*_near_in_meaning(key, expressions), *(names[one] for one in by_letters)]
    found = list(dict.fromkeys(near))[:_MOST]
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""


def nearest_in_weights(name: str, names: Iterable[str], named: Mapping[str, Expression]) -> str:
    """Return a hint to the one of some expressions whose face shapes are most like those of
    another.
    """
    wanted = named[name].weights if name in named else {name: 1.0}
    likeness = {other: _likeness(wanted, named[other].weights) for other in names if other in named}
    best = max(likeness, key=likeness.__getitem__, default="")
    return f" The nearest of these is {best!r}." if likeness.get(best, 0.0) > 0 else ""


def _near_in_meaning(key: str, expressions: Iterable[Expression]) -> Iterator[str]:
    for expression in expressions:
        words = [word for word in expression.meanings if word in key.split() or word == key]
        if words or _close(key, expression.meanings, 1, _ALIKE_IN_MEANING):
            yield expression.name


def _close(
    key: str, words: Iterable[str], most: int, alike: float = _ALIKE_IN_LETTERS
) -> list[str]:
    from difflib import get_close_matches  # few mistype

    return get_close_matches(key, list(words), most, alike)


def _likeness(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Cosine of the angle between two sets of weights; 0 for those of neutral."""
    lengths = [math.hypot(*weights.values()) for weights in (one, other)]
    product = sum(weight * other.get(shape, 0.0) for shape, weight in one.items())
    return product / math.prod(lengths) if all(lengths) else 0.0


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


def resolve_expression(word: str, own: OwnPresets = NO_PRESETS) -> str:
    """Return the name of the expression, preset or ARKit shape that `word` names, in any case.

    Raises:
        UnknownExpressionError: no name or alias matches; the message suggests the nearest by
            letters and by meaning.
    """
    names = {**_keys_of(own), **_KNOWN_BY_KEY} if own else _KNOWN_BY_KEY
    name = names.get(key_of(word))
    if name is not None:
        return name
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
    near = [SHAPE_FROM_KEY[one] for one in _close(key, SHAPE_FROM_KEY, _MOST)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    if key == "tongueout":
        hint = " ARKit has it, but no model moves the tongue."
    raise UnknownExpressionError(
        f"{word!r} is not a face shape that can be asked for.{hint}", kind="unknown-face-shape"
    )


def _keys_of(expressions: Mapping[str, Expression]) -> dict[str, str]:
    return {
        key_of(word): expression.name
        for expression in expressions.values()
        for word in (expression.name, *expression.aliases)
    }


_KNOWN_BY_KEY = {**SHAPE_FROM_KEY, **_keys_of(NAMED_EXPRESSIONS)}


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
        tables = parse_toml(read_text(path, MOST_SETTINGS_BYTES))
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
            taken = _KNOWN_BY_KEY.get(key_of(word)) or seen.get(key_of(word))
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
    taken = _KNOWN_BY_KEY.get(key_of(name))
    if taken is not None:
        raise UsageError(_is_taken(name, taken))


def _is_taken(word: str, taken: str) -> str:
    """Say that a word means an expression already."""
    what = "the name of another expression" if word == taken else f"another word for {taken!r}"
    return f"{word!r} is {what}. Give it another name."


def _named(word: str) -> Mapping[str, float]:
    return NAMED_EXPRESSIONS[resolve_expression(word)].weights


EXPRESSION_NAMES: tuple[str, ...] = tuple(expression.name for expression in BASIC_EXPRESSIONS)

_MOST_IN_A_LABEL = 4
_LEAST_SHARE = 0.6
"""Part of a named expression's weight that a model must have shapes for."""


@frozen(kw_only=False)
class ExpressionMix:
    """Amounts of expressions and face shapes; what is not named is 0.

    A named expression replaces what the face shows, as far as it is strong; a shape by its own
    name is laid over it. Several add up.

    Attributes:
        intensities: by name of an expression, a preset of one's own or an ARKit shape.
        adds: whether named expressions are laid over what the face shows, too.
        own: presets of one's own that `intensities` may name.
        by_face: mixes of single faces, in place of this one, by `FaceCrop.face`.
    """

    intensities: Mapping[str, float] = field(default_factory=dict)
    adds: bool = False
    own: OwnPresets = field(default_factory=lambda: NO_PRESETS)
    by_face: Mapping[int, "ExpressionMix"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect_types(
            intensities=(self.intensities, Mapping),
            adds=(self.adds, bool),
            own=(self.own, Mapping),
            by_face=(self.by_face, Mapping),
        )
        for face, mix in self.by_face.items():
            expect_types(**{f"by_face[{face!r}]": (mix, ExpressionMix)})
        for name, intensity in self.intensities.items():
            expect_types(name=(name, str))
            shapes = (*ARKIT_SHAPES, SHUT_MOUTH)
            if name not in shapes and name not in NAMED_EXPRESSIONS and name not in self.own:
                resolve_expression(name)  # for its hint
                raise UnknownExpressionError(f"{name!r} is no name of an expression, but an alias.")
            said = _as_number(name, intensity)
            if not 0.0 <= said <= MAX_INTENSITY:  # also false for NaN
                raise UsageError(
                    f"The intensity of {name} is {said:g}; it goes from 0 to {MAX_INTENSITY}."
                )

    @property
    def changes_nothing(self) -> bool:
        """True if every intensity is 0: the output is then the input itself."""
        own = self.by_face.values()
        return not any(self.intensities.values()) and all(one.changes_nothing for one in own)

    @property
    def relaxed(self) -> float:
        """How much of what a face shows is read and taken away, 0 to 1: `neutral`, by its name or
        in a preset.
        """
        asked = self.intensities.items()
        own = (
            value * self.own[name].weights.get(NEUTRAL, 0.0)
            for name, value in asked
            if name in self.own
        )
        return min(1.0, self.intensities.get(NEUTRAL, 0.0) + sum(own))

    @property
    def parts(self) -> "tuple[ExpressionMix, ...]":
        """What faces without a mix of their own are asked for, then each of the others."""
        return (replace(self, by_face={}), *self.by_face.values())

    @property
    def intensities_by_face(self) -> dict[str, dict[str, float]]:
        """Intensities of faces that have a mix of their own, as JSON."""
        return {str(face): dict(mix.intensities) for face, mix in self.by_face.items()}

    def of_face(self, face: int) -> "ExpressionMix":
        """Return what one face is asked for."""
        return self.by_face.get(face) or replace(self, by_face={})

    @property
    def label(self) -> str:
        """Label in the names of files and folders of results."""
        if self.by_face:
            own = [f"{face}-{mix.label}" for face, mix in self.by_face.items()]
            return "_".join([*filter(None, [self.parts[0].label]), *own])
        names = [name.replace(" ", "_") for name in self.intensities]
        more = len(names) - _MOST_IN_A_LABEL
        return "_".join([*names[:_MOST_IN_A_LABEL], *([f"and_{more}_more"] if more > 0 else [])])

    def scaled(self, share: float) -> "ExpressionMix":
        """Return the same blend with every intensity multiplied by `share`, 0 to 1."""
        share = _as_number("all", share)
        scaled = {name: share * value for name, value in self.intensities.items()}
        by_face = {face: mix.scaled(share) for face, mix in self.by_face.items()}
        return replace(self, intensities=scaled, by_face=by_face)

    def vector(self, names: tuple[str, ...]) -> list[float]:
        """Intensities in the order of `names`, as a model takes them that knows expressions alone.

        Raises:
            UnknownExpressionError: the mix needs an expression that is not in `names`.
            UsageError: it is to be laid over what the face shows, which needs face shapes.
        """
        missing = [n for n, value in self.intensities.items() if value and n not in names]
        if missing:
            kind = "shape" if missing[0] in ARKIT_SHAPES else "expression"
            nearest = nearest_in_weights(missing[0], names, NAMED_EXPRESSIONS)
            raise UnknownExpressionError(
                f"This model has no {kind} {missing[0]!r}; it has {', '.join(names)}."
                f"{nearest} Take a model with face shapes.",
                kind="model-lacks-control",
            )
        if self.adds and not self.changes_nothing:
            raise UsageError(
                "This model can only replace the expression of a face, not add to it. Take a "
                "model with face shapes.",
                kind="model-lacks-control",
            )
        return [float(self.intensities.get(name, 0.0)) for name in names]

    def document(self) -> dict[str, Any]:
        """All that is asked for, as JSON: two mixes with the same document ask for the same."""
        own = {str(face): mix.document() for face, mix in self.by_face.items()}
        document: dict[str, Any] = {
            "intensities": dict(self.intensities),
            "weights": self.control_weights(),
            **({"relaxed": self.relaxed} if self.relaxed else {}),
        }
        return {**document, "by_face": own} if own else document

    def control_weights(self) -> dict[str, float]:
        """Weights of ARKit shapes, 0 to `MAX_WEIGHT`, and of `neutral`, 0 to 1; without zeros.

        `neutral` is how far an open mouth of the source is shut; what else is taken away of what
        it shows, `relaxed` says.
        """
        weights: dict[str, float] = {}
        for name, intensity in self.intensities.items():
            for shape, weight in self._weights_of(name).items():
                control = NEUTRAL if shape == SHUT_MOUTH else shape
                weights[control] = weights.get(control, 0.0) + intensity * weight
        limits = {shape: 1.0 if shape == NEUTRAL else MAX_WEIGHT for shape in weights}
        return {shape: min(weight, limits[shape]) for shape, weight in weights.items() if weight}

    def shape_weights(self) -> dict[str, float]:
        """Return the same request by shapes, `neutral` and `shutMouth` alone; it adds."""
        weights = self.control_weights()
        shut = weights.pop(NEUTRAL, 0.0) - self.relaxed
        ways = {NEUTRAL: self.relaxed, SHUT_MOUTH: shut}
        return {**weights, **{name: value for name, value in ways.items() if value > 0}}

    def control_vector(self, controls: tuple[str, ...]) -> list[float]:
        """Weights in the order of `controls`, as a model with face shapes takes them.

        A named expression goes without shapes that the model does not have, as long as
        most of its weight is there.

        Args:
            controls: names of the model's ARKit shapes, and `neutral`.

        Raises:
            UnknownExpressionError: a shape that is asked for by its own name, or too much of
                a named expression, is not in `controls`.
        """
        for name in (name for name, intensity in self.intensities.items() if intensity):
            weights = self._weights_of(name)
            missing = [shape for shape in weights if shape not in controls]
            shapes = {n: w for n, w in weights.items() if n != NEUTRAL} or weights  # it has none
            there = sum(weight for shape, weight in shapes.items() if shape in controls)
            if missing and there < _LEAST_SHARE * sum(shapes.values()):
                raise UnknownExpressionError(
                    f"This model cannot show {name!r}: it has no {', '.join(missing)}; it has "
                    f"{', '.join(controls)}. Ask for one of these, or take another model."
                )
        weights = self.control_weights()
        return [float(weights.get(name, 0.0)) for name in controls]

    def _weights_of(self, name: str) -> Mapping[str, float]:
        expression = NAMED_EXPRESSIONS.get(name) or self.own.get(name)
        if expression is None:
            return {NEUTRAL if name == SHUT_MOUTH else name: 1.0}
        takes_away = name == NEUTRAL or (expression.replaces and not self.adds)
        return {**expression.weights, NEUTRAL: 1.0} if takes_away else expression.weights


def parse_expression_mix(
    text: str, intensity: float = 1.0, own: OwnPresets = NO_PRESETS, *, adds: bool = False
) -> ExpressionMix:
    """Read `happy` or `happy:0.6+surprised:0.3`; every part is multiplied by `intensity`.

    Raises:
        UnknownExpressionError: a name is not known.
        UsageError: an intensity is not a number, out of range, or a name stands twice.
    """
    if not isinstance(text, str):
        raise UsageError(f"A {type(text).__name__} names no expression; give text such as 'happy'.")
    intensity = _as_number("all", intensity)
    if not isinstance(own, Mapping) or not all(isinstance(one, Expression) for one in own.values()):
        raise UsageError(f"own is a {type(own).__name__}; expected presets by their names.")
    intensities: dict[str, float] = {}
    for part in text.split("+"):
        word, colon, amount = part.partition(":")
        name = resolve_expression(word, own)
        if name in intensities:
            raise UsageError(f"{name!r} stands twice in {text[:80]!r}; name each expression once.")
        try:
            share = float(amount) if colon else 1.0
        except ValueError:
            raise UsageError(
                f"{amount!r} in {text!r} is not a number; write a blend as happy:0.6+surprised:0.3."
            ) from None
        intensities[name] = share * intensity
    return ExpressionMix(intensities, adds, own)


def mix_from_request(
    asked: "str | Mapping[str, float] | ExpressionMix",
    intensity: float = 1.0,
    own: OwnPresets = NO_PRESETS,
) -> ExpressionMix:
    """Read a request: a name, a blend as text, or weights by name: `{"jawOpen": 0.4, "AU12": 1}`.

    Weights are of expressions, presets in `own`, face shapes (`mouthSmile` is both sides) and
    action units, which are added up. `intensity` multiplies every part, but not those of a mix.

    Raises:
        UnknownExpressionError, UsageError: as `parse_expression_mix`.
    """
    intensity = _as_number("all", intensity)
    if isinstance(asked, ExpressionMix):
        return asked
    if isinstance(asked, str):
        return parse_expression_mix(asked, intensity, own)
    if not isinstance(asked, Mapping):
        raise UsageError(
            f"An object of type {type(asked).__name__} is no expression; give a name, a blend such "
            "as 'happy:0.6+surprised:0.3', or weights such as {'jawOpen': 0.4}."
        )
    intensities: dict[str, float] = {}
    named: set[str] = set()
    for word, share in asked.items():
        if not isinstance(word, str):
            raise UsageError(f"{word!r} is no name of an expression or a shape. Give it as text.")
        share = _as_number(word, share)
        is_unit = is_action_unit(word)
        if is_unit:
            parts = action_unit_weights(word)
        else:
            parts = dict.fromkeys(shapes_of(word) or (resolve_expression(word, own),), 1.0)
        if not is_unit and named.intersection(parts):
            name = min(named.intersection(parts))
            raise UsageError(f"{name!r} stands twice in {dict(asked)}; name each one once.")
        named.update(() if is_unit else parts)
        for name, weight in parts.items():
            intensities[name] = intensities.get(name, 0.0) + intensity * share * weight
    return ExpressionMix(intensities, own=own)


def _as_number(name: str, intensity: Any) -> float:
    """Return an intensity as a float; infinity for whole numbers beyond all floats.

    Raises:
        UsageError: it is no number.
    """
    if not isinstance(intensity, Real):
        raise UsageError(
            f"The intensity of {name} is {intensity!r}, a {type(intensity).__name__}; it is a "
            f"number from 0 to {MAX_INTENSITY}, such as 0.7."
        )
    try:
        return float(intensity)
    except OverflowError:
        return math.inf
