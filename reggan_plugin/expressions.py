"""The one list of expressions: names, order, aliases, FACS action units, VRM names.

Imports nothing heavy, so that the command line can list the names at once.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from reggan_plugin.controls import ARKIT_SHAPES, MAX_WEIGHT, NEUTRAL
from reggan_plugin.errors import UnknownExpressionError, UsageError
from reggan_plugin.expression_table import BASIC_EXPRESSIONS, OTHER_EXPRESSIONS, Expression

MAX_INTENSITY = MAX_WEIGHT
"""Largest intensity that a model is asked for; 1 is the full expression."""

EXPRESSIONS: tuple[Expression, ...] = BASIC_EXPRESSIONS
"""Neutral and the six of the paper, which every model knows by name."""
EXPRESSION_NAMES: tuple[str, ...] = tuple(expression.name for expression in EXPRESSIONS)

NAMED_EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {expression.name: expression for expression in (*BASIC_EXPRESSIONS, *OTHER_EXPRESSIONS)}
)
"""All expressions that have a name. Those beyond `EXPRESSIONS` need a model with face shapes."""

_NAME_FROM_WORD = {
    word: expression.name
    for expression in NAMED_EXPRESSIONS.values()
    for word in (expression.name, *expression.aliases)
}
_SHAPE_FROM_WORD = {shape.lower(): shape for shape in ARKIT_SHAPES}
_LEAST_SHARE = 0.6
"""Part of a named expression's weight that a model must have shapes for."""

ARKIT_FROM_ACTION_UNIT: Mapping[int, str] = MappingProxyType(
    {
        1: "browInnerUp",
        2: "browOuterUp",
        4: "browDown",
        5: "eyeWide",
        6: "cheekSquint",
        7: "eyeSquint",
        9: "noseSneer",
        10: "mouthUpperUp",
        12: "mouthSmile",
        15: "mouthFrown",
        17: "mouthShrugLower",
        20: "mouthStretch",
        24: "mouthPress",
        25: "mouthLowerDown",
        26: "jawOpen",
    }
)
"""ARKit blend shape (without Left/Right) nearest to an action unit: a proposal, not a standard."""


def resolve_expression(word: str) -> str:
    """Return the name of the expression or ARKit shape that `word` names, in any case.

    Raises:
        UnknownExpressionError: no name or alias matches; the message suggests the nearest.
    """
    key = " ".join(word.lower().replace("_", " ").replace("-", " ").split())
    name = _NAME_FROM_WORD.get(key) or _SHAPE_FROM_WORD.get(key)
    if name is not None:
        return name
    near = difflib.get_close_matches(key, [*_NAME_FROM_WORD, *_SHAPE_FROM_WORD], n=1, cutoff=0.5)
    nearest = _NAME_FROM_WORD.get(near[0]) or _SHAPE_FROM_WORD[near[0]] if near else ""
    hint = f" Did you mean {nearest!r}?" if nearest else ""
    raise UnknownExpressionError(
        f"{word!r} is not an expression.{hint} Expressions: {', '.join(NAMED_EXPRESSIONS)}."
    )


