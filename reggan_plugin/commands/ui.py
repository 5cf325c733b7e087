"""`reggan-plugin ui`: a page on which faces are changed by eye, and a file that opens it."""

import contextlib
import re
import shlex
import sys
import tempfile
import webbrowser
from functools import partial
from importlib import resources
from pathlib import Path

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.commands.options.expression import ReaderOptions, reader_options
from reggan_plugin.commands.options.model import model_options, open_model
from reggan_plugin.commands.options.options_and_settings_file import (
    GroupedCommand,
    grouped_option,
    keep_character,
    presets_option,
    settings_in_use,
    settings_of,
)
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.errors import OutputExistsError
from reggan_plugin.file_safety import found_at, is_taken, write_atomically
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.ui.command_line_to_copy import PageOptions
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.open_take import CharacterFit, OpenTake
from reggan_plugin.ui.page_actions import Studio
from reggan_plugin.vocabulary.expression import read_presets

_page_option = partial(grouped_option, "Page")


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin ui shot/")
@click.argument("source", required=False, type=click.Path(path_type=Path), metavar="[FILE|DIR]")
@model_options
@presets_option(", to choose from beside the others.")
@grouped_option(
    "Expression",
    "--curves FILE",
    is_input=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recorded performance to go through. `render --help` says which files are read.",
)
@reader_options("Performance")
@_page_option(
    "--port NUMBER",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=False,
    help="Port of the page, on this machine alone.  [default: a free one]",
)
@_page_option(
    "--browser/--no-browser",
    default=True,
    show_default=True,
    help="Open the page in the browser. The address is always printed.",
)
@_page_option(
    "--out DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=False,
    help="Folder for the results of files that you drop on the page. Other results go beside "
    "their source.  [default: this folder]",
)
@_page_option(
    "--launcher DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a file into DIR, such as your desktop, and open nothing. A double click on the "
    "file opens the page.",
)
@_page_option("--overwrite", is_flag=True, help="Replace a launcher that exists.")
@verbose_option
def ui(
    *,
    source: Path | None,
    model: str | None,
    device: str,
    presets: Path | None,
    curves: Path | None,
    reader: ReaderOptions,
    port: int,
    browser: bool,
    out: Path,
    launcher: Path | None,
    overwrite: bool,
) -> None:
    """Open a page on which you choose faces and expressions by eye.

    The page shows FILE or DIR, and what you drop on it: pictures, folders, clips, heads. Quit on
    the page ends it, or Ctrl-C here. Nothing is sent anywhere. Only this machine can open the page,
    with the address that is printed.
    """
    if launcher is not None:
        click.echo(write_launcher(launcher, overwrite=overwrite))
        return
    from reggan_plugin.curves.retargeting import text_of_table
    from reggan_plugin.ui.server import serve_page  # needs the extra [ui]

    own, kept = read_presets(presets), settings_in_use()
    take = None if curves is None else OpenTake(path=curves, take=read_take(curves))
    files = OpenFiles(tuple(sample_shots()))
    with contextlib.ExitStack() as stack:
        stack.callback(files.close)
        if source is not None:
            files.open(source)
        fit = CharacterFit(
            characters=dict(settings_of(kept).get("character", {})) if kept.is_file() else {},
            keep=lambda name, table: keep_character(kept, name, text_of_table(name, table)),
        )
        studio = Studio(partial(open_model, model, device), files, own, take, reader.opened, fit)
        stack.callback(studio.job.close)
        stack.callback(studio.performance.close)
        options = PageOptions(model=model, device=device, presets=presets, out=out)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reggan-page-")))
        serve_page(studio, options, port, partial(_announce, scratch if browser else None))


def _announce(scratch: Path | None, address: str) -> None:
    """Say where the page is; open it by a file that only this user reads and that leads there.

    The command line of a browser is seen by all users of the machine, and would tell the token.
    """
    click.echo(address)
    if scratch is not None:
        leading = scratch / "open.html"
        leading.touch(mode=0o600)
        leading.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
        webbrowser.open(leading.as_uri())


_DESKTOP = """\
[Desktop Entry]
Type=Application
Name=reggan-plugin
Comment=Change the expression of a face by eye
Exec=env {command} -m reggan_plugin ui %f
Icon={icon}
Terminal=false
Categories=Graphics;
"""
"""`env`: GNOME looks for the program before it reads `%%` as `%`."""
_COMMAND = """\
#!/bin/sh
exec {command} -m reggan_plugin ui "$@"
"""
_CMD = """\
@echo off\r
chcp 65001 >nul\r
start "reggan-plugin" /min {command} -m reggan_plugin ui %*\r
"""
"""`chcp`: this file is UTF-8, and cmd.exe reads it in its own code page."""


def write_launcher(
    folder: Path,
    system: str = sys.platform,
    python: str = sys.executable,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the file that a system's desktop starts, for this installation; its path.

    A picture that is dropped on it is opened. It holds no option: settings files count.

    Args:
        folder: where it goes; made if it is not there.
        system: as `sys.platform`.
        python: the interpreter that has reggan-plugin.
        overwrite: whether an earlier one is replaced.

    Raises:
        OutputExistsError: it is there, and may not be replaced.
        OutputError: it cannot be written.
    """
    if system == "win32":
        name, text = "reggan-plugin.cmd", _CMD.format(command=f'"{python.replace("%", "%%")}"')
    elif system == "darwin":
        name, text = "reggan-plugin.command", _COMMAND.format(command=shlex.quote(python))
    else:
        icon = resources.files("reggan_plugin.ui") / "page" / "icon.svg"
        name, text = "reggan-plugin.desktop", _DESKTOP.format(command=_quoted(python), icon=icon)
    path = folder / name
    if is_taken(path) and not overwrite:
        raise OutputExistsError(f"{found_at(path)}.", kind="launcher-exists")
    make_writable_folder(folder)
    write_atomically(path, text.encode())
    path.chmod(0o755)
    return path


def _quoted(argument: str) -> str:
    """Return an argument of `Exec`. Source: Desktop Entry Specification 1.5, The Exec key."""
    escaped = re.sub(r'(["`$\\])', r"\\\1", argument).replace("%", "%%")
    return '"' + escaped.replace("\\", "\\\\") + '"'
