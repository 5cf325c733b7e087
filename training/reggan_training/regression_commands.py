"""`reggan-plugin dev fit-regression` and `merge-regression`: pairs become a regression layer."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reggan_plugin.commands.verbosity import verbose_option
from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_training.data.sets import choose_entries
from reggan_training.regression import REGRESSION_PRESETS, RegressionSettings
from reggan_training.regression_fit import Shard, ValidationErrors, sum_part, validate_penalties
from reggan_training.regression_run import model_settings_for, write_regression_run
from reggan_training.regression_sums import RECORD_NAME, check_that_parts_add

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


def penalty_from_text(text: str) -> float | None:
    """Read a penalty; None for `auto`."""
    if text == "auto":
        return None
    try:
        penalty = float(text)
    except ValueError:
        penalty = 0.0
    if not 0 < penalty < float("inf"):
        raise click.BadParameter(f"{text!r} is neither auto nor a number above 0, such as 0.4.")
    return penalty


@click.command("fit-regression")
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    multiple=True,
    help="Set of pairs; give it again for each further one.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Run folder."
)
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
@click.option("--overwrite", is_flag=True, help="Replace what is in --out.")
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
      reggan-plugin dev fit-regression --data avatars --preset earlier-128 --out runs/regression
    """
    _make_room(out, overwrite)
    asked = None if penalty is None else penalty_from_text(penalty)
    layer = _layer(
        REGRESSION_PRESETS[preset],
        side_px=size,
        field_px=field,
        dilation=dilation,
        penalty=asked,
        shared_channels=None if per_channel is None else not per_channel,
        towards_identity=None if towards is None else towards == "identity",
        with_bias=bias,
    )
    crop_px = crop or max(layer.side_px, _CROP_SIDES.get(preset, 0))
    model_settings_for(layer, crop_px)  # refuses before any work what no model can hold
    part = out if shard else out / "sums"
    sum_part(
        choose_entries(data, ["train"]),
        part,
        layer,
        image_side_px=crop_px,
        shard=shard_from_text(shard) if shard else Shard(),
        data=tuple(root.name for root in data),
        report=_report,
    )
    if not shard:
        _solve((part,), out, layer, data if penalty == "auto" else ())
        shutil.rmtree(part)
    click.echo(out)


@click.command("merge-regression")
@click.argument(
    "parts",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Run folder."
)
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
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Sets whose validation faces choose the penalty; for --penalty auto.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is in --out.")
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
    _make_room(out, overwrite)
    layer = _layer(
        records[0].layer,
        penalty=None if penalty is None else penalty_from_text(penalty),
        towards_identity=None if towards is None else towards == "identity",
    )
    _solve(parts, out, layer, data)
    click.echo(out)


def _solve(
    parts: Sequence[Path], out: Path, layer: RegressionSettings, validation: Sequence[Path]
) -> None:
    """Choose the penalty on the validation faces if sets are named, and write the run."""
    errors = None
    if validation:
        errors = validate_penalties(parts, layer, choose_entries(validation, ["validation"]))
        layer = replace(layer, penalty=errors.best_penalty)
        _report(_table(errors))
    write_regression_run(parts, out, layer, errors)


def _layer(start: RegressionSettings, **changes: int | float | bool | None) -> RegressionSettings:
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return replace(start, **given)  # type: ignore[arg-type]
    except ValueError:
        raise UsageError(
            f"{start.field_px if changes.get('field_px') is None else changes['field_px']} taps "
            "along a side have no middle one; --field expects an odd number, such as 3."
        ) from None


def _make_room(out: Path, overwrite: bool) -> None:
    taken = [name for name in (RECORD_NAME, "config.json") if (out / name).exists()]
    if taken and not overwrite:
        raise OutputExistsError(
            f"{out} holds a finished {taken[0]}. Replace all that it belongs to, or name "
            "another folder."
        )
    for name in taken:
        (out / name).unlink()


def _table(errors: ValidationErrors) -> str:
    lines = [
        f"mean squared error x 1000 on validation faces: {', '.join(errors.unchanged)}",
        f"  unchanged: {_thousandths(errors.unchanged)}",
    ]
    for penalty, values in errors.by_penalty.items():
        chosen = "  <- chosen" if penalty == errors.best_penalty else ""
        lines.append(f"  penalty {penalty:g}: {_thousandths(values)}{chosen}")
    return "\n".join(lines)


def _thousandths(values: Mapping[str, float]) -> str:
    return " ".join(f"{1000 * value:.2f}" for value in values.values())


def _report(line: str) -> None:
    click.echo(line, err=True)
