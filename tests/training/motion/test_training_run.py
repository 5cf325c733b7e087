"""A run learns, is the same from the same seed, and goes on as if it had never stopped."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from reggan_export.commands.export_onnx import onnx
from reggan_plugin.errors import (
    DeviceUnavailableError,
    OutputExistsError,
    UnknownExpressionError,
)
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.commands import train_motion as commands
from reggan_training.commands.train_motion import train_motion
from reggan_training.motion import whole_run
from reggan_training.motion.earlier_model import EarlierModel
from reggan_training.motion.motion_task import motion_run, trained_motion_network
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.surface_reader import SurfaceReader
from reggan_training.motion.training_run import RunSettings, read_checkpoint
from reggan_training.motion.whole_run import WholeRun
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.pool import PairPool, PoolSettings
from reggan_training.pairs.sitting import draw_face_sitting

SIDE = 128
_POOL = PoolSettings(sittings=3, pairs=4, first=3, reuse=1e6)


def pool_of(heads: Path) -> PairPool:
    draw = partial(draw_face_sitting, side_px=SIDE)
    return PairPool(partial(training_files, heads), draw, _POOL, batch=4)


def run_of(folder: Path, steps: int, length: int) -> tuple[list[dict[str, float]], MotionRegGAN]:
    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    network = MotionRegGAN(width=16, side_px=SIDE)
    settings = RunSettings(length_kimg=4 * length / 1000, batch=4, report_steps=steps)
    return motion_run(network, settings, folder), network


def test_a_run_by_the_clock_ends_by_it_and_its_rate_falls_with_time() -> None:
    settings = RunSettings(length_s=60.0, learning_rate=1.0)
    assert settings.done_at(1_000_000, 30.0) == 0.5
    rates = [settings.rate_at(10_000, settings.done_at(10_000, s)) for s in (0.0, 30.0, 59.0)]
    assert rates[0] == 1.0
    assert rates[0] > rates[1] > rates[2] > 0
    assert RunSettings(length_kimg=1.6).done_at(50, 1e9) == 0.5
    assert RunSettings(length_kimg=0.016, batch=128).done_at(1, 0.0) == 1  # one step at least


def test_a_run_by_the_clock_keeps_its_last_step(flat_head_set: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    (tmp_path / "run").mkdir()
    pool = pool_of(flat_head_set)
    settings = RunSettings(length_s=0.01, batch=4, report_steps=1000)
    run = motion_run(MotionRegGAN(width=16, side_px=SIDE), settings, tmp_path / "run")
    (means,) = run.run(pool)
    pool.close()
    assert run.step == 1
    assert means["kimg"] == 0.004
    assert read_checkpoint(tmp_path / "run").shown == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(flat_head_set: Path, tmp_path: Path) -> None:
    arguments = ["--heads", str(flat_head_set), "--out", str(tmp_path / "run"), "--device", "cuda"]
    with pytest.raises(DeviceUnavailableError, match="no CUDA device"):
        CliRunner().invoke(train_motion, arguments, catch_exceptions=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_resumed_run_is_an_uninterrupted_one(flat_head_set: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    pool = pool_of(flat_head_set)
    whole, _ = run_of(tmp_path / "whole", 2, 4)
    assert len(list(whole.run(pool))) == 2
    first, _ = run_of(tmp_path / "parts", 2, 4)
    next(iter(first.run(pool)))
    second, _ = run_of(tmp_path / "parts", 2, 4)
    assert second.step == 2
    assert len(list(second.run(pool))) == 1
    pool.close()
    surface = SurfaceReader()
    one = trained_motion_network(tmp_path / "whole", surface).state_dict()
    other = trained_motion_network(tmp_path / "parts", surface).state_dict()
    assert all(one[name].equal(other[name]) for name in one)


def refuses_what_no_head_has(transfer: ExpressionTransfer, heads: Path, told: str) -> None:
    shapes = {name for path in heads.glob("*/*.npz") for name in read_head(path).controls}
    assert set(transfer.card.controls) == {*shapes, "neutral"} < set(CONTROLS)
    missing = min(set(CONTROLS) - set(transfer.card.controls))
    assert missing in told
    with pytest.raises(UnknownExpressionError, match=f"cannot show '{missing}'"):
        transfer.card.vector_of(ExpressionMix({missing: 0.5}))


# PyTorch's exporter warns of its own internals.
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*The axis name.*:UserWarning")
@pytest.mark.slow
def test_one_command_trains_all_stages(
    flat_head_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pool in ("_READER_POOL", "_MOTION_POOL", "_MOUTH_POOL"):  # one sitting, not thousands
        monkeypatch.setattr(whole_run, pool, replace(_POOL, sittings=1, first=1))
    four = RunSettings(batch=4)
    small = partial(
        WholeRun, width=8, painter_width=8, reader=four, motion=four, mouth=four, adversary=four
    )
    monkeypatch.setattr(commands, "WholeRun", small)
    arguments = ["--heads", str(flat_head_set), "--out", str(tmp_path / "run"), "--threads", "1"]
    for option in ("--kimg", "--mouth-kimg", "--reader-kimg", "--adversary-kimg"):
        arguments += [option, "0.004"]
    result = CliRunner().invoke(train_motion, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "reader  " in result.output
    assert "motion  " in result.output
    assert "mouth  " in result.output
    assert "adversary  " in result.output
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert len(record["identities"]) == 3
    assert record["sessions"][0]["commit"]
    exported = tmp_path / "mine.onnx"
    result = CliRunner().invoke(
        onnx, [str(tmp_path / "run"), "--out", str(exported)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert exported.stat().st_size < 20e6
    transfer = ExpressionTransfer(exported, device="cpu")
    assert transfer.card.contract == 2
    assert transfer.card.painters.keys() == {"mouth"}
    assert transfer.card.training["identities"] == 3
    assert transfer.card.training["images_seen"] == 4
    refuses_what_no_head_has(transfer, flat_head_set, result.output)
    # what was exported is what another run can begin with
    again = MotionRegGAN(width=8)
    EarlierModel(exported).start(again, "network")
    mine = trained_motion_network(tmp_path / "run/motion", again.surface)
    assert (again.motion_eighth.weight - mine.motion_eighth.weight).abs().max() < 1e-3


def test_a_run_does_not_go_on_with_other_parts_left_out(
    flat_head_set: Path, tmp_path: Path
) -> None:
    nothing = WholeRun(heads=flat_head_set, stages=())
    train = partial(whole_run.train_whole, folder=tmp_path, report=print)
    for _ in range(2):
        train(nothing)
    with pytest.raises(OutputExistsError, match="leaves out nothing, and this one leaves out hint"):
        train(replace(nothing, ablated=("hint",)))
    with pytest.raises(OutputExistsError, match=r"leaves out valid\. Leave out"):
        train(replace(nothing, without=("valid",)))
    assert len(json.loads((tmp_path / "run.json").read_text())["sessions"]) == 2
