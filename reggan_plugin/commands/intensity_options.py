"""The options of `render` that say which expression, and how much of it at which frame."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.options import grouped_option
from reggan_plugin.errors import UsageError
from reggan_plugin.expressions import (
    EXPRESSION_NAMES,
    MAX_INTENSITY,
    ExpressionMix,
    parse_expression_mix,
)
from reggan_plugin.jobs.intensity_curve import Fades, IntensityCurve, read_curve


@dataclass(frozen=True, kw_only=True)
class AskedExpression:
    """An expression over the frames of a shot.

    Attributes:
        mix: the same at every frame; with a curve, the most that it asks for.
        curve: the expression by frame.
        fades: at both ends of the shot.
    """

    mix: ExpressionMix
    curve: IntensityCurve | None
    fades: Fades

    @property
    def label(self) -> str:
        """What a folder of results is named with."""
        return "_".join(self.mix.intensities)


def intensity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add expression, intensity, curve and fades; the command takes them as `asked`."""

    @_expression_option(
        "--expression",
        metavar="NAME|BLEND",
        help=f"{', '.join(EXPRESSION_NAMES)}, or a blend: happy:0.6+surprised:0.3.",
    )
    @_expression_option(
        "--intensity",
        type=click.FloatRange(0, MAX_INTENSITY),
        default=1.0,
        show_default=True,
        metavar="0-1.5",
        help="0 leaves the files as they are, 1 is the full expression. Multiplies blend or curve.",
    )
    @_expression_option(
        "--intensity-curve",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_input=True,
        metavar="FILE.csv|FILE.json",
        help="Expressions over time, in place of --expression: lines of frame,expression,value "
        "such as 1024,happy,0.8, straight in between.",
    )
    @_expression_option(
        "--fade-in",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Raise the intensity from 0 at the shot's first frame, whatever the --range.",
    )
    @_expression_option(
        "--fade-out",
        type=click.IntRange(0),
        default=0,
        metavar="FRAMES",
        help="Lower it to 0 at the shot's last frame.",
    )
    @functools.wraps(command)
    def gather(
        *,
        expression: str | None,
        intensity: float,
        intensity_curve: Path | None,
        fade_in: int,
        fade_out: int,
        **others: Any,
    ) -> Any:
        asked = _asked(
            expression, intensity, intensity_curve, Fades(frames_in=fade_in, frames_out=fade_out)
        )
        return command(asked=asked, **others)

    return gather


def _asked(
    expression: str | None, intensity: float, curve_file: Path | None, fades: Fades
) -> AskedExpression:
    if (expression is None) == (curve_file is None):
        given = "No --expression was" if expression is None else "--expression and a curve were"
        raise UsageError(
            f"{given} given; name one of {', '.join(EXPRESSION_NAMES)} or a blend such as "
            "happy:0.6+surprised:0.3 with --expression, or a file with --intensity-curve."
        )
    if expression is not None:
        mix = parse_expression_mix(expression, intensity)
        return AskedExpression(mix=mix, curve=None, fades=fades)
    assert curve_file is not None
    curve = read_curve(curve_file, intensity)
    return AskedExpression(mix=curve.peak, curve=curve, fades=fades)


def _expression_option(*names: str, **settings: Any) -> Callable[..., Any]:
    return grouped_option("Expression", *names, **settings)
