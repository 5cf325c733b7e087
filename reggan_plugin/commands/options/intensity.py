"""The options of `render` that say how much of an expression there is at which frame."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.options.expression import NOTHING_ASKED, MixOptions, expression_options
from reggan_plugin.commands.options.grouped import AddOption, grouped_option, options_as
from reggan_plugin.commands.options.take import TakeOptions, take_options
from reggan_plugin.errors import UsageError
from reggan_plugin.jobs.intensity_curve import ExpressionCurve, Fades, read_curve
from reggan_plugin.vocabulary.expression_mix import ExpressionMix, parse_expression_mix


@dataclass(frozen=True, kw_only=True)
class ShotExpression:
    """An expression over the frames of a shot.

    Attributes:
        mix: the same at every frame; with a curve, the most that it asks for.
        curve: the expression by frame.
        fades: at both ends of the shot.
        label: what a folder of results is named with.
        take: a recorded performance, of which `on_shot` makes the curve.
        intensity, adds: of the take.
    """

    mix: ExpressionMix
    curve: ExpressionCurve | None
    fades: Fades
    label: str
    take: TakeOptions | None = None
    intensity: float = 1.0
    adds: bool = False

    def on_shot(self, first_frame: int, last_frame: int | None = None) -> "ShotExpression":
        """Return the same with the take, if there is one, laid on a shot; None knows no last frame.

        Raises:
            SourceError, UsageError: it cannot be read, or its settings are invalid.
        """
        if self.take is None:
            return self
        curve = self.take.curve_on(first_frame, last_frame, self.intensity, adds=self.adds)
        return replace(self, mix=curve.peak, curve=curve)


@dataclass(frozen=True, kw_only=True)
class AskedExpressions:
    """All expressions that are asked for: each gets results of its own.

    Attributes:
        shots: each over the frames of a shot; none where only single faces have one.
        mixes: how words are read.
        fades: of all.
    """

    shots: tuple[ShotExpression, ...]
    mixes: MixOptions
    fades: Fades

    def with_faces(self, by_face: Mapping[int, str]) -> tuple[ShotExpression, ...]:
        """Return the expressions, with those of single faces in each.

        Raises:
            UnknownExpressionError, UsageError: a word is no expression, or there is none.
        """
        if not by_face:
            if not self.shots:
                raise UsageError(f"{NOTHING_ASKED} Over time: --intensity-curve FILE or --curves.")
            return self.shots
        if any(shot.curve is not None or shot.take is not None for shot in self.shots):
            raise UsageError(
                "A curve or a take is of all faces that are meant, and --face gives one its own "
                "expression. Leave one of them out."
            )
        mixes = self.mixes
        own = {
            face: parse_expression_mix(text, mixes.intensity, mixes.own, adds=mixes.adds)
            for face, text in sorted(by_face.items())
        }
        rest = [shot.mix for shot in self.shots] or [ExpressionMix(adds=mixes.adds, own=mixes.own)]
        whole = [replace(mix, by_face=own) for mix in rest]
        return tuple(
            ShotExpression(mix=mix, curve=None, fades=self.fades, label=mix.label) for mix in whole
        )


def _over_time(
    asked: MixOptions,
    intensity_curve: Path | None,
    take: TakeOptions | None,
    fade_in: int,
    fade_out: int,
) -> AskedExpressions:
    fades = Fades(frames_in=fade_in, frames_out=fade_out)
    if bool(asked.mixes) + (intensity_curve is not None) + (take is not None) > 1:
        raise UsageError(
            "More than one of an expression, --intensity-curve and --curves was given; a curve "
            "says which expression there is at which frame. Keep one of them."
        )
    shots = [
        ShotExpression(mix=mix, curve=None, fades=fades, label=label)
        for label, mix in asked.mixes.items()
    ]
    if take is not None:
        played = ShotExpression(
            mix=ExpressionMix(adds=asked.adds),
            curve=None,
            fades=fades,
            label=take.path.stem,
            take=take,
            intensity=asked.intensity,
            adds=asked.adds,
        )
        shots = [played]
    if intensity_curve is not None:
        curve = read_curve(intensity_curve, asked.intensity, asked.own, adds=asked.adds)
        peak = curve.peak
        shots = [ShotExpression(mix=peak, curve=curve, fades=fades, label=peak.label)]
    return AskedExpressions(shots=tuple(shots), mixes=asked, fades=fades)


def _option(*names: str, **settings: Any) -> AddOption:
    return grouped_option("Expression", *names, **settings)


intensity_options = options_as(
    "asked",
    _over_time,
    expression_options(several=True),
    _option(
        "--intensity-curve",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE.csv|FILE.json",
        help="Expressions and shapes over time, in place of --expression: lines such as "
        "1024,happy,0.8 (frame, expression, value). Between two lines values change linearly.",
    ),
    _option(
        "--fade-in",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Raise the intensity from 0 over the first frames of the shot, also with --range.",
    ),
    _option(
        "--fade-out",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Lower the intensity to 0 over the last frames of the shot.",
    ),
    take_options,
)
"""Expression, curve and fades; the command takes `asked`, an `AskedExpressions`."""
