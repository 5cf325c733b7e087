"""Two jobs never write the same file; chunks of a farm share a folder; killed jobs hold nothing."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reggan_plugin.cli import main
from reggan_plugin.errors import OutputError
from reggan_plugin.jobs.change_layers import LayerFiles
from reggan_plugin.jobs.plan import Existing, JobPlan, plan_job
from reggan_plugin.jobs.several_renders import held_outputs

from ..sample_frames import small_frame

HOLD = """
import sys
from pathlib import Path
from reggan_plugin.jobs.several_renders import held_outputs
from reggan_plugin.jobs.plan import Existing, plan_job
with held_outputs(plan_job(sys.argv[1], None, Path(sys.argv[2]), "happy", Existing.RESUME)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    folder = tmp_path / "shot"
    folder.mkdir()
    first = small_frame("avatar_png/avatar.1001.png", folder / "a.1001.png")
    for number in (1002, 1003, 1004):
        shutil.copy(first, folder / f"a.{number}.png")
    return folder


def planned(shot: Path, out: Path, part: str | None = None) -> JobPlan:
    return plan_job(str(shot), part, out, "happy", Existing.RESUME)


def notes(out: Path) -> list[Path]:
    return list((out / ".reggan").glob("*.running"))


def test_another_process_that_writes_the_same_files_is_named(
    shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-c", HOLD, str(shot), str(out)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        render = ["render", str(shot), "-e", "happy", "-i", "0", "--out", str(out), "--resume"]
        assert main(render) == 1
        said = capsys.readouterr().err
        assert "another job is writing 4 files of these, such as a.1001.png" in said
        assert f"process {other.pid} on " in said
        assert "write into another folder" in said
        assert not list(out.glob("*.png"))
        other.kill()
        other.wait()
        assert len(notes(out)) == 1, "it could not take it away"
    assert main(render) == 0
    assert len(list(out.glob("*.png"))) == 4
    assert not notes(out)


def test_chunks_of_a_farm_share_a_folder(shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with held_outputs(planned(shot, out, "1001-1002")):
        with held_outputs(planned(shot, out, "1003-1004")):
            assert len(notes(out)) == 2
        with pytest.raises(OutputError, match=r"1 file of these, such as a\.1002\.png"):
            held_outputs(planned(shot, out, "1002-1003")).__enter__()
        assert len(notes(out)) == 1
    assert not notes(out)


def test_jobs_of_two_folders_never_write_the_same_layers(shot: Path, tmp_path: Path) -> None:
    layers = LayerFiles(folder=tmp_path / "layers", layers=("stmap",))
    one, other = (
        plan_job(str(shot), None, tmp_path / out, "happy", Existing.OVERWRITE, layer_files=layers)
        for out in ("out", "other")
    )
    with held_outputs(one):
        with pytest.raises(OutputError, match=r"stmap: another job is writing 4 files of these"):
            held_outputs(other).__enter__()
        assert not notes(tmp_path / "other")
    assert not list((tmp_path / "layers" / "stmap").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="where a process says that it is dead")
def test_a_killed_job_holds_nothing_though_its_parent_does_not_know(
    shot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-c", HOLD, str(shot), str(out)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        with held_outputs(planned(shot, out)):
            assert len(notes(out)) == 1


@pytest.mark.parametrize(
    ("age_s", "holds"), [(60, True), (600, False)], ids=["fresh", "not touched for long"]
)
def test_a_job_of_another_machine_holds_while_it_touches_its_note(
    shot: Path, tmp_path: Path, age_s: int, holds: bool
) -> None:
    out = tmp_path / "out"
    (out / ".reggan").mkdir(parents=True)
    note = out / ".reggan" / "node7-1-ab.running"
    files = ["a.1001.png"]
    note.write_text(
        json.dumps({"host": "node7\x1b[2J", "pid": 1, "since": time.time() - 900, "files": files})
    )
    then = time.time() - age_s
    os.utime(note, (then, then))
    (out / ".reggan" / "broken.running").write_text("{")
    if holds:
        with pytest.raises(OutputError, match=r"process 1 on node7--2J, since"):
            held_outputs(planned(shot, out)).__enter__()
    else:
        with held_outputs(planned(shot, out)):
            pass
        assert not note.exists()


def test_a_clock_that_is_late_lets_nobody_past_a_job_that_has_settled(
    shot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / ".reggan").mkdir(parents=True)
    ahead = {"host": "x", "pid": 1, "since": time.time() + 60, "files": ["a.1001.png"]}
    note = out / ".reggan" / "x-1-ab.running"
    for settled in ({}, {"settled": True}):  # as earlier versions wrote it, and as this one
        note.write_text(json.dumps({**ahead, **settled}))
        with pytest.raises(OutputError, match="another job is writing 1 file"):
            held_outputs(planned(shot, out)).__enter__()
    note.write_text(json.dumps({**ahead, "settled": False}))
    threading.Timer(0.3, note.unlink).start()  # it sees this job's note, and yields
    with held_outputs(planned(shot, out)):
        assert not note.exists()


@pytest.mark.timeout(60)
def test_of_many_that_begin_at_once_one_goes_on_whatever_their_clocks(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, count = planned(shot, tmp_path / "out"), 6
    clocks = iter([50.0, -50.0, 0.0, 7.0, -7.0, 0.0] * 5)
    here = time.time
    monkeypatch.setattr(time, "time", lambda: here() + next(clocks, 0.0))
    for _ in range(3):
        begins, ends = threading.Barrier(count), threading.Barrier(count)

        def job(begins: threading.Barrier = begins, ends: threading.Barrier = ends) -> bool:
            begins.wait()
            try:
                with held_outputs(plan):
                    ends.wait()
                    return True
            except OutputError:
                ends.wait()
                return False

        with ThreadPoolExecutor(count) as pool:
            assert sum(pool.map(lambda _: job(), range(count))) == 1
