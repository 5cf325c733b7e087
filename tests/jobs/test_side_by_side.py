"""Frames that several processes share: the same bits, and an end that says what happened."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from reggan_plugin.cli import main
from reggan_plugin.commands.options.model import ModelOptions
from reggan_plugin.errors import RegganError
from reggan_plugin.jobs import render_job
from reggan_plugin.jobs.frame_steps import ShotExposure
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, SideBySide, run_side_by_side
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import ModelInUse
from reggan_plugin.vocabulary.expression import ExpressionMix, read_presets

from ..ended_processes import end_a_child
from ..sample_frames import contents, small_frame

HAPPY = RenderSettings(mix=ExpressionMix({"happy": 1.0}))
UNMEASURED = ShotExposure(known_ev=None, shot=(), look=lambda _: None)


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in (1001, 1002, 1003):
        small_frame(f"avatar_exr/avatar.{number}.exr", folder, 4)
    return folder


@pytest.mark.slow
def test_processes_give_the_same_bits(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", str(shot), "--face", "0=happy", "--quiet", "--out"]
    assert main([*words, str(tmp_path / "one"), "--jobs", "1"]) == 0
    monkeypatch.setattr(render_job, "_LEAST_FRAMES", 1)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 0.1, 0.1))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(render_job, "_free_bytes", lambda: 10**11)
    words.remove("--quiet")
    capsys.readouterr()
    assert main([*words, str(tmp_path / "two")]) == 0  # auto
    begun = capsys.readouterr().err.splitlines()[0]
    assert begun.endswith("on cpu in 2 processes")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert main([*words, str(tmp_path / "two"), "--resume"]) == 0


def test_a_process_that_is_ended_is_named(shot: Path, tmp_path: Path) -> None:
    plan = plan_job(str(shot), None, tmp_path / "o", "happy", Existing.REFUSE)
    run = RenderRun(transfer=None, model=None, report=print)
    results = run_side_by_side(plan, HAPPY, run, partial(os._exit, 7), 2, UNMEASURED)
    with pytest.raises(RegganError, match="ended from outside"):
        list(results)


def _wait_or_end(folder: Path) -> None:
    """In the first process, wait for good; end all others."""
    try:
        (folder / "first").mkdir()
    except FileExistsError:
        os._exit(7)
    time.sleep(600)


@pytest.mark.timeout(100)
def test_a_process_beside_one_that_is_ended_does_not_hold_up_the_end(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_job, "_LAST_FRAME_S", 0.2)
    plan = plan_job(str(shot), None, tmp_path / "o", "happy", Existing.REFUSE)
    run = RenderRun(transfer=None, model=None, report=print)
    opened = partial(_wait_or_end, tmp_path)
    of_the_caller = get_context("spawn").Process(target=time.sleep, args=(90,))
    of_the_caller.start()
    try:
        with pytest.raises(RegganError, match="ended from outside"):
            list(run_side_by_side(plan, HAPPY, run, opened, 2, UNMEASURED))  # type: ignore[arg-type]
        assert of_the_caller.is_alive()
    finally:
        of_the_caller.kill()


@pytest.mark.slow
def test_frames_of_a_process_that_is_ended_are_begun_again(
    shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1004, 1009):
        shutil.copy(shot / "avatar.1003.exr", shot / f"avatar.{number}.exr")
    words = ["render", str(shot), "-e", "happy", "--whole-image", "--out"]
    assert main([*words, str(tmp_path / "one"), "--jobs", "1"]) == 0

    def end_one() -> None:
        while not list((tmp_path / "two").glob("*.exr")):
            time.sleep(0.01)
        end_a_child()

    ending = threading.Thread(target=end_one)
    ending.start()
    capsys.readouterr()
    assert main([*words, str(tmp_path / "two"), "--jobs", "2"]) == 0
    ending.join()
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    said = capsys.readouterr().err
    assert said.count("Its frames were begun again") == 1
    assert "8 written" in said


def test_nothing_is_begun_after_a_stop(shot: Path, tmp_path: Path) -> None:
    plan = plan_job(str(shot), None, tmp_path / "o", "happy", Existing.REFUSE)
    run = RenderRun(transfer=None, model=None, report=print, stopped=lambda: True)
    results = run_side_by_side(plan, HAPPY, run, partial(os._exit, 7), 2, UNMEASURED)
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
from reggan_plugin.jobs.render_job import _end_with_parent

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


def machine(
    monkeypatch: pytest.MonkeyPatch, *, cores: int, load: float, free: float = 1e12
) -> Callable[[int], int]:
    """Make the machine look so; return what `--jobs auto` takes there for so many frames."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0), raising=False)
    monkeypatch.setattr(render_job, "_free_bytes", lambda: int(free))
    return SideBySide(processes=None, open_transfer=print).count_for  # type: ignore[arg-type]


def test_auto_takes_a_process_for_each_idle_core(monkeypatch: pytest.MonkeyPatch) -> None:
    count = machine(monkeypatch, cores=8, load=0.2)
    assert [count(frames) for frames in (1, 15, 16, 31, 1000)] == [1, 1, 2, 3, 8]
    assert machine(monkeypatch, cores=8, load=5.1)(1000) == 3
    assert machine(monkeypatch, cores=2, load=0.9)(1000) == 1
    assert machine(monkeypatch, cores=2, load=7.0)(1000) == 1
    assert machine(monkeypatch, cores=8, load=0.2, free=7e9)(1000) == 2
    assert machine(monkeypatch, cores=8, load=0.2, free=1e9)(1000) == 1
    monkeypatch.delattr(os, "getloadavg")
    assert render_job.idle_cores() == 1  # nobody tells


def test_auto_keeps_to_its_control_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's share of cores and memory is less than the machine has."""
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    (tmp_path / "memory.max").write_text("8000000000\n")
    (tmp_path / "memory.current").write_text("1000000000\n")
    monkeypatch.setattr(render_job, "_CGROUP", tmp_path)
    (tmp_path / "own").write_text("0::/\n")
    monkeypatch.setattr(render_job, "_OWN_GROUP", tmp_path / "own")
    free = render_job._free_bytes()
    assert free <= 7_000_000_000
    machine(monkeypatch, cores=8, load=0.0)
    assert render_job.idle_cores() == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert render_job.idle_cores() == 8


def test_a_number_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cores=1, load=9.0)
    side = SideBySide(processes=8, open_transfer=print)  # type: ignore[arg-type]
    assert (side.count_for(3), side.count_for(100)) == (3, 8)


def test_a_gpu_is_shared_only_when_asked() -> None:
    def side(jobs: int | None, device: str) -> SideBySide | None:
        in_use = ModelInUse(name="m", version="1", sha256="", device=device, device_reason="")
        asked = ModelOptions(model=None, device="auto", batch=1, jobs=jobs)
        return asked.side_by_side(HAPPY, in_use, 100)

    assert side(None, "cpu") is not None
    assert side(None, "cuda:0") is None
    assert side(3, "cuda:0") is not None
    assert side(1, "cpu") is None