@dataclass(frozen=True)
class ExpressionMix:
    """How much of each expression and face shape is asked for; what is not named is 0.

    A named expression replaces what the face shows, as far as it is strong; a shape by its own
    name is laid over it. Several add up.

    Attributes:
        intensities: by name of an expression or of an ARKit shape.
        adds: whether named expressions are laid over what the face shows, too.
    """

    intensities: Mapping[str, float] = field(default_factory=dict)
    adds: bool = False

    def __post_init__(self) -> None:
        for name, intensity in self.intensities.items():
            if name not in NAMED_EXPRESSIONS and name not in ARKIT_SHAPES:
                raise UnknownExpressionError(
                    f"{name!r} is neither an ARKit shape nor one of {', '.join(NAMED_EXPRESSIONS)}."
                )
            if not 0.0 <= intensity <= MAX_INTENSITY:  # also false for NaN
                raise UsageError(
                    f"The intensity of {name} is {intensity:g}; it goes from 0 to {MAX_INTENSITY}."
                )

    @property
    def changes_nothing(self) -> bool:
        """Whether every intensity is 0: the output is then the input itself."""
        return not any(self.intensities.values())

    def scaled(self, share: float) -> "ExpressionMix":
        """The same blend with every intensity multiplied by `share`, 0 to 1."""
        scaled = {name: share * value for name, value in self.intensities.items()}
        return replace(self, intensities=scaled)

    def vector(self, names: tuple[str, ...]) -> list[float]:
        """Intensities in the order of `names`, as a model takes them that knows expressions alone.

        Raises:
            UnknownExpressionError: the mix needs an expression that is not in `names`.
            UsageError: it is to be laid over what the face shows, which needs face shapes.
        """
        missing = [n for n, value in self.intensities.items() if value and n not in names]
        if missing:
            kind = "shape" if missing[0] in ARKIT_SHAPES else "expression"
            raise UnknownExpressionError(
                f"This model has no {kind} {missing[0]!r}; it has {', '.join(names)}. Take a "
                "model with face shapes: `reggan-plugin models` lists their controls."
            )
        if self.adds and not self.changes_nothing:
            raise UsageError(
                "This model can only replace the expression of a face, not add to it. Take a "
                "model with face shapes: `reggan-plugin models` lists their controls."
            )
        return [float(self.intensities.get(name, 0.0)) for name in names]

    def control_weights(self) -> dict[str, float]:
        """Weights of ARKit shapes, 0 to `MAX_WEIGHT`, and of `neutral`, 0 to 1; without zeros.

        `neutral` is how much of the source's own expression is taken away.
        """
        weights: dict[str, float] = {}
        for name, intensity in self.intensities.items():
            for shape, weight in self._weights_of(name).items():
                weights[shape] = weights.get(shape, 0.0) + intensity * weight
        limits = {shape: 1.0 if shape == NEUTRAL else MAX_WEIGHT for shape in weights}
        return {shape: min(weight, limits[shape]) for shape, weight in weights.items() if weight}

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
        for name, intensity in self.intensities.items():
            if intensity:
                _refuse_missing(name, self._weights_of(name), controls)
        weights = self.control_weights()
        return [float(weights.get(name, 0.0)) for name in controls]

    def _weights_of(self, name: str) -> Mapping[str, float]:
        expression = NAMED_EXPRESSIONS.get(name)
        if expression is None:
            return {name: 1.0}
        takes_away = name == NEUTRAL or (expression.replaces and not self.adds)
        return {**expression.weights, NEUTRAL: 1.0} if takes_away else expression.weights


def _refuse_missing(name: str, weights: Mapping[str, float], controls: tuple[str, ...]) -> None:
    missing = [shape for shape in weights if shape not in controls]
    shapes = {n: w for n, w in weights.items() if n != NEUTRAL} or weights  # neutral has none
    there = sum(weight for shape, weight in shapes.items() if shape in controls)
    if missing and there < _LEAST_SHARE * sum(shapes.values()):
        raise UnknownExpressionError(
            f"This model cannot show {name!r}: it has no {', '.join(missing)}; it has "
            f"{', '.join(controls)}. Ask for one of these, or take another model."
        )


def parse_expression_mix(text: str, intensity: float = 1.0) -> ExpressionMix:
    """Read `happy` or `happy:0.6+surprised:0.3`; every part is multiplied by `intensity`.

    Raises:
        UnknownExpressionError: a name is not known.
        UsageError: an intensity is not a number, out of range, or a name stands twice.
    """
    intensities: dict[str, float] = {}
    for part in text.split("+"):
        word, colon, amount = part.partition(":")
        name = resolve_expression(word)
        if name in intensities:
            raise UsageError(f"{name!r} stands twice in {text!r}; name each expression once.")
        try:
            share = float(amount) if colon else 1.0
        except ValueError:
            raise UsageError(
                f"{amount!r} in {text!r} is not a number; write a blend as happy:0.6+surprised:0.3."
            ) from None
        intensities[name] = share * intensity
    return ExpressionMix(intensities)
