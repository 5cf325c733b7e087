"""Work in steps: a little at every look, and nothing left behind."""

import time
from collections.abc import Generator

import pytest

from blender_addon.bridge.errors import BridgeError
from blender_addon.bridge.progress import Progress
from blender_addon.bridge.stepped_job import SteppedJob


class Work:
    """A hundred steps of 2 ms."""

    def __init__(self, fails_at: int = -1) -> None:
        self.steps_done = 0
        self.is_tidy = False
        self.fails_at = fails_at

    def steps(self) -> Generator[Progress, None, None]:
        try:
            for step in range(100):
                if step == self.fails_at:
                    raise BridgeError("The head is gone. Choose another.")
                time.sleep(0.002)
                self.steps_done += 1
                yield Progress(done=self.steps_done, total=100)
        finally:
            self.is_tidy = True


def test_a_look_does_a_little_and_says_how_far_it_is() -> None:
    work = Work()
    job = SteppedJob("Track", work.steps())
    assert work.steps_done == 0
    progress = job.poll()
    assert progress.state == "running"
    assert 1 <= progress.done == work.steps_done < 50
    assert job.wait().state == "done"
    assert (work.steps_done, work.is_tidy, len(job.results)) == (100, True, 1)
    assert job.poll().done == 100
    job.cancel()  # too late to undo anything
    assert job.poll().state == "done"


def test_cancelling_tidies_up_and_ends_it() -> None:
    work = Work()
    job = SteppedJob("Track", work.steps())
    job.poll()
    job.cancel()
    job.cancel()
    assert (job.poll().state, work.is_tidy) == ("cancelled", True)
    assert job.results == []


def test_a_failing_step_is_the_callers_to_report() -> None:
    work = Work(fails_at=0)
    with pytest.raises(BridgeError, match="Choose another"):
        SteppedJob("Track", work.steps()).poll()
    assert work.is_tidy
