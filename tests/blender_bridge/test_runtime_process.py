"""Processes that are started, read without waiting, stopped, and that die."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import reggan_plugin
from blender_addon.bridge import run_job
from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.find_runtime import Runtime
from blender_addon.bridge.run_job import Progress, RuntimeProcess

from ..sample_frames import small_frame

SAMPLES = Path(reggan_plugin.__file__).parent / "samples" / "avatar_png"
Pretend = Callable[[str], Runtime]


def poll_until(worker: RuntimeProcess, condition: Callable[[Progress], bool]) -> Progress:
    deadline = time.monotonic() + 60
    while not condition(progress := worker.poll()):
        assert progress.state == "running", progress
        assert time.monotonic() < deadline, progress
        time.sleep(0.01)
    return progress


def end_of(worker: RuntimeProcess) -> Progress:
    while (progress := worker.poll()).state == "running":
        time.sleep(0.01)
    return progress


def test_a_worker_says_how_far_it_is_and_hands_over_its_summary(
    pretend: Pretend, tmp_path: Path
) -> None:
    runtime = pretend(
        "import json, sys\n"
        "for done in (1, 2):\n"
        "    event = {'event': 'frame', 'done': done, 'frames': 4, 'outcome': 'written'}\n"
        "    print(json.dumps(event), file=sys.stderr)\n"
        "print(json.dumps({'event': 'notice', 'message': 'no face in 1003'}), file=sys.stderr)\n"
        "print(json.dumps({'arguments': sys.argv[1:]}))\n"
    )
    arguments = ["render", "--frames", "Ein Bild mit Leerzeichen/ünï.####.png"]
    progress = end_of(RuntimeProcess(runtime, arguments, tmp_path / "job"))
    assert (progress.state, progress.done, progress.total) == ("done", 2, 4)
    assert progress.factor == 0.5
    assert progress.notices == ("no face in 1003",)
    assert progress.summary == {"arguments": arguments}


@pytest.mark.skipif(sys.platform == "win32", reason="started so there: nothing can be asked")
def test_blender_comes_before_its_worker(pretend: Pretend, tmp_path: Path) -> None:
    worker = RuntimeProcess(pretend("import time; time.sleep(60)"), [], tmp_path / "job")
    own, others = (
        os.getpriority(os.PRIO_PROCESS, pid) for pid in (os.getpid(), worker._process.pid)
    )
    worker.kill()
    assert others > own


def test_a_line_that_is_cut_in_a_character_waits_for_its_rest(
    pretend: Pretend, tmp_path: Path
) -> None:
    runtime = pretend(
        "import os, pathlib, time\n"
        'line = \'{"event": "error", "message": "Grüße fehlen"}\\n\'.encode()\n'
        "cut = line.index('ü'.encode()) + 1\n"
        "os.write(2, line[:cut]); pathlib.Path('half').touch()\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
        "os.write(2, line[cut:]); raise SystemExit(1)\n"
    )
    worker = RuntimeProcess(runtime, [], tmp_path / "job")
    poll_until(worker, lambda _: (tmp_path / "job" / "half").exists())
    assert worker.poll().state == "running"
    (tmp_path / "job" / "go").touch()
    progress = end_of(worker)
    assert (progress.state, progress.message) == ("failed", "Grüße fehlen")


def test_output_without_end_is_read_at_its_newest(pretend: Pretend, tmp_path: Path) -> None:
    runtime = pretend(
        "import sys\n"
        "sys.stderr.write(('x' * 999 + '\\n') * 50_000)\n"
        "sys.stderr.write('y' * 3_000_000 + '\\n')\n"
        'sys.stderr.write(\'{"event": "frame", "done": 7, "frames": 9}\\n\')\n'
    )
    worker = RuntimeProcess(runtime, [], tmp_path / "job")
    while worker._process.poll() is None:
        time.sleep(0.01)
    started = time.process_time()  # of this process alone: others may have the cores
    progress = worker.poll()
    assert time.process_time() - started < 0.02
    assert (progress.state, progress.done, progress.total) == ("done", 7, 9)


def test_polling_takes_no_time(pretend: Pretend, tmp_path: Path) -> None:
    worker = RuntimeProcess(pretend("import time; time.sleep(2)"), [], tmp_path / "job")
    times = []
    for _ in range(200):
        started = time.perf_counter()
        assert worker.poll().state == "running"
        times.append(time.perf_counter() - started)
    worker.cancel()
    assert sorted(times)[100] < 0.001
    assert end_of(worker).state == "cancelled"


def test_cancelling_leaves_whole_frames_or_none(runtime: Runtime, tmp_path: Path) -> None:
    frames = tmp_path / "a shot ü"
    frames.mkdir()
    first = small_frame("avatar_png/avatar.1001.png", frames / "avatar.0001.png", 4)
    for number in range(2, 201):
        shutil.copy(first, frames / f"avatar.{number:04d}.png")
    out = tmp_path / "out"
    arguments = ["render", "--frames", str(frames), "--out", str(out), "--expression", "happy"]
    arguments += ["--face", "largest", "--range", "1-200", "--whole-image", "--json"]
    worker = RuntimeProcess(runtime, arguments, tmp_path / "job")
    poll_until(worker, lambda progress: progress.done >= 1)
    worker.cancel()
    progress = end_of(worker)
    assert progress.state == "cancelled"
    written = sorted(out.glob("*.png"))
    assert 1 <= len(written) < 200
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in written)
    assert list(out.rglob("*.reggan-tmp")) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot refuse to end")
def test_a_worker_that_does_not_listen_is_killed(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = pretend(
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path('deaf').touch(); time.sleep(60)\n"
    )
    for folder, again in (("patient", False), ("impatient", True)):
        worker = RuntimeProcess(runtime, [], tmp_path / folder)
        poll_until(worker, lambda _, path=tmp_path / folder / "deaf": path.exists())  # type: ignore[misc]
        worker.cancel()
        assert worker.poll().state == "running"
        if again:
            worker.cancel()
        else:
            monkeypatch.setattr(run_job, "GRACE_S", 0.1)
        started = time.monotonic()
        assert end_of(worker).state == "cancelled"
        assert time.monotonic() - started < 5
        monkeypatch.undo()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_worker_that_clears_away_is_given_the_time(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that makes an environment, of thousands of files."""
    program = pretend(
        "import pathlib, signal, sys, time\n"
        "def clear(*_):\n"
        "    time.sleep(1); pathlib.Path('cleared').touch(); sys.exit(130)\n"
        "signal.signal(signal.SIGTERM, clear)\n"
        "pathlib.Path('ready').touch(); time.sleep(60)\n"
    )
    monkeypatch.setattr(run_job, "GRACE_S", 0.1)
    for name, time_s in (("short", 0.0), ("long", 60.0)):
        worker = RuntimeProcess(replace(program, clears_away_s=time_s), [], tmp_path / name)
        poll_until(worker, lambda _, path=tmp_path / name / "ready": path.exists())  # type: ignore[misc]
        worker.cancel()
        assert end_of(worker).state == "cancelled"
        assert (tmp_path / name / "cleared").exists() is bool(time_s)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_worker_that_is_killed_says_what_to_do(pretend: Pretend, tmp_path: Path) -> None:
    worker = RuntimeProcess(pretend("import time; time.sleep(60)"), [], tmp_path / "job")
    os.kill(worker._process.pid, signal.SIGKILL)
    progress = end_of(worker)
    assert progress.state == "failed"
    assert "signal 9" in progress.message
    assert "Close other programs" in progress.message


