"""Landmark networks as one file: it says what PyTorch says, and its card says what it is."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

from reggan_export.onnx_file import store_weights_as_half
from reggan_export.rig_export import export_landmarks, landmark_graph, refinement_network
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import SourceError
from reggan_plugin.models.model_card import (
    REFINED_OUTPUTS,
    RIG_CONTRACT,
    RIG_OUTPUTS,
    card_from_metadata,
    check_seal,
    weights_folder,
)
from reggan_plugin.rig.refinement import CELLS, PLANES
from reggan_training.landmarks.part_networks import POINTS_OF
from reggan_training.landmarks.training import LOG, FrontTraining, PartTraining
from reggan_training.refinement.training import LOG as REFINEMENT_LOG
from reggan_training.refinement.training import RefinementTraining


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose networks were not trained at all."""
    torch.manual_seed(4)
    parts = {kind: PartTraining(kind, tmp_path) for kind in POINTS_OF}
    for one in (*parts.values(), FrontTraining(parts["face"].ema, tmp_path)):
        one.save()
    (tmp_path / LOG).write_text('{"kind": "eye", "crops": 24}\n{"kind": "eye", "crops": 48}\n')
    return tmp_path


@pytest.mark.long
@pytest.mark.timeout(900)  # on a busy machine; 40 s of one core
# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
def test_the_file_says_what_pytorch_says(run: Path, tmp_path: Path) -> None:
    """One file with everything in it: to trace the networks takes most of a minute."""
    refinement = RefinementTraining(tmp_path)
    for last in (refinement.ema.mix, refinement.ema.motion, refinement.ema.light):
        torch.nn.init.normal_(last.weight, std=0.05)
    refinement.save()
    (tmp_path / REFINEMENT_LOG).write_text('{"steps": 3}\n')
    out = tmp_path / "rig.onnx"
    apart = export_landmarks(run, out, name="rig", version="1", refinement=tmp_path)
    assert 0 < apart < 0.002
    assert check_seal(out)
    runner = open_runner(out, "cpu")
    card = card_from_metadata(runner.metadata, out.name)
    assert (card.contract, card.image_size_px) == (RIG_CONTRACT, 384)
    assert card.training["networks"] == {"eye": {"crops": 48}, "refinement": {"steps": 3}}
    picture = torch.rand(1, 3, 384, 384, generator=torch.Generator().manual_seed(2))
    asked = np.zeros((1, len(PLANES), CELLS, CELLS), np.float32)
    found = runner.run({"image": picture.numpy(), "asked": asked})
    assert tuple(found) == (*RIG_OUTPUTS, *REFINED_OUTPUTS)
    with torch.no_grad():
        expected = landmark_graph(run)(picture)
    for name, value in zip(RIG_OUTPUTS, expected, strict=True):
        alike = np.isclose(found[name], value.numpy(), atol=2e-3, rtol=2e-2)
        # untrained, a face's square is tiny: 1e-7 in a picture moves cells at its edge by 0.06
        assert alike.mean() > (0.99 if name == "label" else 0.9999)
    assert not found["gain"].any()
    refined = runner.run({"image": picture.numpy(), "asked": asked + np.float32(0.1)})
    assert refined["gain"].any()
    assert not refined["points"].any()
    shapes = {name: value.shape for name, value in found.items()}
    assert {name: value.shape for name, value in refined.items()} == shapes
    alone = runner.run({"image": picture.numpy(), "asked": asked - 1})
    assert np.array_equal(alone["label"], found["label"])
    assert not alone["points"].any()


def test_networks_of_a_file_can_be_taken_back() -> None:
    """They answer as the file does, so they can be exported again with another refinement."""
    shipped = weights_folder() / "reggan.onnx"
    random = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, 384, 384, generator=random)
    asked = 0.1 * torch.rand(1, len(PLANES), CELLS, CELLS, generator=random)
    found, refined = (
        open_runner(shipped, "cpu").run({"image": image.numpy(), "asked": one.numpy()})
        for one in (0 * asked, asked)
    )
    with torch.no_grad():
        points, _, label = landmark_graph(shipped)(image)
        mix, motion, gain = refinement_network(shipped)(F.avg_pool2d(image, 3), asked)
    for name, value in zip(("mix", "motion", "gain"), (mix, motion, gain), strict=True):
        np.testing.assert_allclose(refined[name], value.numpy(), atol=1e-4)
    np.testing.assert_allclose(found["points"], points.numpy(), atol=2e-3)
    np.testing.assert_allclose(found["label"], label.numpy(), atol=0.02)


def test_weights_of_a_file_are_rounded_once() -> None:
    """Those that a batch norm was folded into are exported again as they are."""
    half = np.float32(np.random.default_rng(0).random(300, np.float32).astype(np.float16))
    kept = [numpy_helper.from_array(half, "half"), numpy_helper.from_array(half * 1.1, "folded")]
    model = helper.make_model(helper.make_graph([], "two", [], [], kept))
    store_weights_as_half(model, only_exact=True)
    stored = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    assert np.array_equal(stored["half.half"], half)
    assert np.array_equal(stored["folded"], half * np.float32(1.1))


def test_a_file_without_landmark_networks_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no weights") as error:
        export_landmarks(
            weights_folder() / "sargan.onnx", tmp_path / "x.onnx", name="x", version="1"
        )
    assert error.value.kind == "other-weights"
