"""A run of any architecture becomes a file that the runtime takes and that says the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

pytest.importorskip("onnxscript")

from click.testing import CliRunner, Result

import reggan_plugin
from reggan_export.commands import export
from reggan_export.expression_model import measure_differences
from reggan_plugin.expressions import EXPRESSION_NAMES
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import read_frame
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.transfer import ExpressionTransfer
from reggan_training.checkpoint import model_from_run
from reggan_training.configuration import TrainingSettings
from reggan_training.data.pairs import PairSettings
from reggan_training.networks.architectures import ARCHITECTURES, build_model
from reggan_training.networks.expression_model import ModelSettings
from reggan_training.networks.masked_regression import MaskedRegression
from reggan_training.regression import RegressionSettings
from reggan_training.run_folder import RunData, RunFolder

FRAME = Path(reggan_plugin.__file__).parent / "samples/avatar_png/avatar.1001.png"
QUICK = "sargan"
"""Instance normalisation, attention, nearest enlarging and transposed convolutions in one."""
EXPORTED = [
    name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES
]


def run_of(architecture: str, folder: Path, side_px: int, layer: RegressionSettings) -> Path:
    """A run with random weights whose masks show an oval."""
    torch.manual_seed(1)
    settings = ModelSettings(
        architecture=architecture, side_px=side_px, width=0.25, regression=layer
    )
    model = build_model(settings)
    axis = torch.linspace(-1.2, 1.2, model.masks.shape[-1])
    model.masks.copy_((1 - torch.hypot(axis[:, None], axis)).clamp(0, 1).expand_as(model.masks))
    if isinstance(model, MaskedRegression):
        model.regression.changes.normal_(0, 0.05)
    training = TrainingSettings(model=settings, pairs=PairSettings(side_px=side_px))
    data = RunData(name="made", identities=["skin_00001"], sha256="0" * 64)
    RunFolder(folder).write_model(model, training, data)
    return folder


def export_onnx(run: Path, out: Path, *options: str) -> Result:
    arguments: Sequence[str] = ["onnx", str(run), "--out", str(out), *options]
    return CliRunner().invoke(export, arguments, catch_exceptions=False)


def check_that_it_renders(model_file: Path, run: Path) -> None:
    """The runtime's own way to the file; largest difference from PyTorch on a real crop, one
    expression: half a level, as the weights are stored in half precision."""
    transfer = ExpressionTransfer(model_file, device="cpu")
    frame = read_frame(FRAME)
    (crop,) = transfer.find_faces(frame, FaceChoice())
    assert crop.side_px == transfer.card.image_size_px
    changed = (transfer.apply(frame.pixels, "happy") != frame.pixels).any(axis=2)
    assert 0.001 < changed.mean() < 0.5
    assert not changed[:20].any()
    image = np.clip(cut_crop(frame.pixels, crop), 0, 1).astype(np.float32)
    batch = np.stack([image, image[:, ::-1]]).transpose(0, 3, 1, 2).copy()
    assert measure_differences(model_from_run(run), model_file, [batch])["max"] < 0.5


@pytest.mark.parametrize("architecture", EXPORTED)
def test_every_architecture_goes_into_the_runtime(architecture: str, tmp_path: Path) -> None:
    layer = RegressionSettings(side_px=32, dilation=3)
    run = run_of(architecture, tmp_path / "run", 64, layer)
    result = export_onnx(run, tmp_path / "model.onnx", "--max-yaw", "30", "--name", "mine")
    assert result.exit_code == 0
    check_that_it_renders(tmp_path / "model.onnx", run)
    card = ExpressionTransfer(tmp_path / "model.onnx", device="cpu").card
    assert (card.name, card.architecture) == ("mine", architecture)
    assert (card.image_size_px, card.max_yaw_deg) == (64, 30.0)
    assert card.expressions == EXPRESSION_NAMES
    opsets = onnx.load(tmp_path / "model.onnx").opset_import
    assert {own.domain: own.version for own in opsets}[""] == 20


def test_a_layer_with_filters_for_each_channel_goes_into_the_runtime(tmp_path: Path) -> None:
    layer = RegressionSettings(side_px=48, dilation=3, shared_channels=False, with_bias=False)
    run = run_of("regression", tmp_path / "run", 48, layer)
    assert export_onnx(run, tmp_path / "model.onnx").exit_code == 0
    check_that_it_renders(tmp_path / "model.onnx", run)
