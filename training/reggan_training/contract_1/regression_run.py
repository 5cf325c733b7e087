"""A solved regression layer as the run folder of a model, for `evaluate` and `export`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.errors import UsageError
from reggan_training.contract_1.configuration import TrainingSettings
from reggan_training.contract_1.regression import RegressionSettings
from reggan_training.contract_1.regression_fit import ValidationErrors, solve_parts
from reggan_training.contract_1.regression_sums import (
    PartRecord,
    check_that_parts_add,
    merged_counts,
)
from reggan_training.contract_1.run_folder import RunData, RunFolder
from reggan_training.data.pairs import PairSettings
from reggan_training.networks.expression_model import ModelSettings
from reggan_training.networks.masked_regression import MaskedRegression

FIT_NAME = "fit.json"
"""Beside the run's own record: the parts that were summed, and what the penalty was chosen by."""


def write_regression_run(
    parts: Sequence[Path],
    out: Path,
    settings: RegressionSettings,
    errors: ValidationErrors | None,
) -> RunFolder:
    """Solve the sums of all parts and write the run folder of architecture `regression`.

    Args:
        parts: folders that `sum_part` wrote.
        out: the run folder.
        settings: those of the parts, with the penalty to solve with.
        errors: by which the penalty was chosen; None if it was given.

    Raises:
        SourceError: parts do not add.
        UsageError: the sizes fit no model; the message names them.
    """
    records = check_that_parts_add(parts)
    side_px = records[0].image_side_px
    model_settings = model_settings_for(settings, side_px)
    model = MaskedRegression(model_settings)
    model.regression.take_filters(list(solve_parts(parts, settings)))
    masks = merged_counts(parts, side_px).masks(model.masks.shape[-1])
    with torch.no_grad():
        model.masks.copy_(torch.from_numpy(masks))
    run = RunFolder(out)
    training = TrainingSettings(model=model_settings, pairs=PairSettings(side_px=side_px))
    run.write_model(model, training, _run_data(records))
    _write_fit(out, records, errors)
    return run


def model_settings_for(layer: RegressionSettings, image_side_px: int) -> ModelSettings:
    """The model that holds a layer.

    Raises:
        UsageError: there is none for these sizes.
    """
    try:
        return ModelSettings(architecture="regression", side_px=image_side_px, regression=layer)
    except ValueError as error:
        raise UsageError(
            f"No model takes a layer of {layer.side_px} px in a crop of {image_side_px} px: "
            f"{error}. Change one of them.",
            kind="layer-does-not-fit",
        ) from error


def _run_data(records: Sequence[PartRecord]) -> RunData:
    digests = {name: sha for record in records for name, sha in record.identities.items()}
    text = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    names = dict.fromkeys(name for record in records for name in record.data)
    return RunData(
        name="+".join(names),
        identities=sorted(digests),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _write_fit(out: Path, records: Sequence[PartRecord], errors: ValidationErrors | None) -> None:
    document = {
        "parts": [{"shard": r.shard, "data": r.data, "pairs": dict(r.pairs)} for r in records],
        "validation_mse": None if errors is None else asdict(errors),
    }
    write_atomically(out / FIT_NAME, json.dumps(document, indent=1).encode())
