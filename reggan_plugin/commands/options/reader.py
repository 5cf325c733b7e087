"""The options that say who reads expressions in pictures, and of which picture one is taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from reggan_plugin.commands.options.grouped import AddOption, grouped_option, options_as
from reggan_plugin.errors import Remark
from reggan_plugin.vocabulary.expression import Expression
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

if TYPE_CHECKING:
    from reggan_plugin.perform.face_reading import FaceReader

_PATH: Any = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST_STEM = 60
"""Of a file's name in the name of what is read from it."""
_MEANING_SOMETHING = str.maketrans(dict.fromkeys("+:={}/\\", "_"))
"""Characters that blends and folders read otherwise."""


@dataclass(frozen=True, kw_only=True)
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
        from reggan_plugin.perform.open_reader import open_reader  # few read faces

        return open_reader(self.name, self.landmarker)


@dataclass(frozen=True, kw_only=True)
class Liked:
    """An expression that a picture shows, and what is to be said of how it was read."""

    expression: Expression
    notices: tuple[Remark, ...]


def reader_options(heading: str, default: Literal["person", "character"] = "person") -> AddOption:
    """Add `--reader` and `--landmarker`; the command takes `reader`, `ReaderOptions`."""

    def chosen(reader: Literal["person", "character"], landmarker: Path | None) -> ReaderOptions:
        return ReaderOptions(name=reader, landmarker=landmarker)

    return options_as(
        "reader",
        chosen,
        grouped_option(
            heading,
            "--reader",
            type=click.Choice(["person", "character"]),
            default=default,
            show_default=True,
            help="Who reads the face: MediaPipe, which was made for people, or our own reader, for "
            "rendered characters.",
        ),
        grouped_option(
            heading,
            "--landmarker",
            is_input=True,
            type=_PATH,
            metavar="FILE.task",
            help="Model file of MediaPipe's face landmarker, for --reader person. It is yours to "
            "download; its page is named when it is missing.",
        ),
    )


def like_options(heading: str = "Expression") -> AddOption:
    """Add `--like` and the options of its reader; the command takes `liked`, `Liked` or None."""

    def read(like: Path | None, reader: ReaderOptions) -> Liked | None:
        return None if like is None else _liked(like, reader)

    return options_as(
        "liked",
        read,
        grouped_option(
            heading,
            "--like",
            is_input=True,
            type=_PATH,
            metavar="PICTURE",
            help="The expression of the largest face in a picture, in place of --expression. It "
            "is called `like NAME` in blends and results.",
        ),
        reader_options(heading),
    )


def _liked(picture: Path, options: ReaderOptions) -> Liked:
    """Read a picture's expression.

    Raises:
        FaceNotFoundError, UnreadableFrameError: there is none.
        UsageError, ModelError, MissingExtraError: as `ReaderOptions.opened`.
    """
    from reggan_plugin.files.frame import read_frame
    from reggan_plugin.perform.read_expression import expression_of

    frame, reader = read_frame(picture), options.opened()
    try:
        weights, notices = expression_of(frame, reader, name=str(picture))
    finally:
        reader.close()
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
