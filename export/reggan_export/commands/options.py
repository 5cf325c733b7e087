"""Shared by several commands of export: precisions, and the check of the file to write."""

from pathlib import Path

import click

from reggan_plugin.errors import OutputError
from reggan_plugin.files.overwriting import refuse_existing, refuse_overwriting

PRECISIONS = ("fp32", "fp16")
MODEL_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A model file or an engine that is there."""


def refuse_occupied(out: Path, overwrite: bool, *inputs: Path) -> None:
    """Say early that a file cannot be written; `inputs` are those that are read for it.

    Raises:
        UsageError: it is one of them.
        OutputExistsError: it exists, and may not be replaced.
        OutputError: its folder does not exist.
    """
    refuse_overwriting([out], inputs)
    refuse_existing([out], overwrite=overwrite)
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent} is no folder. Create it, or name another output.")
