"""The networks' training, on a pool of eight pictures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from reggan_plugin.errors import SourceError
from reggan_plugin.models.model_card import weights_folder
from reggan_training.commands.train_rig import train_landmarks as command
from reggan_training.landmarks.crops import PartCrops, draw_crops, draw_front_crops
from reggan_training.landmarks.front_network import SHOWN
from reggan_training.landmarks.part_networks import POINTS_OF, PartNetwork
from reggan_training.landmarks.picture_pool import PicturePool, PoolRun, arrays_of
from reggan_training.landmarks.training import (
    LOG,
    SHARES,
    FrontTraining,
    Measurement,
    PartTraining,
    landmark_loss,
    train_landmarks,
)
from reggan_training.weights_from_onnx import exported_weights, load_exported

from ...shared_data import SHARED_DATA

WritePools = Callable[[Path], None]


@pytest.fixture
def pool(tiny_pools: WritePools, tmp_path: Path) -> PicturePool:
    tiny_pools(tmp_path)
    pool = PicturePool(tmp_path / "pool", arrays_of(SHARES))
    pool.refresh()
    return pool


def test_a_pool_reads_each_shard_once_and_finds_rows_in_all(
    pool: PicturePool, tmp_path: Path
) -> None:
    shard = tmp_path / "pool/0-00000.npz"
    (tmp_path / "pool/1-00000.npz").write_bytes(shard.read_bytes())
    pool.refresh()
    pool.refresh()
    assert pool.count == 16
    points = np.load(shard)["points"]
    np.testing.assert_array_equal(pool.rows("points", torch.tensor([9, 0])), points[[1, 0]])


@pytest.mark.parametrize("kind", POINTS_OF)
def test_places_are_where_the_crop_shows_the_landmarks(pool: PicturePool, kind: str) -> None:
    """Squares of a landmark's own colour lie around its place, also in the mirror."""
    random = torch.Generator().manual_seed(1)
    crops = draw_crops(pool, torch.arange(8), kind, random, augments=False)
    side = crops.picture.shape[-1]
    at = ((crops.places + 0.5) * side).long()
    inside = ((at >= 0) & (at < side)).all(-1)
    assert inside.float().mean() > 0.9
    batch = torch.arange(8)[:, None].expand_as(inside)[inside]
    colours = crops.picture[batch, :, at[inside][:, 1], at[inside][:, 0]]
    assert ((colours - 128 / 255).abs().sum(1) > 0.1).float().mean() > 0.8


def test_a_likelihood_is_least_where_the_deviation_is_the_error() -> None:
    places = torch.zeros(1, 4, 2)
    truth = PartCrops(picture=torch.zeros(1, 3, 8, 8), places=places + 0.1)
    sigmas = torch.linspace(-4, 0, 41)
    losses = [landmark_loss((places, torch.full((1, 4), s)), truth, plain=False) for s in sigmas]
    best = float(sigmas[int(torch.stack(losses).argmin())])
    assert np.exp(best) == pytest.approx(0.1, rel=0.06)


def test_training_lowers_the_loss(pool: PicturePool, tmp_path: Path) -> None:
    torch.manual_seed(1)
    one = PartTraining("brow", tmp_path)
    random = torch.Generator().manual_seed(1)
    one.train_steps(pool, 1, random, 1.5e-3)
    first = one.loss
    one.train_steps(pool, 15, random, 1.5e-3)
    assert one.loss < 0.8 * first


def test_what_lies_in_front_is_told_of_the_pixels_that_show_it(pool: PicturePool) -> None:
    """Of red pixels it says spectacles, in the mirror too, and shares add up to one."""
    random = torch.Generator().manual_seed(1)
    crops = draw_front_crops(pool, torch.arange(8), random, augments=False)
    torch.testing.assert_close(crops.shares.sum(1), torch.ones(8, 128, 128))
    spectacles = crops.shares[:, SHOWN.index("spectacles")]
    red = crops.picture[:, 0] - crops.picture[:, 1] - crops.picture[:, 2] > 0.5
    assert spectacles[red].mean() > 0.8
    assert spectacles[~red].mean() < 0.05
    crops = draw_front_crops(pool, torch.arange(8).repeat(8), random)
    torch.testing.assert_close(crops.shares.sum(1), torch.ones(64, 128, 128))
    hidden = crops.shares[:, SHOWN.index("front")]
    assert set(hidden.unique().tolist()) == {0.0, 1.0}  # what augmentation lays over them


