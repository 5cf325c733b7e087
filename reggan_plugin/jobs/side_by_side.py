"""Frames side by side: `render --jobs` renders a shot in several processes, with the same bits.

Each process opens the model for itself and does all steps of a frame, as the only process does
otherwise; frames know nothing of each other but the tracks and the exposure, which all find alike.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from reggan_plugin.errors import RegganError
from reggan_plugin.jobs.frame_output import FrameOutput
from reggan_plugin.jobs.frame_steps import FrameSteps, Transfer
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import FrameResult, ModelInUse
from reggan_plugin.jobs.stall_timeout import IoTimeout

if TYPE_CHECKING:
    from concurrent.futures import Future

_WAITING = 2
"""Frames for each process that are begun or wait, so that none is idle."""
_BYTES_OF_A_PROCESS = 1_600_000_000
"""Peak memory of a process at 4K."""
_LEAST_FRAMES = 8
"""Fewer frames for each process are not worth its start."""


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Processes that render.

    Attributes:
        processes: so many; None takes as many as cores and free memory allow.
        open_transfer: opens the model in each; it goes to the processes, so it is a function of
            a module, or a `partial` of one.
    """

    processes: int | None
    open_transfer: Callable[[], Transfer]

    def count_for(self, frames: int) -> int:
        """Return the number of processes for so many frames."""
        if self.processes is not None:
            return min(self.processes, frames)
        free = _available_bytes() // _BYTES_OF_A_PROCESS
        return max(1, min(_cores(), free, frames // _LEAST_FRAMES))


def _cores() -> int:
    """Return the cores that this process may use: on a farm fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _available_bytes() -> int:
    """Return the memory that programs may take, or that of one process where nobody tells."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(one for one in lines if one.startswith("MemAvailable")).split()[1])
    return _BYTES_OF_A_PROCESS


_steps: list[FrameSteps] = []
"""Of a process that renders: one."""


def run_side_by_side(
    plan: JobPlan,
    settings: RenderSettings,
    model: ModelInUse | None,
    side: SideBySide,
    *,
    stall_s: float,
    stopped: Callable[[], bool],
) -> Iterator[tuple[FrameResult, float | None]]:
    """Yield the result of every frame in order, and the exposure that its process knows.

    Raises:
        RegganError: a process was ended from outside.
    """
    # most runs have one process
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    count = side.count_for(len(plan.tasks))
    pool = ProcessPoolExecutor(
        count,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(side.open_transfer, settings, plan, model, stall_s),
    )
    under_way: deque["Future[tuple[FrameResult, float | None]]"] = deque()
    try:
        for task in plan.tasks:
            if stopped():
                break
            under_way.append(pool.submit(_render, task))
            if len(under_way) >= _WAITING * count:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool as error:
        raise RegganError(
            "A process that renders was ended from outside, perhaps for lack of memory.",
            kind="process-ended",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(
    open_transfer: Callable[[], Transfer],
    settings: RenderSettings,
    plan: JobPlan,
    model: ModelInUse | None,
    stall_s: float,
) -> None:
    """Prepare a process; the first one decides what Ctrl-C ends."""
    Thread(target=_end_with_parent, daemon=True).start()
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    output = FrameOutput(settings, model, IoTimeout(stall_s))
    frames = plan.shot.frames
    _steps.append(FrameSteps(settings, open_transfer(), frames, output, IoTimeout(stall_s)))


def _end_with_parent() -> None:
    """End with the process that began this one, also if that is killed: nobody wants the frames."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _render(task: FrameTask) -> tuple[FrameResult, float | None]:
    (steps,) = _steps
    [ready] = steps.change([(task, steps.read(task))])
    return steps.write(task, ready), steps.exposure.known_ev
