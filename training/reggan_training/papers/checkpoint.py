"""From the folder of a training run to the model that it made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reggan_plugin.errors import SourceError, UsageError
from reggan_training.papers.configuration import settings_from_record
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ExpressionModel, ModelSettings
from reggan_training.papers.run_folder import RunFolder, unprefixed


def model_from_run(folder: Path) -> ExpressionModel:
    """The averaged model of the run's last checkpoint, ready for inference on the CPU.

    Raises:
        SourceError: this is not the folder of a run, it has no checkpoint yet, or its settings
            or weights are of another version.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; give the folder of a training run.")
    run = RunFolder(folder)
    config = run.read_config()
    model = build_model(_model_settings(folder, config))
    try:
        model.load_state_dict(unprefixed("averaged", run.load()))
    except RuntimeError as error:
        raise _another_version(folder, error) from error
    return model.eval().requires_grad_(False)


def model_settings_from_run(folder: Path) -> ModelSettings:
    """Settings of the network that a run trains.

    Raises:
        SourceError: this is not the folder of a run, or of another version.
    """
    return _model_settings(folder, RunFolder(folder).read_config())


def images_seen(folder: Path) -> int:
    """Number of training pairs that the run's checkpoint has seen.

    Raises:
        SourceError: the run has no checkpoint yet.
    """
    return int(RunFolder(folder).load()["images_seen"])


def _model_settings(folder: Path, config: Mapping[str, Any]) -> ModelSettings:
    try:
        return settings_from_record(ModelSettings, config["settings"]["model"])
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise _another_version(folder, error) from error


def _another_version(folder: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{folder} was written by another version of RegGAN ({error}); train it again with "
        "this one."
    )
