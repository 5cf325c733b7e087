"""The refinement's network and its training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from reggan_plugin.models.model_card import weights_folder
from reggan_plugin.rig.refinement import CELLS, PLANES
from reggan_plugin.rig.template_fit import CONVENTIONS
from reggan_training.landmarks.picture_pool import PicturePool, PoolRun
from reggan_training.refinement.network import RigRefiner
from reggan_training.refinement.training import (
    ARRAYS,
    LOG,
    AdversaryTraining,
    Batch,
    RefinementTask,
    RefinementTraining,
    measure,
)
from reggan_training.training_run import run_training
from reggan_training.weights_from_onnx import exported_weights, load_exported


@pytest.fixture
def pool(tmp_path: Path) -> PicturePool:
    """Examples of a rig that moves all of a face half as far as the head does."""
    random = np.random.default_rng(3)
    count = 24
    asked = np.zeros((count, len(PLANES), CELLS, CELLS), np.float16)
    motion = np.zeros((count, 2, CELLS, CELLS), np.float16)
    way = random.normal(0, 0.05, (count, 2, 1, 1))
    inside = slice(24, 104)
    asked[:, :2, inside, inside] = way
    motion[:, :, inside, inside] = 2 * way
    asked[:, PLANES.index("face"), inside, inside] = 1
    rows = {
        "picture": random.integers(0, 255, (count, CELLS, CELLS, 3), dtype=np.uint8),
        "asked": asked,
        "motion": motion,
        "light": np.zeros((count, 1, CELLS, CELLS), np.float16),
        "known": np.ones((count, CELLS, CELLS), bool),
    }
    folder = tmp_path / "pool"
    folder.mkdir()
    np.savez(folder / "0-00000.npz", **rows)
    pool = PicturePool(folder, ARRAYS)
    pool.refresh()
    return pool


def test_nothing_asked_is_nothing_added() -> None:
    torch.manual_seed(1)
    network = RigRefiner().eval()
    for last in (network.motion, network.light):
        torch.nn.init.normal_(last.weight)
    asked = torch.zeros(1, len(PLANES), CELLS, CELLS)
    mix, motion, light = network(torch.rand(1, 3, CELLS, CELLS), asked)
    assert mix.shape == (1, len(CONVENTIONS), CELLS // 2, CELLS // 2)
    torch.testing.assert_close(mix.sum(1), torch.ones(1, CELLS // 2, CELLS // 2))
    assert (motion.abs().max(), light.abs().max()) == (0, 0)


def test_what_is_added_is_bounded() -> None:
    network = RigRefiner().eval()
    for last in (network.motion, network.light):
        torch.nn.init.constant_(last.bias, 99.0)
    asked = torch.zeros(1, len(PLANES), CELLS, CELLS)
    with torch.no_grad():
        asked[:, 0] = 0.01
        _, little, _ = network(torch.zeros(1, 3, CELLS, CELLS), asked)
        asked[:, 0] = 9.0
        _, motion, light = network(torch.zeros(1, 3, CELLS, CELLS), asked)
    assert float(little.max()) < 0.02
    assert float(motion.max()) == pytest.approx(0.08, abs=1e-3)
    assert float(light.max()) == pytest.approx(0.7, abs=1e-3)


def test_a_mirrored_example_is_still_one(pool: PicturePool) -> None:
    batch = Batch.of(pool, torch.arange(4))
    none = torch.zeros(4, 3, 64, 64), torch.zeros(4, 4, 64, 64), torch.zeros(4, 1, CELLS, CELLS)
    expected = float(batch.errors(none)[0].square().sum())
    for seed in range(6):
        changed = batch.augmented(torch.Generator().manual_seed(seed))
        assert float(changed.errors(none)[0].square().sum()) == pytest.approx(expected, rel=1e-4)


def test_it_learns(pool: PicturePool, tmp_path: Path) -> None:
    torch.manual_seed(2)
    training, batch = RefinementTraining(tmp_path), Batch.of(pool, torch.arange(4))
    losses = [training.train_step(batch, 3e-3) for _ in range(14)]
    assert losses[-1] < 0.9 * losses[0]
    assert measure(training.ema, pool)["rig_motion"] == pytest.approx(0.75)


def test_it_begins_with_exported_weights(pool: PicturePool, tmp_path: Path) -> None:
    """It answers to the examples of which batch norms are taken as the file does."""
    pytest.importorskip("onnx")
    training, batch = RefinementTraining(tmp_path), Batch.of(pool, torch.arange(8))
    shipped = weights_folder() / "reggan.onnx"
    training.take_exported(shipped, batch)
    exported = RigRefiner().eval()
    load_exported(exported, exported_weights(shipped, "refine/network."))
    with torch.no_grad():
        answers = [
            network.eval()(batch.picture, batch.asked) for network in (training.ema, exported)
        ]
    for own, files in zip(*answers, strict=True):
        torch.testing.assert_close(own, files, atol=1e-4, rtol=1e-3)


def test_an_adversary_learns_what_true_light_is(pool: PicturePool, tmp_path: Path) -> None:
    """Made light has steps that true light has not."""
    torch.manual_seed(2)
    adversary, batch = AdversaryTraining(tmp_path), Batch.of(pool, torch.arange(2))
    made = 0.3 * (torch.arange(CELLS) // 8 % 2).float().expand(2, 1, CELLS, CELLS) * batch.known
    losses = [adversary.train_step(batch, made) for _ in range(30)]
    assert losses[-1] < losses[0] - 0.1
    true = batch.light * batch.known
    better = adversary.score(batch, true) - adversary.score(batch, made)
    assert better.mean().item() > 0.1


def test_the_network_is_told_the_scores_of_its_adversary(pool: PicturePool, tmp_path: Path) -> None:
    torch.manual_seed(2)
    batch, gains = Batch.of(pool, torch.arange(2)), []
    for share in (0.0, 1.0):
        torch.manual_seed(3)
        training, adversary = RefinementTraining(tmp_path), AdversaryTraining(tmp_path)
        training.train_step(batch, 1e-3, adversary, share)
        gains.append(training.network.light.weight.grad)
    assert gains[0] is not None
    assert gains[1] is not None
    assert not torch.equal(gains[0], gains[1])


def test_a_run_goes_on(pool: PicturePool, tmp_path: Path) -> None:
    told: list[dict[str, float | str]] = []
    run = PoolRun(folder=tmp_path, open_families=list, length_s=0.3, drawing_s=0)
    for _ in range(2):
        run_training(RefinementTask(run, pool, pool, told.append))
    assert int(told[1]["steps"]) > int(told[0]["steps"]) >= 1
    assert len((tmp_path / LOG).read_text().splitlines()) == 2
