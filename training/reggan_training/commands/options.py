"""Options that several commands of training share, and what they do with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.options.grouped import together

Command = Callable[..., Any]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""A folder that is there."""
FOLDER_TO_WRITE = click.Path(file_okay=False, path_type=Path)
FILE_TO_WRITE = click.Path(dir_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SET = click.Path(exists=True, path_type=Path)
"""A set of pictures: a folder, or a packed file."""


sets_argument = click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=SET)
"""Sets of pictures, one or more."""


def threads_option(advice: str = " On shared cores 1 is fastest.") -> Callable[[Command], Command]:
    """Add `--threads`, which sets those of PyTorch before the command runs."""
    return click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help=f"CPU threads; by default one per core.{advice}",
    )


judge_option = click.option(
    "--judge",
    type=FOLDER,
    help="Folder that `train-judge` wrote.  [default: the judges that come along]",
)


def identities_option(group: str) -> Callable[[Command], Command]:
    """Add `--identities`, a limit on those of each style or family."""
    return click.option(
        "--identities",
        type=click.IntRange(min=1),
        metavar="N",
        help=f"Measure at most N identities of each {group}.  [default: all]",
    )


def overwrite_option(what: str = "the file if it exists") -> Callable[[Command], Command]:
    """Add `--overwrite`."""
    return click.option("--overwrite", is_flag=True, help=f"Replace {what}.")


run_options = together(
    click.option(
        "--data",
        type=SET,
        multiple=True,
        required=True,
        help="Set of pictures, in any layout that `dataset check` knows. May be given several "
        "times.",
    ),
    click.option(
        "--out",
        type=FOLDER_TO_WRITE,
        required=True,
        help="Folder to write to. A run that was stopped goes on there.",
    ),
    click.option(
        "--kimg",
        type=click.FloatRange(min=0.001),
        metavar="THOUSANDS",
        help="Length of a run, in thousands of pairs; by default that of the preset.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="auto takes CUDA if PyTorch finds it.",
    ),
    threads_option(),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Print configuration, parameters and an estimate of the time; write nothing.",
    ),
)
"""Data, output, length and device of a training run."""

config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.toml",
    help="Any setting, over those of the preset; --dry-run shows their names.",
)
size_option = click.option(
    "--size", type=click.IntRange(min=32), metavar="PX", help="Side of the face crop."
)
width_option = click.option(
    "--width",
    type=click.FloatRange(min=0.05, max=4),
    metavar="FACTOR",
    help="Factor on all channel counts; 1 is the published size.",
)


def given(**options: object) -> dict[str, object]:
    """Return the options that stand on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def set_threads(threads: int | None) -> None:
    """Let PyTorch use so many, or as many as it likes."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


def report_line(line: str) -> None:
    """Print progress where it is no result."""
    click.echo(line, err=True)
