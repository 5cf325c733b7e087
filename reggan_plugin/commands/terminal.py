"""Text for a terminal, without the control characters that a file's name may hold.

A name can hold an escape sequence that repaints the screen, renames the window or types for the
user. stderr is a log that somebody looks at, be it later; stdout may be read by programs, which
need names as they are, so that it is changed on a terminal alone.
"""

import codecs
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO, cast

import click

from reggan_plugin.errors import UsageError

_NAMES = "reggan-plugin names"
_KEPT = "\n\t"
_DIRECTIONS = (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that turn the direction of text, so that a name seems to end otherwise."""
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_VISIBLE = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS if chr(code) not in _KEPT},
    **{code: f"\\u{code:04x}" for code in (*_DIRECTIONS, 0x2028, 0x2029)},
}


def printable(text: str) -> str:
    """Return the text with control characters as `\\x1b`; lines and tabs stay."""
    return text.translate(_VISIBLE)


def _bytes_of_name(error: UnicodeError) -> tuple[str | bytes, int]:
    """Give names that are no Unicode byte for byte, and other lone surrogates as escapes."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


class PrintableStream:
    """A text stream to which only printable text gets."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write what can be printed, and what cannot be encoded as escapes."""
        shown = printable(text)
        encoding = self.unguarded.encoding or "utf-8"
        self.unguarded.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


class LogStream(PrintableStream):
    """stderr: what it cannot take, on a full disk or a closed pipe, is not said; work goes on."""

    def write(self, text: str) -> int:
        """Write what can be printed, or nothing from now on."""
        try:
            return super().write(text)
        except OSError:
            return self._lose(len(text))

    def flush(self) -> None:
        """Write what waits, or nothing from now on."""
        try:
            self.unguarded.flush()
        except OSError:
            self._lose(0)

    def _lose(self, count: int) -> int:
        send_nowhere(self.unguarded.fileno())
        return count


def send_nowhere(stream: int) -> None:
    """Let a standard stream that takes nothing any more take everything, as the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream)
    os.close(null)


def refuse_closed_output() -> None:
    """Refuse to print a result where standard output was closed before this process began.

    Raises:
        UsageError: it was.
    """
    if getattr(sys.stdout, "name", None) == os.devnull:  # that of a program that calls has none
        raise UsageError("Standard output is closed. Send it to a program or a file, or name one.")


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream behind, for those who draw."""
    return stream.unguarded if isinstance(stream, PrintableStream) else stream


@contextmanager
def printable_streams() -> Iterator[None]:
    """Let stderr, and stdout where it is a terminal, take printable text alone.

    What was closed before this process began goes nowhere, as to the null device, which also takes
    its number: the next opened file would get it instead. Python has None for a closed stream;
    stdin stays so: whoever reads it refuses that.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if number:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    stdout, stderr = sys.stdout, sys.stderr
    if hasattr(stdout, "reconfigure"):
        codecs.register_error(_NAMES, _bytes_of_name)
        stdout.reconfigure(errors=_NAMES)
    if stdout.isatty():
        sys.stdout = cast(TextIO, PrintableStream(stdout))
    sys.stderr = cast(TextIO, LogStream(stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


@dataclass
class Verbosity:
    """The setting of `-v`: errors show their traceback, and libraries log."""

    is_verbose: bool = False


def verbose_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-v` to a command."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_set_verbosity,
        help="Log more, and show the traceback of an error.",
    )(command)


def _set_verbosity(context: click.Context, _: click.Parameter, is_verbose: bool) -> None:
    if is_verbose:
        context.ensure_object(Verbosity).is_verbose = True
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")


STANDARD = "-"