def test_training_finds_what_lies_in_front(pool: PicturePool, tmp_path: Path) -> None:
    torch.manual_seed(1)
    one = FrontTraining(PartNetwork("face"), tmp_path)
    random = torch.Generator().manual_seed(1)
    one.train_steps(pool, 1, random, 2e-2)
    first = one.loss
    one.train_steps(pool, 15, random, 2e-2)
    assert one.loss < 0.8 * first
    assert set(one.measured(pool)) == {"loss", *SHOWN}


def test_a_checkpoint_goes_on_with_as_many_steps_and_the_same_weights(
    pool: PicturePool, tmp_path: Path
) -> None:
    one = PartTraining("brow", tmp_path)
    one.train_steps(pool, 2, torch.Generator().manual_seed(1), 1e-3)
    one.save()
    again = PartTraining("brow", tmp_path)
    assert (again.steps, again.seconds) == (2, one.seconds)
    for name, value in one.ema.state_dict().items():
        torch.testing.assert_close(again.ema.state_dict()[name], value)


def test_a_run_goes_on_and_logs_every_measurement(tiny_pools: WritePools, tmp_path: Path) -> None:
    tiny_pools(tmp_path)
    told: list[Measurement] = []
    run = PoolRun(
        folder=tmp_path, open_families=list, length_s=0.1, drawing_s=0, first=8, test_pictures=8
    )
    train_landmarks(run, told.append)
    train_landmarks(run, told.append)
    logged = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert logged == told
    assert [one["kind"] for one in logged] == 2 * [*SHARES]
    crops = [sum(one["crops"] for one in half) for half in (logged[:5], logged[5:])]
    assert 0 < crops[0] < crops[1]


def test_a_run_begins_with_exported_weights_and_trains_some(
    tiny_pools: WritePools, tmp_path: Path
) -> None:
    """The network that is not trained answers as its file does, the other one goes on from it."""
    pytest.importorskip("onnx")
    tiny_pools(tmp_path)
    shipped = weights_folder() / "reggan.onnx"
    run = PoolRun(
        folder=tmp_path,
        open_families=list,
        length_s=0.1,
        drawing_s=0,
        first=8,
        test_pictures=8,
        init_from=shipped,
        only=("brow",),
    )
    told: list[Measurement] = []
    train_landmarks(run, told.append)
    assert [one["kind"] for one in told] == ["brow"]
    trained, kept = (PartTraining(kind, tmp_path) for kind in ("brow", "mouth"))
    assert trained.steps > kept.steps > 0
    exported = PartNetwork("mouth")
    load_exported(exported, exported_weights(shipped, "networks.mouth."))
    picture = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        answers = [network.eval()(picture)[0] for network in (kept.ema, exported)]
    torch.testing.assert_close(*answers, atol=2e-3, rtol=0)


def test_a_run_without_pictures_says_so(tmp_path: Path) -> None:
    run = PoolRun(folder=tmp_path, open_families=list, length_s=1, drawing_s=0)
    with pytest.raises(SourceError, match="holds 0 pictures to train on and 0 of held-out heads"):
        train_landmarks(run, lambda _: None)


def test_the_command_needs_the_family_of_the_mean_head(tmp_path: Path) -> None:
    (tmp_path / "valid").mkdir()
    options = ["--valid", str(tmp_path / "valid"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 2
    assert "add --ict" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not (SHARED_DATA / "heads/ict").is_dir(), reason="no ICT FaceKit")
def test_the_command_goes_on_with_a_run(tiny_pools: WritePools, tmp_path: Path) -> None:
    tiny_pools(tmp_path)
    ict = SHARED_DATA / "heads/ict/ict_face_model_light.npz"
    options = ["--ict", str(ict), "--out", str(tmp_path)]
    options += ["--minutes", "0.001", "--draw-minutes", "0"]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path)
    assert [line.split()[0] for line in result.stderr.splitlines()] == [*SHARES]
    assert all((tmp_path / f"{kind}.pt").exists() for kind in SHARES)
