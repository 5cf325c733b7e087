"""The options that say which expression: names, shapes, action units, presets of one's own, or that
of a picture that somebody reads.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import click

from reggan_plugin.commands.options.option_groups import (
    AddOption,
    FiniteRange,
    grouped_option,
    options_as,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import Remark, UsageError
from reggan_plugin.file_safety import read_text
from reggan_plugin.frozen import frozen
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
    from reggan_plugin.perform.face_reading import FaceReader

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
    printable = "".join(letter if letter.isprintable() else "_" for letter in stem)
    return Liked(
        expression=Expression(
            name=f"like {printable.strip()}",
            weights={shape: min(weight, MAX_INTENSITY) for shape, weight in weights.items()},
            source=f"read by {reader.name}",
        ),
        notices=notices,
    )


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


_option = partial(grouped_option, "Expression")


class _Intensity(FiniteRange):
    name = "number; write it like 0.8"


def presets_option(use: str, heading: str = "Expression") -> AddOption:
    """Add `--presets`; `use` ends the sentence about expressions of one's own."""
    return grouped_option(
        heading,
        "--presets FILE.toml",
        is_input=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Expressions of your own{use}",
    )


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
