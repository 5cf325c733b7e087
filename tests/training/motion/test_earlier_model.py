"""A run that begins with an exported model's weights."""

from pathlib import Path

import pytest
import torch
from torch import nn

from reggan_plugin.errors import ModelError, RegganError, SourceError, UnknownModelError, UsageError
from reggan_plugin.models.shipped_models import installed_models
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.motion.earlier_model import EarlierModel, _grown, _grows_into
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.surface_regression import SURFACE_CELLS, SURFACE_SIDE, SURFACE_TOP
from reggan_training.motion.whole_run import WholeRun, train_whole


def test_a_layer_that_sees_more_gives_the_new_no_weight() -> None:
    old, new = nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)
    assert _grows_into(old.weight, new.weight)
    grown = _grown(old.weight, new.weight)
    assert grown[:, :3].equal(old.weight)
    assert grown[:, 3:].abs().max() == 0
    assert not _grows_into(new.weight, old.weight)
    assert not _grows_into(old.weight, nn.Conv2d(5, 6, 3).weight)


def test_the_shipped_model_is_a_start() -> None:
    torch.manual_seed(0)
    network = MotionRegGAN(width=WholeRun.width)
    before = network.motion_eighth.weight.clone()
    EarlierModel(installed_models()["motion"]).start(network, "network")
    assert not network.motion_eighth.weight.equal(before)


def test_the_shipped_model_by_name_tells_how_places_move() -> None:
    """An open jaw takes the chin down and leaves the brows, in eye distances."""
    earlier = EarlierModel("motion")
    jaw = earlier.table("network.regression.surface")[ARKIT_SHAPES.index("jawOpen")]  # type: ignore[index]
    row = [int((SURFACE_TOP - y) / SURFACE_SIDE * SURFACE_CELLS) for y in (0.3, -1.6)]
    brow, chin = (jaw[1, k, SURFACE_CELLS // 2] for k in row)
    assert -0.8 < chin < -0.2
    assert abs(brow) < 0.03
    assert earlier.table("network.regression.light.change").shape[1] == 4  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [0, 2])
def test_sizes_of_steps_that_cannot_be_told_are_an_error(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = EarlierModel(None)
    sizes = {f"val_{k}": torch.ones(1, 5, 3) for k in range(count)}
    monkeypatch.setattr(earlier, "_tensors", {"surface.steps": torch.ones(5, 3, 4, 4), **sizes})
    with pytest.raises(ModelError, match=rf"{count} constants of the shape \(1, 5, 3\)"):
        earlier.table("surface")


@pytest.mark.parametrize(("start", "error"), [("regan", UnknownModelError), (None, SourceError)])
def test_a_run_that_cannot_begin_leaves_no_folder(
    start: str | None, error: type[RegganError], tmp_path: Path
) -> None:
    settings = WholeRun(heads=tmp_path, start_from=start)
    with pytest.raises(error):
        train_whole(settings, tmp_path / "run", lambda *_: None)
    assert not (tmp_path / "run").exists()


def test_a_clean_start_gives_nothing() -> None:
    network = MotionRegGAN(width=8)
    before = network.state_dict()
    earlier = EarlierModel(None)
    earlier.start(network, "network")
    assert not earlier.give(network.regression, "network.regression", ("delta",))
    assert earlier.table("network.regression.surface") is None
    assert all(before[name].equal(value) for name, value in network.state_dict().items())


def test_a_model_of_named_expressions_is_refused() -> None:
    sargan: Path = installed_models()["sargan"]
    with pytest.raises(UsageError, match="contract 1"):
        EarlierModel(sargan)
