"""The options that say which expression: names, shapes, action units, presets of one's own, or that
of a picture that somebody reads; and how much of it there is when: a curve, fades, a take.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np
from click.core import ParameterSource

from reggan_plugin.array_types import Float
from reggan_plugin.commands.options.options_and_settings_file import (
    CONFIG_OPTION,
    SETTINGS_FILE,
    SETTINGS_META,
    AddOption,
    FiniteRange,
    grouped_option,
    options_as,
    presets_option,
    settings_of,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import Remark, UsageError
from reggan_plugin.file_safety import read_text
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.jobs.render_settings import ExpressionCurve, Fades
from reggan_plugin.limits import MOST_PRESETS, MOST_SETTINGS_BYTES
from reggan_plugin.vocabulary.action_units import action_unit_weights
from reggan_plugin.vocabulary.expression import (
    EXPRESSION_NAMES,
    NAMED_EXPRESSIONS,
    Expression,
    ExpressionMix,
    OwnPresets,
    key_of,
    parse_expression_mix,
    read_presets,
    shapes_from_word,
)
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY, NEUTRAL

if TYPE_CHECKING:
    from reggan_plugin.curves.retargeting import Retargeting
    from reggan_plugin.perform.face_reading import FaceReader

_option = partial(grouped_option, "Expression")
_PATH: Any = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST_STEM = 60
"""Of a file's name in the name of what is read from it."""
_MEANING_SOMETHING = str.maketrans(dict.fromkeys("+:={}/\\", "_"))
"""Characters that blends and folders read otherwise."""


@frozen
class ReaderOptions:
    """A reader that is asked for; the options of the same names."""

    name: Literal["person", "character"]
    landmarker: Path | None

    def opened(self) -> "FaceReader":
        """Open it.

        Raises:
            UsageError: no landmarker is named, and the reader needs one.
            ModelError, MissingExtraError: it cannot be opened.
        """
        from reggan_plugin.perform.read_expression import open_reader  # few read faces

        return open_reader(self.name, self.landmarker)


@frozen
class Liked:
    """An expression that a picture shows, and what is to be said of how it was read."""

    expression: Expression
    notices: tuple[Remark, ...]


def reader_options(heading: str, default: Literal["person", "character"] = "person") -> AddOption:
    """Add `--reader` and `--landmarker`; the command takes `reader`, `ReaderOptions`."""
    return options_as(
        "reader",
        ReaderOptions,
        grouped_option(
            heading,
            "--reader",
            "name",
            type=click.Choice(["person", "character"]),
            default=default,
            help="Who reads the face: MediaPipe, which was made for people, or our own reader, for "
            "rendered characters.",
        ),
        grouped_option(
            heading,
            "--landmarker FILE.task",
            is_input=True,
            type=_PATH,
            help="Model file of MediaPipe's face landmarker, for --reader person. It is yours to "
            "download; its page is named when it is missing.",
        ),
    )


def like_options() -> AddOption:
    """Add `--like` and the options of its reader; the command takes `liked`, `Liked` or None."""
    return options_as(
        "liked",
        lambda like, reader: None if like is None else _liked(like, reader),
        grouped_option(
            "Expression",
            "--like PICTURE",
            is_input=True,
            type=_PATH,
            help="The expression of the largest face in a picture, in place of --expression. It "
            "is called `like NAME` in blends and results.",
        ),
        reader_options("Expression"),
    )


def _liked(picture: Path, options: ReaderOptions) -> Liked:
    """Read a picture's expression.

    Raises:
        FaceNotFoundError, UnreadableFrameError: there is none.
        UsageError, ModelError, MissingExtraError: as `ReaderOptions.opened`.
    """
    from reggan_plugin.files.frame import read_frame
    from reggan_plugin.perform.read_expression import expression_of

    frame = read_frame(picture)
    with closing(options.opened()) as reader:
        weights, notices = expression_of(frame, reader, name=str(picture))
    stem = picture.stem.translate(_MEANING_SOMETHING)[:_LONGEST_STEM]
    return Liked(
        expression=Expression(
            name=f"like {_printable(stem)}",
            weights={shape: min(weight, MAX_INTENSITY) for shape, weight in weights.items()},
            source=f"read by {reader.name}",
        ),
        notices=notices,
    )


def _printable(stem: str) -> str:
    return "".join(letter if letter.isprintable() else "_" for letter in stem).strip()


NOTHING_ASKED = (
    f"No --expression was given; name one of {', '.join(EXPRESSION_NAMES[1:])} or another that "
    "`reggan-plugin expressions` lists, a blend such as happy:0.6+surprised:0.3, or face shapes "
    "with --shape jawOpen=0.4."
)


@frozen
class MixOptions:
    """The expressions that the options ask for.

    Attributes:
        mixes: by label, which files and folders are named with; empty if nothing was asked for.
        intensity: what multiplied them; a curve is multiplied by it, too.
        adds: whether named expressions are laid over what the face shows.
        own: presets of one's own.
    """

    mixes: Mapping[str, ExpressionMix]
    intensity: float
    adds: bool
    own: OwnPresets


