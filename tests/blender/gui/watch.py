"""What the steps share: the add-on as installed, its jobs measured, its messages, the report."""

import sys
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
from screen import Pause, click, move, take_picture

EXTENSION, FRAME, OUT = (Path(word) for word in sys.argv[sys.argv.index("--") + 1 :])
MODULE = "bl_ext.user_default.reggan"
LONGEST_CALLBACK_MS = 20
LONGEST_SILENCE_S = 1.0
LONGEST_JOB_S = 240
TICK_S = 0.02
report: dict[str, Any] = {"passed": [], "failed": [], "jobs": {}, "messages": {}}
messages: list[str] = []
"""What the add-on's operators said, from the first on."""
_ticks: list[float] = []
_callbacks: list[tuple[float, float, str]] = []


def addon(name: str = "") -> ModuleType:
    """The installed add-on, or a module of it."""
    return sys.modules[f"{MODULE}.{name}" if name else MODULE]


def window() -> bpy.types.Window:
    """The main one."""
    return bpy.context.window_manager.windows[0]


def job_runs() -> bool:
    """Whether the add-on has a job in hand."""
    return addon("operators.job_operator").running_job() is not None


def watch() -> None:
    """Measure callbacks by the clock and in processor time, note messages, and let a timer tick."""
    operator = addon("operators.job_operator").JobOperator
    modal, say = operator.modal, operator._report

    def measured(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return modal(self, context, event)
        finally:
            now = time.perf_counter() - wall, time.thread_time() - cpu
            _callbacks.append((1000 * now[0], 1000 * now[1], event.type))

    def noted(self: Any, kind: set[str], message: str) -> None:
        messages.append(message)
        say(self, kind, message)

    operator.modal, operator._report = measured, noted
    bpy.app.timers.register(_tick)


def _tick() -> float:
    """Blender's own timer goes on while a job runs: so does its interface."""
    if job_runs():
        _ticks.append(time.perf_counter())
    return TICK_S


def run_job(
    name: str, button: tuple[int, int], where: bpy.types.Window, *, meanwhile: Pause | None = None
) -> Pause:
    """Press a button, watch the job to its end, note how Blender answered."""
    _callbacks.clear()
    yield from click(where, *button)
    move(where, where.width // 2, where.height - 2)  # a button under the mouse is drawn as it was
    assert job_runs(), f"{name} did not start: {messages[-1:]}"
    _ticks.clear()
    started = time.perf_counter()
    if meanwhile is not None:
        yield from meanwhile
    yield from until_job_ends(name)
    gaps = [after - before for before, after in pairwise(_ticks)]
    report["jobs"][name] = {
        "seconds": round(time.perf_counter() - started, 2),
        "ticks": len(_ticks),
        "longest_silence_ms": round(1000 * max(gaps), 1),
        "callbacks": len(_callbacks),
        "longest_callback_ms": round(max(wall for wall, _, _ in _callbacks), 2),
        "longest_callback_cpu_ms": round(max(cpu for _, cpu, _ in _callbacks), 2),
        "longest_callback_event": max(_callbacks)[2],
    }
    assert max(_callbacks)[0] < LONGEST_CALLBACK_MS, report["jobs"][name]
    assert max(gaps) < LONGEST_SILENCE_S, report["jobs"][name]
    yield 1.0


def until_job_ends(name: str) -> Pause:
    """Wait for the job in hand, if there is one."""
    started = time.perf_counter()
    while job_runs():
        assert time.perf_counter() - started < LONGEST_JOB_S, f"{name} does not end"
        yield 0.1


def picture(name: str) -> Pause:
    """A screenshot of what is on the screen now."""
    yield 0.5
    take_picture(OUT / f"{name}.png")
    yield 1.5
