"""Several runs behind one button."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from blender_addon.bridge.find_runtime import Runtime
from blender_addon.bridge.run_job import Job, JobRequest

Pretend = Callable[[str], Runtime]
ECHO = "import json, sys; print(json.dumps({'said': sys.argv[1:]})); sys.exit('no' in sys.argv)"


def request(folder: Path, *arguments: str) -> JobRequest:
    return JobRequest(arguments=arguments, title=" ".join(arguments), folder=folder)


def test_requests_run_in_turn_and_all_results_are_kept(pretend: Pretend, tmp_path: Path) -> None:
    job = Job(pretend(ECHO), [request(tmp_path / word, word) for word in ("a", "b", "c")])
    assert job.title == "a"
    assert job.wait().summary == {"said": ["c"]}
    assert [result.summary["said"] for result in job.results] == [["a"], ["b"], ["c"]]
    assert job.poll() == job.results[-1]
    assert len(job.results) == 3


def test_the_first_failure_ends_the_job(pretend: Pretend, tmp_path: Path) -> None:
    job = Job(pretend(ECHO), [request(tmp_path / word, word) for word in ("a", "no", "c")])
    assert job.wait().state == "failed"
    assert not (tmp_path / "c").exists()


def test_progress_counts_all_requests(pretend: Pretend, tmp_path: Path) -> None:
    job = Job(pretend(ECHO), [request(tmp_path / word, word) for word in ("a", "b")])
    seen = [job.poll()]
    while seen[-1].state == "running":
        time.sleep(0.01)
        seen.append(job.poll())
    assert {progress.factor for progress in seen[:-1]} == {0, 0.5}


def test_cancelling_starts_no_other_request(pretend: Pretend, tmp_path: Path) -> None:
    runtime = pretend("import time; time.sleep(60)")
    job = Job(runtime, [request(tmp_path / word, word) for word in ("a", "b")])
    job.cancel()
    assert job.wait().state == "cancelled"
    assert not (tmp_path / "b").exists()


def test_a_request_that_ends_well_in_spite_of_it_is_still_the_last(
    pretend: Pretend, tmp_path: Path
) -> None:
    job = Job(pretend(ECHO), [request(tmp_path / word, word) for word in ("a", "b")])
    while not (tmp_path / "a" / "stdout.txt").read_bytes():
        time.sleep(0.01)
    job.cancel()
    assert job.wait().state == "cancelled"
    assert not (tmp_path / "b").exists()


def test_an_objection_ends_the_job(pretend: Pretend, tmp_path: Path) -> None:
    runtime = pretend(ECHO)
    for said in ("", "The face is elsewhere."):
        asked = replace(request(tmp_path / f"a{said}", "a"), objection=lambda said=said: said)
        end = Job(runtime, [asked, request(tmp_path / f"b{said}", "b")]).wait()
        assert (end.state, end.message) == (("failed", said) if said else ("done", ""))
        assert (tmp_path / f"b{said}").exists() == (not said)


def test_an_optional_request_may_fail(pretend: Pretend, tmp_path: Path) -> None:
    """The second opinion on a rig's face: its runtime need not even be installed."""
    runtime = pretend(ECHO)
    broken = replace(runtime, program=("-c", "import sys; sys.exit(1)"))
    said: list[str] = []
    optional = replace(request(tmp_path / "b"), runtime=broken, if_failed=said.append)
    job = Job(runtime, [request(tmp_path / "a", "a"), optional])
    assert job.wait().state == "done"
    assert [result.state for result in job.results] == ["done", "done"]
    assert "ended with code 1" in said[0]
