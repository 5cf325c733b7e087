"""`reggan-plugin ui`: a page on which faces are changed by eye."""

import contextlib
import tempfile
import webbrowser
from functools import partial
from pathlib import Path

import click

from reggan_plugin.commands.demo import sample_shots
from reggan_plugin.commands.open_model import open_model
from reggan_plugin.commands.options.expression import presets_option
from reggan_plugin.commands.options.grouped import GroupedCommand, grouped_option
from reggan_plugin.commands.options.reader import ReaderOptions, reader_options
from reggan_plugin.commands.options.shared import model_options
from reggan_plugin.commands.page_launcher import write_launcher
from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.open_take import open_take
from reggan_plugin.ui.studio import Studio
from reggan_plugin.ui.words_to_copy import PageOptions
from reggan_plugin.vocabulary.presets import read_presets


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  reggan-plugin ui shot/")
@click.argument("source", required=False, type=click.Path(path_type=Path), metavar="[FILE|DIR]")
@model_options
@presets_option(", to choose from beside the others.")
@grouped_option(
    "Expression",
    "--curves",
    is_input=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A recorded performance to go through. `render --help` says which files are read.",
)
@reader_options("Performance")
@grouped_option(
    "Page",
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="NUMBER",
    help="Port of the page, on this machine alone.  [default: a free one]",
)
@grouped_option(
    "Page",
    "--browser/--no-browser",
    default=True,
    show_default=True,
    help="Open the page in the browser. The address is always printed.",
)
@grouped_option(
    "Page",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Folder for the results of files that you drop on the page. Other results go beside "
    "their source.  [default: this folder]",
)
@grouped_option(
    "Page",
    "--launcher",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a file into DIR, such as your desktop, and open nothing. A double click on the "
    "file opens the page.",
)
@grouped_option("Page", "--overwrite", is_flag=True, help="Replace a launcher that exists.")
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
    from reggan_plugin.ui.server import serve_page  # needs the extra [ui]

    own = read_presets(presets)
    take = None if curves is None else open_take(curves)
    files = OpenFiles(tuple(sample_shots()))
    with contextlib.ExitStack() as stack:
        stack.callback(files.close)
        if source is not None:
            files.open(source)
        studio = Studio(partial(open_model, model, device), files, own, take, reader.opened)
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
