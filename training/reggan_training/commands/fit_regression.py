"""`reggan-plugin dev fit-regression`: pairs become a regression layer, in closed form."""

import shutil
from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_training.commands.options import FOLDER_TO_WRITE, SET, overwrite_option, report_line
from reggan_training.commands.regression_parts import (
    layer_with,
    make_room,
    penalty_from_text,
    solve_parts,
)
from reggan_training.contract_1.regression import REGRESSION_PRESETS, RegressionSettings
from reggan_training.contract_1.regression_fit import Shard, sum_part
from reggan_training.contract_1.regression_run import model_settings_for
from reggan_training.data.sets import choose_entries

_CROP_SIDES = {"default": 256}
"""Crops of a preset that are larger than its layer."""


def shard_from_text(text: str) -> Shard:
    """Read `1/4`."""
    try:
        index, count = (int(part) for part in text.split("/"))
        return Shard(index=index, count=count)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no shard; give its number and their count, such as 1/4 for the first "
            "of four."
        ) from None


@click.command("fit-regression")
@click.option(
    "--data",
    type=SET,
    required=True,
    multiple=True,
    help="Set of pairs; give it again for each further one.",
)
@click.option("--out", type=FOLDER_TO_WRITE, required=True, help="Run folder.")
@click.option(
    "--preset",
    type=click.Choice(list(REGRESSION_PRESETS)),
    default="default",
    show_default=True,
    help="What the options below start from.",
)
@click.option("--size", type=click.IntRange(8), metavar="PIXELS", help="Side of the layer.")
@click.option("--crop", type=click.IntRange(8), metavar="PIXELS", help="Side of the crop.")
@click.option("--field", type=click.IntRange(1), metavar="TAPS", help="Taps along a side; odd.")
@click.option("--dilation", type=click.IntRange(1), metavar="PIXELS", help="Between taps.")
@click.option(
    "--penalty",
    metavar="NUMBER|auto",
    help="Ridge penalty; auto takes the best on the validation faces.",
)
@click.option("--per-channel/--shared", default=None, help="Filters for red, green, blue, or one.")
@click.option(
    "--towards", type=click.Choice(["zero", "identity"]), help="Where the penalty pulls weights."
)
@click.option("--bias/--no-bias", default=None, help="Whether filters add a constant.")
@click.option(
    "--shard",
    metavar="I/N",
    help="Only sum part I of N, to be merged by merge-regression.",
)
@overwrite_option("what is in --out")
@verbose_option
def fit_regression(
    data: tuple[Path, ...],
    out: Path,
    preset: str,
    size: int | None,
    crop: int | None,
    field: int | None,
    dilation: int | None,
    penalty: str | None,
    per_channel: bool | None,
    towards: str | None,
    bias: bool | None,
    shard: str | None,
    overwrite: bool,
) -> None:
    """Solve the regression layer on the training faces of --data, in closed form.

    The result is a run folder of the architecture `regression`, for `evaluate` and `export`.
    Memory does not grow with the number of faces. The sums of one expression take 250 MB at
    400 px with filters for each channel and 9 MB at 128 px without; as many as fit into 1 GiB
    are summed in one pass over the faces. All seven are on disk until the layer is solved.

    \b
    Example:
      reggan-plugin dev fit-regression --data pictures --preset earlier-128 --out runs/regression
    """
    make_room(out, overwrite)
    layer = layer_with(
        REGRESSION_PRESETS[preset],
        side_px=size,
        field_px=field,
        dilation=dilation,
        penalty=None if penalty is None else penalty_from_text(penalty),
        shared_channels=None if per_channel is None else not per_channel,
        towards_identity=None if towards is None else towards == "identity",
        with_bias=bias,
    )
    crop_px = crop or max(layer.side_px, _CROP_SIDES.get(preset, 0))
    model_settings_for(layer, crop_px)  # refuses before any work what no model can hold
    if shard:
        _sum(data, out, layer, crop_px, shard_from_text(shard))
    else:
        part = out / "sums"
        _sum(data, part, layer, crop_px, Shard())
        solve_parts((part,), out, layer, data if penalty == "auto" else ())
        shutil.rmtree(part)
    click.echo(out)


def _sum(
    data: tuple[Path, ...], part: Path, layer: RegressionSettings, crop_px: int, shard: Shard
) -> None:
    """Sum a shard of the training faces into a folder."""
    sum_part(
        choose_entries(data, ["train"]),
        part,
        layer,
        image_side_px=crop_px,
        shard=shard,
        data=tuple(root.name for root in data),
        report=report_line,
    )
