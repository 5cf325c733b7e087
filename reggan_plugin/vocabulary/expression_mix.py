"""A request to a face: amounts of expressions and face shapes; intensity goes up to 1.5.

Imports nothing heavy, so that the command line can list the names at once.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from numbers import Real
from typing import Any

from reggan_plugin.errors import UnknownExpressionError, UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.action_units import action_unit_weights, is_action_unit
from reggan_plugin.vocabulary.expression import (
    BASIC_EXPRESSIONS,
    NAMED_EXPRESSIONS,
    NO_PRESETS,
    Expression,
    OwnPresets,
    nearest_in_weights,
    resolve_expression,
)
from reggan_plugin.vocabulary.face_shapes import (
    ARKIT_SHAPES,
    MAX_INTENSITY,
    MAX_WEIGHT,
    NEUTRAL,
    SHUT_MOUTH,
    shapes_of,
)

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
        for name, intensity in self.intensities.items():
            shapes = (*ARKIT_SHAPES, SHUT_MOUTH)
            if name not in shapes and name not in NAMED_EXPRESSIONS and name not in self.own:
                resolve_expression(name)  # for its hint
                raise UnknownExpressionError(f"{name!r} is no name of an expression, but an alias.")
            _refuse_no_number(name, intensity)
            if not 0.0 <= intensity <= MAX_INTENSITY:  # also false for NaN
                said = max(min(intensity, 1e300), -1e300)  # larger whole numbers are no floats
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
    _refuse_no_number("all", intensity)
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
        try:
            intensities[name] = share * intensity
        except OverflowError:  # a whole number beyond all floats
            intensities[name] = intensity
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
    _refuse_no_number("all", intensity)
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
        _refuse_no_number(word, share)
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


def _refuse_no_number(name: str, intensity: object) -> None:
    if not isinstance(intensity, Real):
        raise UsageError(
            f"The intensity of {name} is {intensity!r}, a {type(intensity).__name__}; it is a "
            f"number from 0 to {MAX_INTENSITY}, such as 0.7."
        )
