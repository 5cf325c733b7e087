"""A warm process is asked as sliders move, and never waited for."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blender_addon.bridge.find_runtime import Runtime
from blender_addon.bridge.live_worker import LiveWorker

_ANSWERS = """
import json, pathlib, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    while asked.get("waits") and not pathlib.Path("go").exists():
        time.sleep(0.01)
    print(json.dumps({"id": asked["id"]}), flush=True)
"""


@pytest.fixture
def worker(pretend: Callable[[str], Runtime], tmp_path: Path) -> Iterator[LiveWorker]:
    """Answers each line, those that wait once there is a file `go`."""
    worker = LiveWorker(pretend(_ANSWERS), (), tmp_path)
    yield worker
    worker.close()


def answered(worker: LiveWorker) -> list[int]:
    """Numbers of all answers until nothing is waited for."""
    numbers, end = [], time.monotonic() + 60
    while not worker.is_done:
        assert time.monotonic() < end
        numbers += [answer["id"] for answer in worker.poll()]
        time.sleep(0.01)
    return numbers


def test_a_starting_process_is_asked_for_the_newest_alone(worker: LiveWorker) -> None:
    for _ in range(2000):  # as many would fill the pipe, and Blender would wait
        worker.ask({"change": "x" * 100})
    assert answered(worker) == [1, 2000]


def test_a_warm_process_hears_of_a_move_at_once(worker: LiveWorker, tmp_path: Path) -> None:
    worker.ask({})
    answered(worker)
    worker.ask({"waits": True})
    assert worker.ask({}) == 3
    (tmp_path / "go").touch()
    time.sleep(0.2)
    assert [answer["id"] for answer in worker.poll()] == [2, 3]  # without another look


@pytest.mark.parametrize("asked", [{}, {"texture": "face.<UDIM>.png"}])
def test_few_requests_are_ahead_of_one_that_hangs(
    worker: LiveWorker, tmp_path: Path, asked: dict[str, Any]
) -> None:
    worker.ask({})
    answered(worker)
    worker.ask({"waits": True})
    for _ in range(200):
        worker.ask({**asked, "change": "x" * 10_000})
    (tmp_path / "go").touch()
    numbers = answered(worker)
    assert numbers[-1] == 202
    assert len(numbers) == (2 if asked else 5)  # three of 10 kB, and the last
