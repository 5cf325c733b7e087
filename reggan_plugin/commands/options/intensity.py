"""The options that say how much of an expression there is when: a curve, fades, a take."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from reggan_plugin.commands.options.expression import MixOptions, expression_options
from reggan_plugin.commands.options.option_groups import FiniteRange, grouped_option, options_as
from reggan_plugin.commands.options.settings_file import (
    CONFIG_OPTION,
    SETTINGS_FILE,
    SETTINGS_META,
    settings_of,
)
from reggan_plugin.errors import Remark, UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.jobs.render_settings import ExpressionCurve, Fades
from reggan_plugin.vocabulary.expression import ExpressionMix

if TYPE_CHECKING:
    from reggan_plugin.curves.retargeting import Retargeting

Swap = Literal["all", "mouth"]


@frozen
class TakeOptions:
    """A take and how it is laid on a shot; the options of the same names.

    Attributes:
        path: the file.
        fps: of the shot.
        rate: of the take, where its file does not say.
        holds_percents: whether its weights are percents, however small.
        offset: a frame or a timecode, as text.
        swap: which sides are exchanged.
        fitted: gains and offsets of the face that it is played on.
    """

    path: Path
    fps: float | None
    rate: float | None
    holds_percents: bool
    offset: str | None
    swap: Swap | None
    fitted: "Retargeting | None" = None

    @property
    def names_frame(self) -> bool:
        """True if the offset is a frame, so that it lies there whatever the shot."""
        from reggan_plugin.curves.take import timecode_from_text

        return self.offset is not None and timecode_from_text(self.offset) is None

    def curve_on(
        self, first_frame: int, last_frame: int | None, intensity: float, *, adds: bool
    ) -> ExpressionCurve:
        """Read it and lay it on a shot, of which None does not know the last frame.

        Raises:
            SourceError: it cannot be read.
            UsageError: the offset is invalid, or the take lies beside the shot.
        """
        from reggan_plugin.curves.read_take import read_take
        from reggan_plugin.curves.take import mirrored
        from reggan_plugin.curves.take_on_shot import (
            TakeCurve,
            frames_of_rows,
            offset_from_text,
            refuse_elsewhere,
        )

        offset = None if self.offset is None else offset_from_text(self.offset)
        take = read_take(self.path, self.rate, holds_percents=self.holds_percents)
        if self.fitted is not None:
            from reggan_plugin.curves.retargeting import retargeted

            take = retargeted(take, self.fitted)
        rows = frames_of_rows(take, first_frame, self.fps, offset)
        if last_frame is not None:
            refuse_elsewhere(rows, first_frame, last_frame)
        names = take.names
        if self.swap is not None:
            names = mirrored(take, mouth_alone=self.swap == "mouth")
        placed = Remark(
            f"{self.path.name} ({take.kind}, {len(take.times_s)} rows) lies on frames "
            f"{rows[0]:.6g} to {rows[-1]:.6g}.",
            "take-lies-on",
            source=self.path,
        )
        unknown = (
            [f"{self.path.name} names what is no face shape: {', '.join(take.unknown)}."]
            if take.unknown
            else []
        )
        notices = (placed, *unknown, *take.notes)
        return TakeCurve(take, rows, names, intensity=intensity, adds=adds, notices=notices)


def _take_from_options(
    curves: Path | None,
    curves_fps: float | None,
    curves_offset: str | None,
    curves_swap: Swap | None,
    curves_rate: float | None,
    curves_percent: bool,
    fitted: "Retargeting | None",
) -> TakeOptions | None:
    if curves is not None:
        return TakeOptions(
            path=curves,
            fps=curves_fps,
            rate=curves_rate,
            holds_percents=curves_percent,
            offset=curves_offset,
            swap=curves_swap,
            fitted=fitted,
        )
    others = (curves_fps, curves_offset, curves_swap, curves_rate, curves_percent, fitted)
    if any(others):
        raise UsageError(
            "--curves-fps, -rate, -percent, -offset, -swap, -character, -gain and -asymmetry say "
            "how a take is read; name it with --curves FILE, or leave them out."
        )
    return None


def _fitted(
    curves_character: str | None, curves_gain: tuple[str, ...], curves_asymmetry: float | None
) -> "Retargeting | None":
    """Fit takes by a character's table, over which gains of the command line are laid.

    Raises:
        UsageError: there is no such character, or a gain is none.
    """
    if curves_character is None and not curves_gain and curves_asymmetry is None:
        return None
    from reggan_plugin.curves.retargeting import (
        Retargeting,
        gains_from_texts,
        retargeting_from_table,
    )

    where = "--curves-gain"
    given = retargeting_from_table(gains_from_texts(curves_gain, where), where)
    own = retargeting_from_table(
        *({}, "") if curves_character is None else _character(curves_character)
    )
    return Retargeting(
        gains={**own.gains, **given.gains},
        offsets={**own.offsets, **given.offsets},
        asymmetry=own.asymmetry if curves_asymmetry is None else curves_asymmetry,
    )


def _character(name: str) -> tuple[Any, str]:
    """Return a character's table of the settings file that is in use, and where it stands.

    Raises:
        UsageError: there is no such file or table.
    """
    path = click.get_current_context().meta.get(SETTINGS_META)
    if path is None:
        raise UsageError(
            f"--curves-character {name}: no settings file is in use, and [character.{name}] "
            f"stands in one. Write it into {SETTINGS_FILE}, or name the file: {CONFIG_OPTION} FILE."
        )
    tables = settings_of(path).get("character", {})
    if name not in tables:
        there = ", ".join(tables) or "none"
        raise UsageError(f"{path} has no [character.{name}]; its characters: {there}.")
    return tables[name], f"{path}, [character.{name}]"


_take_option = partial(grouped_option, "Recorded performance")


rate_option = _take_option(
    "--curves-rate FPS",
    type=FiniteRange(0, 1000, min_open=True),
    help="Rows a second of an iFacialMocap file, or frames a second of the take's timecodes. "
    "Without it, rows are 60 a second, and the rate of timecodes is found.",
)
percent_option = _take_option(
    "--curves-percent",
    is_flag=True,
    help="The weights are percents. You need this only if no weight is above 2.",
)
fit_options = options_as(
    "fitted",
    _fitted,
    _take_option(
        "--curves-character NAME",
        help="Fit the take to a face by the table [character.NAME] of the settings file: gains and "
        "offsets by shape.",
    ),
    _take_option(
        "--curves-gain NAME=GAIN[,OFFSET]",
        multiple=True,
        help="Multiply a shape of the take: brows=1.4, mouthSmileLeft=0.9, or with an offset "
        "jawOpen=0.8,0.02. Counts more than the character's. May be given several times.",
    ),
    _take_option(
        "--curves-asymmetry 0-1",
        type=FiniteRange(0, 1),
        help="How much of the difference between left and right to keep: 0.5 halves it, 0 removes "
        "it.  [default: 1, or as the character says]",
    ),
)
"""How a take is fitted to a face; the command takes `fitted`, a `Retargeting` or None."""
take_options = options_as(
    "take",
    _take_from_options,
    _take_option(
        "--curves FILE",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A recorded performance in place of --expression: Live Link Face CSV, iFacialMocap "
        "or Face Cap text, Audio2Face JSON, glTF, VRMA, USD, or CSV with a heading such as "
        "frame,jawOpen. `reggan-plugin curves FILE` shows what is inside.",
    ),
    _take_option(
        "--curves-fps FPS",
        type=FiniteRange(0, 1000, min_open=True),
        help="Frames a second of the shot.  [default: each row is a frame]",
    ),
    _take_option(
        "--curves-offset FRAME|TIMECODE",
        help="The frame on which the first row lies, or the timecode of the take at the shot's "
        "first frame.  [default: the first row is on the first frame]",
    ),
    _take_option(
        "--curves-swap",
        type=click.Choice(["all", "mouth"]),
        help="Exchange left and right: of all shapes, or only of mouthLeft and mouthRight. One "
        "version of Live Link Face writes these two the wrong way round.",
    ),
    rate_option,
    percent_option,
    fit_options,
)
"""A recorded performance; the command takes `take`, an `TakeOptions` or None."""


@frozen
class ShotExpression:
    """An expression over the frames of a shot.

    Attributes:
        mix: the same at every frame; with a curve, the most that it asks for.
        fades: at both ends of the shot.
        curve: the expression by frame.
        take: a recorded performance, which becomes a curve once the shot is known.
        intensity: of the take.
    """

    mix: ExpressionMix
    fades: Fades
    curve: ExpressionCurve | None = None
    take: TakeOptions | None = None
    intensity: float = 1.0

    @property
    def label(self) -> str:
        """What a folder of results is named with."""
        return self.mix.label if self.take is None else self.take.path.stem


@frozen
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
    shots = [ShotExpression(mix=mix, fades=fades) for mix in asked.mixes.values()]
    if take is not None:
        none = ExpressionMix(adds=asked.adds)
        shots = [ShotExpression(mix=none, fades=fades, take=take, intensity=asked.intensity)]
    if intensity_curve is not None:
        curve = read_curve(intensity_curve, asked.intensity, asked.own, adds=asked.adds)
        shots = [ShotExpression(mix=curve.peak, fades=fades, curve=curve)]
    return AskedExpressions(shots=tuple(shots), mixes=asked, fades=fades)


_option = partial(grouped_option, "Expression")


intensity_options = options_as(
    "asked",
    _over_time,
    expression_options(several=True),
    _option(
        "--intensity-curve FILE.csv|FILE.json",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Expressions and shapes over time, in place of --expression: lines such as "
        "1024,happy,0.8 (frame, expression, value). Between two lines values change linearly.",
    ),
    _option(
        "--fade-in FRAMES",
        type=click.IntRange(0),
        default=0,
        show_default=False,
        help="Raise the intensity from 0 over the first frames of the shot, also with --range.",
    ),
    _option(
        "--fade-out FRAMES",
        type=click.IntRange(0),
        default=0,
        show_default=False,
        help="Lower the intensity to 0 over the last frames of the shot.",
    ),
    take_options,
)
"""Expression, curve and fades; the command takes `asked`, an `AskedExpressions`."""
