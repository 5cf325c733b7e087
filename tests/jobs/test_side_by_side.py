"""Frames that several processes share: the same bits, and an end that says what happened."""

import os
import pickle
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from reggan_plugin.cli import main
from reggan_plugin.errors import RegganError
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.side_by_side import SideBySide, run_side_by_side
from reggan_plugin.vocabulary.expression_mix import ExpressionMix
from reggan_plugin.vocabulary.presets import read_presets

from ..sample_frames import contents, small_frame

HAPPY = RenderSettings(mix=ExpressionMix({"happy": 1.0}))


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in (1001, 1002, 1003):
        small_frame(f"avatar_exr/avatar.{number}.exr", folder)
    return folder


@pytest.mark.slow
def test_processes_give_the_same_bits(shot: Path, tmp_path: Path) -> None:
    words = ["render", str(shot), "--face", "0=happy", "--quiet", "--out"]
    assert main([*words, str(tmp_path / "one")]) == 0
    assert main([*words, str(tmp_path / "two"), "--jobs", "2"]) == 0
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert main([*words, str(tmp_path / "two"), "--resume"]) == 0


def test_a_process_that_is_ended_is_named(shot: Path, tmp_path: Path) -> None:
    plan = plan_job(str(shot), None, tmp_path / "o", "happy", Existing.REFUSE)
    side = SideBySide(processes=2, open_transfer=partial(os._exit, 7))  # type: ignore[arg-type]
    results = run_side_by_side(plan, HAPPY, None, side, stall_s=9.0, stopped=lambda: False)
    with pytest.raises(RegganError, match="ended from outside"):
        list(results)


def test_nothing_is_begun_after_a_stop(shot: Path, tmp_path: Path) -> None:
    plan = plan_job(str(shot), None, tmp_path / "o", "happy", Existing.REFUSE)
    side = SideBySide(processes=2, open_transfer=partial(os._exit, 7))  # type: ignore[arg-type]
    results = run_side_by_side(plan, HAPPY, None, side, stall_s=9.0, stopped=lambda: True)
    assert list(results) == []


def test_a_request_goes_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[tense]\nbrowDown = 0.5\n")
    (tmp_path / "c.csv").write_text("1,happy,0\n9,happy,1\n")
    own = read_presets(tmp_path / "own.toml")
    mix = ExpressionMix({"tense": 1.0}, own=own, by_face={1: ExpressionMix({"sad": 0.5})})
    settings = RenderSettings(mix=mix, curve=read_curve(tmp_path / "c.csv"))
    sent = pickle.loads(pickle.dumps(settings))
    assert sent.mix.document() == mix.document()
    assert sent.curve.mix_at(5).intensities == {"happy": 0.5}


KILLED = """
import os, signal, sys
from multiprocessing import get_context
from reggan_plugin.jobs.side_by_side import _end_with_parent

if __name__ == "__main__":
    child = get_context("spawn").Process(target=_end_with_parent)
    child.start()
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_processes_end_with_the_one_that_was_killed(tmp_path: Path) -> None:
    """They hold its pipe to us, which ends when they do."""
    (tmp_path / "killed.py").write_text(KILLED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "killed.py")], stdout=subprocess.PIPE, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout) > 0


def test_few_frames_get_few_processes() -> None:
    def count(processes: int | None, frames: int) -> int:
        return SideBySide(processes=processes, open_transfer=print).count_for(frames)  # type: ignore[arg-type]

    assert count(8, 3) == 3
    assert count(None, 7) == 1
    assert 1 <= count(None, 10**6) <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        own = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(own)})
            assert count(None, 10**6) == 1
        finally:
            os.sched_setaffinity(0, own)
