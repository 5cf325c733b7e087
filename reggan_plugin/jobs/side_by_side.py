"""Frames side by side: `render --jobs` renders a shot in several processes, with the same bits.

Each process opens the model for itself and does all steps of a frame, as the only process does
otherwise; frames know nothing of each other but the tracks and the exposure, which all find alike.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from reggan_plugin.errors import RegganError
from reggan_plugin.jobs.frame_output import FrameOutput
from reggan_plugin.jobs.frame_steps import FrameSteps, Transfer
from reggan_plugin.jobs.interruption import IoTimeout
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import FrameResult, ModelInUse

if TYPE_CHECKING:
    from concurrent.futures import Future

_WAITING = 2
"""Frames for each process that are begun or wait, so that none is idle."""
_BYTES_OF_A_PROCESS = 3_000_000_000
"""Peak memory of a process at 8K; at 4K it is 1.8 GB."""
_LEAST_FRAMES = 8
"""Fewer frames for each process are not worth its start, which costs about a frame of 1080p."""
_CGROUP = Path("/sys/fs/cgroup")


def idle_cores() -> int:
    """Return how many of the cores that this process may use have been idle for a minute.

    What others run is taken to run on these cores. It is 1 where nobody tells what they run.
    """
    if not hasattr(os, "getloadavg"):
        return 1
    if hasattr(os, "sched_getaffinity"):  # on a farm fewer than the machine has
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    idle = cores - os.getloadavg()[0]
    for text in _of_cgroups("cpu.max"):
        quota, period = text.split()
        if quota != "max":
            idle = min(idle, int(quota) / int(period))
    return max(1, round(idle))


def _free_bytes() -> int:
    """Return the memory that programs may take, or that of one process where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = 1024 * int(next(one for one in lines if one.startswith("MemAvailable")).split()[1])
    except (OSError, StopIteration):
        return _BYTES_OF_A_PROCESS
    for most, taken in zip(_of_cgroups("memory.max"), _of_cgroups("memory.current"), strict=False):
        if most.strip() != "max":
            free = min(free, int(most) - int(taken))
    return free


def _of_cgroups(name: str) -> Iterator[str]:
    """Yield what a file says in each control group (version 2) that holds this process."""
    own = _own_group()
    for folder in (own, *own.parents):
        with suppress(OSError):  # a container sees the last part alone; the root has no limit
            yield (_CGROUP / folder / name).read_text()


def _own_group() -> Path:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        return Path(next(line for line in lines if line.startswith("0::"))[3:].strip("/"))
    return Path()


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Processes that render.

    Attributes:
        processes: so many; None takes as many as are surely faster than one: of the frames, the
            idle cores and the free memory there is enough for each.
        open_transfer: opens the model in each; it goes to the processes, so it is a function of
            a module, or a `partial` of one.
        idle: cores without work when the run began; later ones have its own.
    """

    processes: int | None
    open_transfer: Callable[[], Transfer]
    idle: int = field(default_factory=idle_cores)

    def count_for(self, frames: int) -> int:
        """Return the number of processes for so many frames."""
        if self.processes is not None:
            return min(self.processes, frames)
        most = min(self.idle, frames // _LEAST_FRAMES)
        return max(1, min(most, _free_bytes() // _BYTES_OF_A_PROCESS)) if most > 1 else 1


_steps: list[FrameSteps] = []
"""Of a process that renders: one."""


def run_side_by_side(
    plan: JobPlan,
    settings: RenderSettings,
    model: ModelInUse | None,
    side: SideBySide,
    count: int,
    *,
    stall_s: float,
    stopped: Callable[[], bool],
) -> Iterator[tuple[FrameResult, float | None]]:
    """Yield the result of every frame in order, and the exposure that its process knows.

    `count` is the number of processes.

    Raises:
        RegganError: a process was ended from outside.
    """
    # most runs have one process
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

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
