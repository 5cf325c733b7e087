"""A training goes on, or ends and says why, whatever becomes of the processes that draw pairs."""

import logging
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from reggan_plugin.errors import StalledError
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.pool import PairPool, PoolSettings
from reggan_training.pairs.producer import Rows
from reggan_training.pairs.sitting import draw_face_sitting

from ...ended_processes import end_a_child

_ONE_SITTING_A_STEP = PoolSettings(sittings=2, pairs=2, first=1, reuse=1.0)


def folders(folder: Path) -> list[Path]:
    return [folder]


def draw_numbers(folder: Path, seed: Sequence[int], pairs: int) -> Rows:
    """The number of the sitting and the threads it was drawn with; leaves a file of the number."""
    if len(seed) == 3:  # not the sample that the trainer draws
        (folder / str(seed[-1])).touch()
    values = {"number": seed[-1], "threads": int(os.environ.get("OPENBLAS_NUM_THREADS", "0"))}
    return {name: torch.full((pairs,), value) for name, value in values.items()}


def wait_for_sitting(folder: Path, number: int) -> None:
    """Wait until the sitting before this one is complete."""
    latest = time.monotonic() + 60
    while not (folder / str(number)).exists():
        assert time.monotonic() < latest, "no sitting was drawn"
        time.sleep(0.02)


def test_a_process_that_is_killed_is_replaced_and_one_that_fails_ends_the_training(
    flat_head_set: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heads = shutil.copytree(flat_head_set, tmp_path / "heads")
    draw = partial(draw_face_sitting, side_px=32)
    pool = PairPool(partial(training_files, heads), draw, _ONE_SITTING_A_STEP, batch=2)
    end_a_child()
    with caplog.at_level(logging.WARNING):
        assert len(pool.draw(4)["source"]) == 2
    assert "was ended; another takes its place" in caplog.text
    shutil.rmtree(heads)
    with pytest.raises(StalledError, match="failed; its message stands above") as raised:
        pool.draw(8)
    assert "memory" not in str(raised.value)
    pool.close()


def test_slots_being_written_are_not_drawn_from_and_processes_multiply_in_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    settings = PoolSettings(sittings=16, pairs=1, first=1, reuse=1.0)
    pool = PairPool(partial(folders, tmp_path), draw_numbers, settings, batch=512)
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    step = 1
    rows = pool.draw(step)
    assert rows["threads"].unique().tolist() == [1]
    wait_for_sitting(tmp_path, 512 + 1)  # written while pairs of sitting 511 are drawn
    time.sleep(0.05)
    again = pool.draw(step)
    assert set(again["number"].tolist()) == set(range(512 + 2 - 16, 512))
    assert torch.equal(again["number"], rows["number"])
    pool.close()


def test_processes_that_hang_are_replaced_and_then_given_up(tmp_path: Path) -> None:
    settings = replace(_ONE_SITTING_A_STEP, timeout_s=0.3)  # starting another takes longer
    pool = PairPool(partial(folders, tmp_path), draw_numbers, settings, batch=2)
    wait_for_sitting(tmp_path, 1)
    end_a_child(signal.SIGSTOP)
    assert len(pool.draw(0)["number"]) == 2
    with pytest.raises(StalledError, match=r"within 0\.3 s, 4 times in a row"):
        pool.draw(8)
    pool.close()
    assert not multiprocessing.active_children()
