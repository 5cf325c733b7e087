"""The `reggan-plugin` command: its subcommands, and the exit code of what they raise.

    0        done
    1        failed: a frame, a file, a model, a missing extra
    2        usage: invalid arguments
    130/143  interrupted by SIGINT / SIGTERM, after the current frame

Nothing heavy is imported here: subcommands are loaded when they are invoked.
"""

import errno
import gc
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from reggan_plugin.commands.command_group_and_terminal import (
    LazyCommand,
    LazyGroup,
    Verbosity,
    printable_streams,
    send_nowhere,
    verbose_option,
)
from reggan_plugin.commands.remedies import with_remedy
from reggan_plugin.errors import RegganError
from reggan_plugin.jobs.signals_and_timeouts import Interrupted

_OF_MACHINE = (errno.ENAMETOOLONG, errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What a disk may answer anywhere, also where results are printed."""
_MOST_WARNINGS, _LONGEST_WARNING = 10, 1_000
"""That libraries say of one file, and the letters of each."""
OUT_OF_MEMORY = (
    "This does not fit into the memory that is free. Close other programs, or give smaller files."
)

_COMMANDS = {
    "render": LazyCommand(
        "reggan_plugin.commands.render:render", "Change the expression in rendered frames."
    ),
    "ui": LazyCommand(
        "reggan_plugin.commands.ui:ui",
        "Choose faces and expressions on a page in your browser.",
        extra="ui",
    ),
    "job": LazyCommand(
        "reggan_plugin.commands.job:job", "Write a render farm's job template.", extra="farm"
    ),
    "report": LazyCommand(
        "reggan_plugin.commands.report:report", "Check a rendered shot and show its problems."
    ),
    "track": LazyCommand(
        "reggan_plugin.commands.track:track", "Find the faces in each frame of a shot."
    ),
    "sheet": LazyCommand(
        "reggan_plugin.commands.sheet:sheet", "Draw a face with all basic expressions on one sheet."
    ),
    "comp": LazyCommand(
        "reggan_plugin.commands.comp:comp", "Write a Nuke, Fusion or Blender comp of the layers."
    ),
    "texture": LazyCommand(
        "reggan_plugin.commands.texture:texture",
        "Change the expression in a face's texture map.",
        extra="textures",
    ),
    "demo": LazyCommand("reggan_plugin.commands.demo:demo", "Try it on the sample frames."),
    "live": LazyCommand(
        "reggan_plugin.commands.live:live", "Change a face for a program that asks through a pipe."
    ),
    "comfyui": LazyCommand(
        "reggan_plugin.commands.comfyui:comfyui", "Put the nodes into ComfyUI, or take them out."
    ),
    "doctor": LazyCommand(
        "reggan_plugin.commands.doctor:doctor", "Say what is installed and which devices work."
    ),
    "bench": LazyCommand(
        "reggan_plugin.commands.bench:bench", "Measure how fast it is on this machine."
    ),
    "expressions": LazyCommand(
        "reggan_plugin.commands.expressions:expressions",
        "List all expressions, face shapes and action units.",
    ),
    "dev": LazyCommand(
        "reggan_plugin.commands.dev:dev", "For those who make the models that ship.", is_group=True
    ),
    "curves": LazyCommand(
        "reggan_plugin.commands.curves:curves", "Show what a recorded performance holds."
    ),
    "perform": LazyCommand(
        "reggan_plugin.commands.perform:perform",
        "Take the expression from a clip of a face.",
        extra="perform",
    ),
    "read": LazyCommand(
        "reggan_plugin.commands.read:read", "Read the expression that a picture shows."
    ),
    "models": LazyCommand(
        "reggan_plugin.commands.models:models", "List the models with their cards."
    ),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    attaches="main",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": True,  # or click cuts escape sequences out of names; see `PrintableStream`
    },
    epilog="\b\nExample:\n  reggan-plugin demo",
)
@click.version_option(package_name="reggan-plugin")
@verbose_option
def reggan_plugin() -> None:
    """Change the expression of rendered faces and keep everything else."""
    if not gc.isenabled():  # by __main__, while the command was loaded: none of that is garbage
        gc.freeze()
        gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors are printed to stderr.

    Exceptions that are not errors of the user or the machine go through: they are bugs.
    """
    with printable_streams(), library_warnings_named():
        status = _run(arguments)
        try:
            sys.stdout.flush()
        except OSError as error:
            if error.errno not in (*_OF_MACHINE, errno.EPIPE):
                raise
            if not status and error.errno != errno.EPIPE:  # whoever reads has read enough
                click.echo(f"Error: {_cause(error, is_printed=True)}", err=True, color=True)
            send_nowhere(1)  # or Python complains of it at its end
            status = status or 1
        return status


def _run(arguments: Sequence[str] | None) -> int:
    verbosity = Verbosity()
    try:
        status = reggan_plugin.main(
            arguments, prog_name="reggan-plugin", standalone_mode=False, obj=verbosity
        )
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as end:  # click's, of an output that nobody reads any more
        return end.code if isinstance(end.code, int) else 1
    except RegganError as error:
        if verbosity.is_verbose:
            traceback.print_exc()
        click.echo(f"Error: {with_remedy(error.remark)}", err=True, color=True)
        return error.exit_code
    except Interrupted as interruption:
        click.echo(f"Interrupted: {interruption}", err=True, color=True)
        return interruption.exit_code
    except OSError as error:
        if error.errno not in _OF_MACHINE and error.filename is None:
            raise
        if verbosity.is_verbose:
            traceback.print_exc()
        frames = traceback.walk_tb(error.__traceback__)
        is_printed = any(frame.f_code is click.echo.__code__ for frame, _ in frames)
        click.echo(f"Error: {_cause(error, is_printed=is_printed)}", err=True, color=True)
        return 1
    except MemoryError:
        if verbosity.is_verbose:
            traceback.print_exc()
        click.echo(f"Error: {OUT_OF_MEMORY}", err=True, color=True)
        return 1
    except click.Abort:
        return 130


def _cause(error: OSError, *, is_printed: bool) -> str:
    """Return what the system refused, and what to do."""
    if is_printed:
        return (
            f"standard output cannot be written: {error.strerror}. The list of results is not "
            "whole; the files that were written are. Send the output to another place."
        )
    name = "" if error.filename is None else f"{str(error.filename)[:200]}: "
    if error.errno in (errno.EACCES, errno.EPERM):
        remedy = "Give yourself the right to read it and to enter the folders that it is in."
    else:
        remedy = "Name another file or output."
    return f"{name}{error.strerror}. {remedy}"


@contextmanager
def library_warnings_named() -> Iterator[None]:
    """Print each warning as a note with the name of the file that is at work, once for each."""
    said: set[str] = set()
    counts: Counter[str] = Counter()

    def show(
        message: Warning | str,
        category: type[Warning],  # noqa: ARG001
        filename: str,  # noqa: ARG001
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        about = _about()
        text = f"Note{about}: a library warns: {str(message).strip()[:_LONGEST_WARNING]}"
        if text not in said and counts[about] <= _MOST_WARNINGS:
            said.add(text)
            counts[about] += 1
            is_last = counts[about] > _MOST_WARNINGS
            click.echo(
                f"Note{about}: a library warns of more" if is_last else text, err=True, color=True
            )

    usual: Any = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _about() -> str:
    damage = sys.modules.get("reggan_plugin.files.image_format")  # loaded by whoever reads a file
    path = None if damage is None else damage.file_at_work()
    return "" if path is None else f", {path.name}"
