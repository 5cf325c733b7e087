"""Shared by the two commands of the regression layer: penalties, room for a run, solving."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_training.commands.options import report_line
from reggan_training.contract_1.regression import RegressionSettings
from reggan_training.contract_1.regression_fit import ValidationErrors, validate_penalties
from reggan_training.contract_1.regression_run import write_regression_run
from reggan_training.contract_1.regression_sums import RECORD_NAME
from reggan_training.data.sets import choose_entries


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


def layer_with(
    start: RegressionSettings, **changes: int | float | bool | None
) -> RegressionSettings:
    """The settings with what the command line names.

    Raises:
        UsageError: the taps have no middle one.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return replace(start, **given)  # type: ignore[arg-type]
    except ValueError:
        raise UsageError(
            f"{start.field_px if changes.get('field_px') is None else changes['field_px']} taps "
            "along a side have no middle one; --field expects an odd number, such as 3."
        ) from None


def make_room(out: Path, overwrite: bool) -> None:
    """Take away the run that is in a folder.

    Raises:
        OutputExistsError: there is one, and it may not be replaced.
    """
    taken = [name for name in (RECORD_NAME, "config.json") if (out / name).exists()]
    if taken and not overwrite:
        raise OutputExistsError(
            f"{out} holds a finished {taken[0]}. Replace all that it belongs to, or name "
            "another folder."
        )
    for name in taken:
        (out / name).unlink()


def solve_parts(
    parts: Sequence[Path], out: Path, layer: RegressionSettings, validation: Sequence[Path]
) -> None:
    """Choose the penalty on the validation faces if sets are named, and write the run."""
    errors = None
    if validation:
        errors = validate_penalties(parts, layer, choose_entries(validation, ["validation"]))
        layer = replace(layer, penalty=errors.best_penalty)
        report_line(_table(errors))
    write_regression_run(parts, out, layer, errors)


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
