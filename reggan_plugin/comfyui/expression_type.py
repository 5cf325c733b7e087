"""What nodes hand each other as an expression: one for a whole batch, or one for each picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.render_settings import ExpressionCurve
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

REPLACE, ADD = "replace", "add"
MODES = (REPLACE, ADD)
"""Whether an expression replaces what the face shows, or is laid over it."""


class BatchExpression(Protocol):
    """An expression for each picture of a batch."""

    def mix_at(self, place: int) -> ExpressionMix:
        """Return the request to a picture, counted from 0."""
        ...

    def refuse_beside(self, pictures: int) -> None:
        """Refuse a batch that it does not lie on.

        Raises:
            UsageError: no picture of the batch would be driven by it.
        """
        ...


@dataclass(frozen=True)
class StillExpression:
    """The same expression for all pictures."""

    mix: ExpressionMix

    def mix_at(self, place: int) -> ExpressionMix:  # noqa: ARG002
        """Return it."""
        return self.mix

    def refuse_beside(self, pictures: int) -> None:
        """Refuse nothing."""


@dataclass(frozen=True, eq=False)
class TakeExpression:
    """A take that lies on a shot whose first picture has a number.

    Attributes:
        curve: the take by frame.
        rows: frames of its first and its last row.
        first_frame: number of the batch's first picture.
    """

    curve: ExpressionCurve
    rows: tuple[float, float]
    first_frame: int

    def mix_at(self, place: int) -> ExpressionMix:
        """Return what the take asks for."""
        return self.curve.mix_at(self.first_frame + place)

    def refuse_beside(self, pictures: int) -> None:
        """Refuse a batch before or behind it."""
        last = self.first_frame + pictures - 1
        begin, end = self.rows
        if end < self.first_frame or begin > last:
            raise UsageError(
                f"The take lies on frames {begin:.6g} to {end:.6g}, and the batch has "
                f"{self.first_frame} to {last}. Give another offset, first frame or frame rate."
            )


@dataclass(frozen=True)
class BlendedExpressions:
    """Several expressions, each multiplied by an amount, added up."""

    parts: Sequence[tuple[BatchExpression, float]]

    def mix_at(self, place: int) -> ExpressionMix:
        """Return their sum at a picture."""
        mixes = [scaled(part.mix_at(place), amount) for part, amount in self.parts]
        of_weight = [mix for mix in mixes if not mix.changes_nothing]
        if len({mix.adds for mix in of_weight}) > 1:  # said by shapes, which know no such mode
            return ExpressionMix(_sum([mix.shape_weights() for mix in mixes]), adds=True)
        adds = bool(of_weight) and of_weight[0].adds
        return ExpressionMix(_sum([mix.intensities for mix in mixes]), adds)

    def refuse_beside(self, pictures: int) -> None:
        """Refuse what one of them does."""
        for part, _ in self.parts:
            part.refuse_beside(pictures)


def scaled(mix: ExpressionMix, amount: float) -> ExpressionMix:
    """Return a mix times an amount; no part goes beyond the largest intensity."""
    if amount == 1.0:
        return mix
    return ExpressionMix(
        {name: min(amount * value, MAX_INTENSITY) for name, value in mix.intensities.items()},
        mix.adds,
        mix.own,
    )


def _sum(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for weights in parts:
        for name, value in weights.items():
            total[name] = min(total.get(name, 0.0) + value, MAX_INTENSITY)
    return total
