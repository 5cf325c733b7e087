"""The one list of expressions: names, order, aliases, FACS action units, VRM names.

Imports nothing heavy, so that the command line can list the names at once.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reggan_plugin.errors import UnknownExpressionError, UsageError

MAX_INTENSITY = 1.5
"""Largest intensity that a model is asked for; 1 is the full expression."""


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One facial expression under the names that other systems know it by.

    Action units follow Du, Tao & Martinez, "Compound facial expressions of emotion",
    PNAS 111(15), 2014, table 1 (main units only).
    """

    name: str
    aliases: tuple[str, ...] = ()
    action_units: tuple[int, ...] = ()
    vrm_preset: str | None = None


EXPRESSIONS: tuple[Expression, ...] = (
    Expression(name="neutral", aliases=("none", "calm"), vrm_preset="neutral"),
    Expression(
        name="happy",
        aliases=("joy", "joyful", "happiness", "smile"),
        action_units=(12, 25),
        vrm_preset="happy",
    ),
    Expression(name="sad", aliases=("sorrow", "sadness"), action_units=(4, 15), vrm_preset="sad"),
    Expression(name="angry", aliases=("anger",), action_units=(4, 7, 24), vrm_preset="angry"),
    Expression(name="disgusted", aliases=("disgust",), action_units=(9, 10, 17)),
    Expression(name="afraid", aliases=("fear", "fearful"), action_units=(1, 4, 20, 25)),
    Expression(
        name="surprised",
        aliases=("surprise",),
        action_units=(1, 2, 25, 26),
        vrm_preset="surprised",
    ),
)
EXPRESSION_NAMES: tuple[str, ...] = tuple(expression.name for expression in EXPRESSIONS)
_NAME_FROM_WORD = {
    word: expression.name
    for expression in EXPRESSIONS
    for word in (expression.name, *expression.aliases)
}

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
    """Return the name of the expression that `word` names, whatever its case or alias.

    Raises:
        UnknownExpressionError: no name or alias matches; the message suggests the nearest.
    """
    name = _NAME_FROM_WORD.get(word.strip().lower())
    if name is not None:
        return name
    near = difflib.get_close_matches(word.strip().lower(), _NAME_FROM_WORD, n=1, cutoff=0.5)
    hint = f" Did you mean {_NAME_FROM_WORD[near[0]]!r}?" if near else ""
    raise UnknownExpressionError(
        f"{word!r} is not an expression.{hint} Expressions: {', '.join(EXPRESSION_NAMES)}."
    )


@dataclass(frozen=True)
class ExpressionMix:
    """How much of each expression is asked for; what is not named is 0."""

    intensities: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, intensity in self.intensities.items():
            if name not in EXPRESSION_NAMES:
                raise UnknownExpressionError(f"{name!r} is not one of {EXPRESSION_NAMES}.")
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
        return ExpressionMix({name: share * value for name, value in self.intensities.items()})

    def vector(self, names: tuple[str, ...]) -> list[float]:
        """Intensities in the order of `names`, as a model takes them.

        Raises:
            UnknownExpressionError: the mix needs an expression that is not in `names`.
        """
        missing = [n for n, value in self.intensities.items() if value and n not in names]
        if missing:
            raise UnknownExpressionError(
                f"This model has no expression {missing[0]!r}; it has {', '.join(names)}."
            )
        return [float(self.intensities.get(name, 0.0)) for name in names]


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