def expression_options(
    *, several: bool = False, outcome: str = "pictures as they are (a video is encoded again)"
) -> AddOption:
    """Add the options of the expression; the command takes them as `asked`, `MixOptions`.

    Args:
        several: whether several expressions may be asked for, for as many results.
        outcome: what an intensity of 0 leaves as it is.
    """

    def asked(
        expressions: tuple[str, ...],
        each: str | None,
        intensity: float,
        shapes: tuple[str, ...],
        action_units: tuple[str, ...],
        adds: bool,
        presets: Path | None,
        liked: Liked | None,
    ) -> MixOptions:
        own = read_presets(presets)
        if liked is not None:
            own, expressions = with_liked(liked, own, expressions)
        if each is not None:
            expressions = tuple(dict.fromkeys((*expressions, *_each(each, own))))
        if len(expressions) > 1 and not several:
            raise UsageError(
                f"{len(expressions)} --expression were given; give one, or a blend such as "
                "happy:0.6+surprised:0.3."
            )
        parts = _parts(shapes, action_units, intensity)
        mixes = _mixes(expressions, parts, intensity, adds=adds, own=own)
        return MixOptions(mixes=mixes, intensity=intensity, adds=adds, own=own)

    often = " May be given several times, for as many results." if several else ""
    return options_as(
        "asked",
        asked,
        _option(
            "-e --expression NAME|BLEND",
            "expressions",
            shell_complete=_complete_expressions,
            multiple=True,
            help=f"{', '.join(EXPRESSION_NAMES[1:])} or another that `reggan-plugin expressions` "
            f"lists, or a blend: happy:0.6+surprised:0.3.{often}",
        ),
        _option(
            "--each basic|all|FILE",
            hidden=not several,
            is_input=True,
            help="Several expressions at once, with a result for each: the six basic ones; all "
            "named ones; or those in a text file, one a line.",
        ),
        _option(
            "-i --intensity 0-1.5",
            type=_Intensity(0, MAX_INTENSITY),
            default=1.0,
            help=f"0 leaves {outcome}, 1 is the full expression. Multiplies all that you ask for.",
        ),
        like_options(),
        *_PART_OPTIONS,
    )


def with_liked(
    liked: Liked, own: OwnPresets, expressions: tuple[str, ...] = ()
) -> tuple[OwnPresets, tuple[str, ...]]:
    """Add what a picture shows to presets, and to the expressions unless a blend names it."""
    for notice in liked.notices:
        click.echo(f"Note: {with_remedy(notice)}", err=True)
    name = liked.expression.name
    is_named = any(
        key_of(part.partition(":")[0]) == key_of(name)
        for text in expressions
        for part in text.split("+")
    )
    presets = MappingProxyType({**own, name: liked.expression})
    return presets, expressions if is_named else (*expressions, name)


def _each(asked: str, own: OwnPresets) -> Sequence[str]:
    """Return the expressions that --each names: those of a group, or the lines of a file."""
    match asked:
        case "basic":
            return EXPRESSION_NAMES[1:]
        case "all":
            return [name for name in (*NAMED_EXPRESSIONS, *own) if name != NEUTRAL]
    path = Path(asked)
    try:
        text = read_text(path, MOST_SETTINGS_BYTES)
    except (OSError, ValueError) as error:
        is_missing = isinstance(error, FileNotFoundError)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        unread = f"it cannot be read as a file of expressions: {reason}"
        raise UsageError(
            f"--each {asked} is neither basic nor all, and "
            f"{'there is no such file' if is_missing else unread}. "
            "Name a text file with one expression a line."
        ) from error
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = [line for line in lines if line]
    if not found:
        raise UsageError(f"{path} names no expression. Write one a line: happy, or a blend.")
    if len(found) > MOST_PRESETS:
        raise UsageError(f"{path} names {len(found):,} expressions, of at most {MOST_PRESETS:,}.")
    return found


