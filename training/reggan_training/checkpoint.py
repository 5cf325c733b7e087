"""From the folder of a training run to the model that it made."""

from pathlib import Path
from typing import Any

from reggan_plugin.errors import SourceError
from reggan_training.networks.reggan import RegGAN, RegGANSettings
from reggan_training.regression import RegressionSettings
from reggan_training.run_folder import RunFolder, unprefixed


def model_from_run(folder: Path) -> RegGAN:
    """The averaged model of the run's last checkpoint, ready for inference on the CPU.

    Raises:
        SourceError: this is not the folder of a run, it has no checkpoint yet, or its settings
            or weights are of another version.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; give the folder of a training run.")
    run = RunFolder(folder)
    settings: dict[str, Any] = run.read_config()["settings"]
    try:
        model = RegGAN(
            RegGANSettings(**settings["model"]), RegressionSettings(**settings["regression"])
        )
        model.load_state_dict(unprefixed("averaged", run.load()))
    except (KeyError, TypeError, RuntimeError) as error:
        raise SourceError(
            f"{folder} was written by another version of RegGAN ({error}); train it again with "
            "this one."
        ) from error
    return model.eval().requires_grad_(False)


def images_seen(folder: Path) -> int:
    """How many training pairs the run's checkpoint has seen.

    Raises:
        SourceError: the run has no checkpoint yet.
    """
    return int(RunFolder(folder).load()["images_seen"])
