"""What all commands stand on: a group whose help loads none of them, and what a terminal may see.

A name can hold an escape sequence that repaints the screen, renames the window or types for the
user. stderr is a log that somebody looks at, be it later; stdout may be read by programs, which
need names as they are, so that it is changed on a terminal alone.
"""

import codecs
import importlib
import importlib.util
import logging
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

import click

from reggan_plugin.errors import MissingExtraError, UsageError
from reggan_plugin.frozen import frozen

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@frozen(kw_only=False)
class LazyCommand:
    """The place of a command, and the line that the group's help shows for it."""

    target: str
    """`module:attribute`."""
    short_help: str
    extra: str = ""
    """The extra without which it cannot be imported or run; empty if the package suffices."""
    is_group: bool = False
    """Of commands that other packages attach."""


class LazyGroup(click.Group):
    """Own commands by name, and those that other packages attach by entry point.

    An attached command names the extra that it needs in its entry point:

        [project.entry-points."reggan_plugin.commands"]
        train = "studio_training.commands.train:train [train]"

    Its package may have a module `commands.words`, which must import nothing heavy: its `HELP` has
    the line that the group's help shows for each command, its `WORKSHOP` names those of `dev`, and
    its `REMEDIES` say what to do about its errors. A group within the group has own commands only.
    """

    def __init__(
        self,
        *args: Any,
        commands_by_name: Mapping[str, LazyCommand] | None = None,
        attaches: Literal["main", "workshop"] | None = None,
        **settings: Any,
    ) -> None:
        """Create the group; `args` and `settings` are those of click's.

        Args:
            args: of click's.
            commands_by_name: its own commands.
            attaches: whether other packages attach commands to it, and which of theirs.
            settings: of click's.
        """
        super().__init__(*args, **settings)
        self._own, self._attaches = commands_by_name or {}, attaches

    @cached_property
    def _attached(self) -> "dict[str, EntryPoint]":
        if self._attaches is None:
            return {}
        return {
            name: point
            for name, point in attached_commands().items()
            if (name in words_of(package_of(point)).workshop) == (self._attaches == "workshop")
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Own commands in their order, then the attached ones."""
        return [*self._own, *(name for name in self._attached if name not in self._own)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name; None if there is none.

        Raises:
            MissingExtraError: a package that it needs is not installed.
        """
        if cmd_name in self._own:
            target = self._own[cmd_name].target
            is_runtimes = self._attaches is not None and not self._own[cmd_name].is_group
            if is_runtimes and "numpy" not in sys.modules:
                # Products of matrices are small here; after each, threads of OpenBLAS would wait
                # for the next in a loop that fills a core for a tenth of a second in a frame. What
                # other packages attach, such as trainings, has large ones and takes all cores.
                os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        elif cmd_name in self._attached:
            target = self._attached[cmd_name].value.partition(" ")[0]
        else:
            return None
        try:
            module, _, attribute = target.partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        except ModuleNotFoundError as error:
            raise self._missing_extra(ctx, cmd_name, error) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command as click does, and name those that a mistyped one may mean.

        Raises:
            click.UsageError: there is no such command.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if "render" in self._own and Path(args[0]).exists():
                name = shlex.quote(args[0])
                hint = f"{error.message} To change it: reggan-plugin render {name} -e happy"
                raise click.UsageError(hint, ctx) from error
            import difflib  # few mistype

            near = difflib.get_close_matches(str(args[0]), self.list_commands(ctx), 3)
            if not near:
                raise
            hint = f"{error.message} Did you mean {' or '.join(near)}?"
            raise click.UsageError(hint, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name.

        Raises:
            MissingExtraError: a package that it needs is not installed.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:  # imported by the command while it ran
            raise self._missing_extra(ctx, ctx.invoked_subcommand or "", error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        own = [(name, command.short_help) for name, command in self._own.items()]
        attached = [
            (name, words_of(package).help.get(name, f"From {package}."))
            for name, package in ((name, package_of(one)) for name, one in self._attached.items())
            if name not in self._own
        ]
        if own:
            with formatter.section("Commands"):
                formatter.write_dl(own)
        if attached:
            with formatter.section("With an extra installed"):
                formatter.write_dl(attached)

    def _missing_extra(
        self, ctx: click.Context, name: str, error: ModuleNotFoundError
    ) -> Exception:
        """Return the error that names the remedy; `error` itself if that is not a missing extra."""
        missing = (error.name or "").partition(".")[0]
        if name in self._own:
            extras = self._own[name].extra
        else:
            point = self._attached.get(name)
            extras = ",".join(point.extras) if point else ""
        if not missing or not extras or importlib.util.find_spec(missing) is not None:
            return error
        return MissingExtraError(
            f"`{ctx.command_path} {name}` needs {missing}, which is not installed. Install it: "
            f'pip install "reggan-plugin[{extras}]"'
        )


ENTRY_POINT_GROUP = "reggan_plugin.commands"


@frozen(kw_only=False)
class CommandWords:
    """The words of a package for its commands: help lines, which are of `dev`, and remedies."""

    help: Mapping[str, str]
    workshop: Collection[str]
    remedies: Mapping[str, str]


@cache
def attached_commands() -> "Mapping[str, EntryPoint]":
    """Return all attached commands by name, of `dev` and not; none is imported."""
    from importlib.metadata import entry_points  # takes as long as all of click

    points = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point for point in sorted(points, key=lambda point: point.name)}


def package_of(point: "EntryPoint") -> str:
    """Return the name of the package that a command comes from."""
    return point.module.partition(".")[0]


@cache
def words_of(package: str) -> CommandWords:
    """Return what a package says of its commands."""
    try:
        module = importlib.import_module(f"{package}.commands.words")
    except ModuleNotFoundError:
        return CommandWords({}, (), {})
    return CommandWords(module.HELP, module.WORKSHOP, module.REMEDIES)


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
