"""Checks of the file that an export is to write, before any work."""

from pathlib import Path

import click

from reggan_plugin.errors import OutputError, OutputExistsError
from reggan_plugin.files.inputs import refuse_overwriting

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")


def refuse_occupied(out: Path, overwrite: bool, *inputs: Path) -> None:
    """Say early that a file cannot be written; `inputs` are those that are read for it.

    Raises:
        UsageError: it is one of them.
        OutputExistsError: it exists, and may not be replaced.
        OutputError: its folder does not exist.
    """
    refuse_overwriting([out], inputs)
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists already.")
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent} is no folder. Create it, or name another output.")