def test_a_missing_model_says_what_to_do(runtime: Runtime, tmp_path: Path) -> None:
    arguments = ["render", "--frames", str(SAMPLES), "--out", str(tmp_path / "out")]
    arguments += ["--expression", "happy", "--model", "no-such-model", "--json"]
    progress = end_of(RuntimeProcess(runtime, arguments, tmp_path / "job"))
    assert progress.state == "failed"
    assert "no-such-model" in progress.message
    assert "reggan" in progress.message


def test_a_request_that_cannot_be_meant_is_named_without_the_usage(
    runtime: Runtime, tmp_path: Path
) -> None:
    progress = end_of(
        RuntimeProcess(runtime, ["render", "--expression", "merry"], tmp_path / "job")
    )
    assert progress.state == "failed"
    assert "Usage" not in progress.message
    assert "--frames" in progress.message or "merry" in progress.message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise ModuleNotFoundError(\"No module named 'reggan_plugin'\")", "Make Environment"),
        ("import no_such_package", "another version of Python"),
        ("raise ImportError('DLL load failed while importing onnxruntime')", "another version"),
        ("raise SystemExit(3)", "Run Doctor"),
        ("raise ValueError('strange')", "ValueError: strange"),
    ],
)
def test_every_end_has_a_reason(pretend: Pretend, tmp_path: Path, script: str, words: str) -> None:
    progress = end_of(RuntimeProcess(pretend(script), [], tmp_path / "job"))
    assert progress.state == "failed"
    assert words in progress.message


def test_a_python_that_cannot_run_is_named(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text("no program")
    with pytest.raises(BridgeError, match=r"could not be started.*preferences"):
        RuntimeProcess(Runtime(python=file, environment={}), [], tmp_path / "job")
