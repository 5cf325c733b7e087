"""A training goes on, or ends and says why, whatever becomes of the processes that draw pairs."""

import logging
import multiprocessing
import shutil
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from reggan_plugin.errors import StalledError
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.pool import PairPool, PoolSettings
from reggan_training.pairs.sitting import draw_face_sitting

from ...ended_processes import end_a_child

_ONE_SITTING_A_STEP = PoolSettings(sittings=2, pairs=2, first=1, reuse=1.0)


def pool_of(heads: Path, settings: PoolSettings) -> PairPool:
    draw = partial(draw_face_sitting, side_px=32)
    return PairPool(partial(training_files, heads), draw, settings, batch=2)


def test_a_process_that_is_killed_is_replaced_and_one_that_fails_ends_the_training(
    flat_head_set: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heads = shutil.copytree(flat_head_set, tmp_path / "heads")
    pool = pool_of(heads, _ONE_SITTING_A_STEP)
    end_a_child()
    with caplog.at_level(logging.WARNING):
        assert len(pool.draw(4)["source"]) == 2
    assert "was ended; another takes its place" in caplog.text
    shutil.rmtree(heads)
    with pytest.raises(StalledError, match="was ended; see its message"):
        pool.draw(8)
    pool.close()


def test_processes_that_hang_are_replaced_and_then_given_up(flat_head_set: Path) -> None:
    pool = pool_of(flat_head_set, replace(_ONE_SITTING_A_STEP, timeout_s=0.01))
    end_a_child(signal.SIGSTOP)
    with pytest.raises(StalledError, match=r"within 0\.01 s, 4 times in a row"):
        pool.draw(0)
    pool.close()
    assert not multiprocessing.active_children()
