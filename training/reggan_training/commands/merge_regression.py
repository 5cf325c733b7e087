"""`reggan-plugin dev merge-regression`: add what several machines summed, and solve."""

from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import UsageError
from reggan_training.commands.options import FOLDER, FOLDER_TO_WRITE, SET, overwrite_option
from reggan_training.commands.regression_parts import (
    layer_with,
    make_room,
    penalty_from_text,
    solve_parts,
)
from reggan_training.contract_1.regression_sums import check_that_parts_add


@click.command("merge-regression")
@click.argument(
    "parts",
    nargs=-1,
    required=True,
    type=FOLDER,
)
@click.option("--out", type=FOLDER_TO_WRITE, required=True, help="Run folder.")
@click.option(
    "--penalty",
    metavar="NUMBER|auto",
    help="Ridge penalty in place of the shards' own; auto takes the best on --data's faces.",
)
@click.option(
    "--towards",
    type=click.Choice(["zero", "identity"]),
    help="Where the penalty pulls weights, in place of the shards' own.",
)
@click.option(
    "--data",
    type=SET,
    multiple=True,
    help="Sets whose validation faces choose the penalty; for --penalty auto.",
)
@overwrite_option("what is in --out")
@verbose_option
def merge_regression(
    parts: tuple[Path, ...],
    out: Path,
    penalty: str | None,
    towards: str | None,
    data: tuple[Path, ...],
    overwrite: bool,
) -> None:
    """Add the shards that fit-regression --shard wrote to PARTS, and solve.

    The result is that of one pass over all the faces. Nothing in PARTS changes.

    \b
    Example:
      reggan-plugin dev merge-regression parts/1 parts/2 --out runs/regression
    """
    if (penalty == "auto") != bool(data):
        raise UsageError(
            "--penalty auto chooses on the validation faces of --data; give both or neither."
        )
    records = check_that_parts_add(parts)
    make_room(out, overwrite)
    layer = layer_with(
        records[0].layer,
        penalty=None if penalty is None else penalty_from_text(penalty),
        towards_identity=None if towards is None else towards == "identity",
    )
    solve_parts(parts, out, layer, data)
    click.echo(out)