def _complete_expressions(context: click.Context, _: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names for a shell, also behind the + of a blend."""
    before, plus, last = begun.rpartition("+")
    return [f"{before}{plus}{name}" for name in NAMED_EXPRESSIONS if name.startswith(last)]


def _parts(
    shapes: Iterable[str], action_units: Iterable[str], intensity: float
) -> Mapping[str, float]:
    """Weights of single shapes that --shape and --au ask for."""
    parts: dict[str, float] = {}
    for option, texts in (("--shape", shapes), ("--au", action_units)):
        for text in texts:
            word, weight = _assignment(option, text)
            if option == "--shape":
                weights: Mapping[str, float] = dict.fromkeys(shapes_from_word(word), 1.0)
            else:
                weights = action_unit_weights(word if word[:1].isalpha() else f"AU{word}")
            for shape, share in weights.items():
                parts[shape] = parts.get(shape, 0.0) + intensity * weight * share
    return parts


def _assignment(option: str, text: str) -> tuple[str, float]:
    word, equals, amount = text.partition("=")
    example = "jawOpen=0.4" if option == "--shape" else "AU12=0.7"
    try:
        weight = float(amount)
    except ValueError:
        weight = -1.0
    if not equals or not word.strip() or not 0 <= weight <= MAX_INTENSITY:
        raise UsageError(
            f"{option} {text!r} is no name and weight from 0 to {MAX_INTENSITY}; write "
            f"{option} {example}."
        )
    return word.strip(), weight


def _mixes(
    expressions: tuple[str, ...],
    parts: Mapping[str, float],
    intensity: float,
    *,
    adds: bool,
    own: OwnPresets,
) -> Mapping[str, ExpressionMix]:
    named = [parse_expression_mix(text, intensity, own, adds=adds) for text in expressions]
    if not named and parts:
        named = [ExpressionMix({}, adds, own)]
    mixes: dict[str, ExpressionMix] = {}
    for mix in named:
        shares = dict(mix.intensities)
        for shape, weight in parts.items():
            shares[shape] = shares.get(shape, 0.0) + weight
        whole = ExpressionMix(shares, adds, own)
        if whole.label in mixes:
            raise UsageError(
                f"Two of the expressions would be named {whole.label}. Give them one by one."
            )
        mixes[whole.label] = whole
    return mixes


class _Intensity(FiniteRange):
    name = "number; write it like 0.8"


_PART_OPTIONS = (
    _option(
        "--shape NAME=WEIGHT",
        "shapes",
        multiple=True,
        help="An ARKit face shape: jawOpen=0.4. mouthSmile=0.5 is both sides; shutMouth=1 shuts an "
        "open mouth. May be given several times. Needs a model with "
        "face shapes, as the default one has.",
    ),
    _option(
        "--au AU=WEIGHT",
        "action_units",
        multiple=True,
        help="An action unit of FACS: AU12=0.7, or of one side: AU12L=0.7. May be given several "
        "times.",
    ),
    _option(
        "--add",
        "adds",
        is_flag=True,
        help="Do not shut an open mouth first. Without this a named expression does.",
    ),
    presets_option(", which --expression may name."),
)


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
        self,
        first_frame: int,
        last_frame: int | None,
        clock_s: Float[np.ndarray, " frames"] | None,
        intensity: float,
        *,
        adds: bool,
    ) -> ExpressionCurve:
        """Read it and lay it on a shot, of which None does not know the last frame, or when each
        is shown.

        Raises:
            SourceError: it cannot be read.
            UsageError: the offset is invalid, or the take lies beside the shot.
        """
        from reggan_plugin.curves.read_take import read_take
        from reggan_plugin.curves.take import mirrored
        from reggan_plugin.curves.take_on_shot import (
            TakeCurve,
            VideoClock,
            frames_of_rows,
            offset_from_text,
            refuse_elsewhere,
        )

        offset = None if self.offset is None else offset_from_text(self.offset)
        take = read_take(self.path, self.rate, holds_percents=self.holds_percents)
        if self.fitted is not None:
            from reggan_plugin.curves.retargeting import retargeted

            take = retargeted(take, self.fitted)
        clock = None
        if self.fps is None and clock_s is not None and len(clock_s) > 1:
            clock = VideoClock(first=first_frame, shown_s=clock_s)
        rows = frames_of_rows(take, first_frame, self.fps, offset, clock, rate=self.rate)
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
        return TakeCurve(
            take, rows, names, intensity=intensity, adds=adds, notices=notices, clock=clock
        )


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
    context = click.get_current_context()
    if any(
        name.startswith("curves_")
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        for name in context.params
    ):  # those of a settings file wait for a take
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
    help="Rows a second of an iFacialMocap file, or frames a second of the take's timecodes or "
    "numbered frames. Without it, rows are 60 a second, the rate of timecodes is found, and "
    "numbered frames are those of the shot.",
)
percent_option = _take_option(
    "--curves-percent",
    is_flag=True,
    help="The weights are percents. You need this only if hardly any weight is above 2.",
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
        type=_PATH,
        help="A recorded performance in place of --expression: Live Link Face CSV, iFacialMocap "
        "or Face Cap text, Audio2Face JSON, glTF, VRMA, USD, or CSV with a heading such as "
        "frame,jawOpen. `reggan-plugin curves FILE` shows what is inside.",
    ),
    _take_option(
        "--curves-fps FPS",
        type=FiniteRange(0, 1000, min_open=True),
        help="Frames a second of the shot.  [default: each row is a frame; a video has its own "
        "times]",
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
        if self.take is None:
            return self.mix.label
        stem = _printable(self.take.path.stem)
        return stem if stem.strip(".") else "take"  # `..` would lead out of the folder


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


intensity_options = options_as(
    "asked",
    _over_time,
    expression_options(several=True),
    _option(
        "--intensity-curve FILE.csv|FILE.json",
        is_input=True,
        type=_PATH,
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
