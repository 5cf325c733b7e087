"""The options of `render` that say how much of an expression there is at which frame."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.expression_options import (
    NOTHING_ASKED,
    AskedMixes,
    expression_options,
)
from reggan_plugin.commands.options import grouped_option
from reggan_plugin.errors import UsageError
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.jobs.intensity_curve import Fades, IntensityCurve, read_curve


@dataclass(frozen=True, kw_only=True)
class AskedExpression:
    """An expression over the frames of a shot.

    Attributes:
        mix: the same at every frame; with a curve, the most that it asks for.
        curve: the expression by frame.
        fades: at both ends of the shot.
        label: what a folder of results is named with.
    """

    mix: ExpressionMix
    curve: IntensityCurve | None
    fades: Fades
    label: str


def intensity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add expression, intensity, curve and fades; the command takes them as `asked`."""

    @expression_options()
    @_option(
        "--intensity-curve",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE.csv|FILE.json",
        help="Expressions and shapes over time, in place of --expression: lines of "
        "frame,expression,value such as 1024,happy,0.8, straight in between.",
    )
    @_option(
        "--fade-in",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Raise the intensity from 0 at the shot's first frame, whatever the --range.",
    )
    @_option(
        "--fade-out",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Lower it to 0 at the shot's last frame.",
    )
    @functools.wraps(command)
    def gather(
        *,
        asked: AskedMixes,
        intensity_curve: Path | None,
        fade_in: int,
        fade_out: int,
        **others: Any,
    ) -> Any:
        fades = Fades(frames_in=fade_in, frames_out=fade_out)
        return command(asked=_over_time(asked, intensity_curve, fades), **others)

    return gather


def _over_time(asked: AskedMixes, curve_file: Path | None, fades: Fades) -> AskedExpression:
    if asked.mixes and curve_file is not None:
        raise UsageError(
            "An expression and a curve were given; the curve says which expression there is at "
            "which frame. Leave out --expression, --shape and --au, or the curve."
        )
    if curve_file is not None:
        curve = read_curve(curve_file, asked.intensity, asked.own, adds=asked.adds)
        peak = curve.peak
        return AskedExpression(mix=peak, curve=curve, fades=fades, label=peak.label)
    if not asked.mixes:
        raise UsageError(f"{NOTHING_ASKED} For a curve over time: --intensity-curve FILE.")
    ((label, mix),) = asked.mixes.items()
    return AskedExpression(mix=mix, curve=None, fades=fades, label=label)


def _option(*names: str, **settings: Any) -> Callable[..., Any]:
    return grouped_option("Expression", *names, **settings)
