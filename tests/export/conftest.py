"""Runs with random weights, small enough to be exported in a second."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from reggan_export.commands import export
from reggan_training.data.pair_table import PairSettings
from reggan_training.papers.configuration import TrainingSettings
from reggan_training.papers.networks.architectures import build_model
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.papers.run_folder import RunData, RunFolder

SMALL_LAYER = RegressionSettings(side_px=32, dilation=3)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a run with random weights, whose masks show an oval."""

    def make(
        architecture: str,
        side_px: int = 64,
        layer: RegressionSettings = SMALL_LAYER,
        *,
        filters: float = 0.05,
        seed: int = 1,
    ) -> Path:
        torch.manual_seed(seed)
        settings = ModelSettings(
            architecture=architecture, side_px=side_px, width=0.25, regression=layer
        )
        model = build_model(settings)
        axis = torch.linspace(-1.2, 1.2, model.masks.shape[-1])
        model.masks.copy_((1 - torch.hypot(axis[:, None], axis)).clamp(0, 1).expand_as(model.masks))
        for norm in model.modules():
            if isinstance(norm, torch.nn.InstanceNorm2d):  # equal ones would share their weights
                torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
                torch.nn.init.normal_(norm.bias, 0.0, 0.1)
        if isinstance(model, MaskedRegression):
            model.regression.changes.normal_(0, filters)
        training = TrainingSettings(model=settings, pairs=PairSettings(side_px=side_px))
        data = RunData(name="made", identities=["skin_00001"], sha256="0" * 64)
        folder = tmp_path / f"{architecture}-{seed}"
        RunFolder(folder).open_session(training, data)
        RunFolder(folder).write_model_state(model)
        return folder

    return make


@pytest.fixture
def run_export() -> Callable[..., Result]:
    """Invokes `export COMMAND SOURCE`; its errors go through unless it is to fail."""

    def run(command: str, source: Path, *options: str | Path, fails: bool = False) -> Result:
        arguments = [command, str(source), *map(str, options)]
        result = CliRunner().invoke(export, arguments, catch_exceptions=fails)
        assert (result.exit_code != 0) == fails
        return result

    return run
