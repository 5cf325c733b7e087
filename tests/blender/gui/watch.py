"""What the steps share: the add-on as installed, its jobs measured, its messages, the report."""

import sys
import time
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
from screen import Pause, click, move, take_picture

*_paths, _chosen, _head, _avatar = sys.argv[sys.argv.index("--") + 1 :]
EXTENSION, FRAME, OUT = map(Path, _paths)
HEAD = Path(_head) if _head else None
"""ICT FaceKit light; without it there is no character."""
AVATAR = Path(_avatar) if _avatar else None
"""A head of VALID; without it there is no avatar."""
CHOSEN = frozenset(_chosen.split(",")) - {""}
"""Names of the steps to take; all, where there is none."""
MODULE = "bl_ext.user_default.reggan"
LONGEST_CALLBACK_MS = 20
"""In processor time, too."""
LONGEST_SILENCE_S = 0.35
"""In processor time of Blender's own thread, which a busy machine cannot stretch."""
LONGEST_JOB_S = 900
TICK_S = 0.02
report: dict[str, Any] = {"passed": [], "failed": [], "jobs": {}, "messages": {}, "seconds": {}}
messages: list[str] = []
"""What the add-on's operators said, from the first on."""
Ticks = list[tuple[float, float]]
"""Times of a timer's calls, by the clock and in processor time of Blender's thread, in s."""
_ticks: Ticks = []
live_callbacks: list[tuple[float, float]] = []
"""Of what is live: by the clock and in processor time, in ms."""
live_settled: list[float] = [0.0]
"""When what is live last showed what was asked for."""
live_asked: list[float] = [0.0]
"""When it was last asked for."""
_callbacks: list[tuple[float, float, str]] = []


def addon(name: str = "") -> ModuleType:
    """The installed add-on, or a module of it."""
    return sys.modules[f"{MODULE}.{name}" if name else MODULE]


def window() -> bpy.types.Window:
    """The main one."""
    return bpy.context.window_manager.windows[0]


def job_runs() -> bool:
    """Whether the add-on has a job in hand."""
    return bool(addon("operators.job_operator")._running)


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

    live = addon("operators.live")
    tick = live.tick

    def measured_tick() -> None:
        wall, cpu, waited = time.perf_counter(), time.thread_time(), not live.is_settled()
        tick()
        now = time.perf_counter() - wall, time.thread_time() - cpu
        live_callbacks.append((1000 * now[0], 1000 * now[1]))
        if waited and live.is_settled():
            live_settled.append(time.perf_counter())

    worker = live.LiveWorker
    ask = worker.ask

    def noted_ask(self: Any, request: Any) -> Any:
        live_asked.append(time.perf_counter())
        return ask(self, request)

    operator.modal, operator._report, live.tick = measured, noted, measured_tick
    worker.ask = noted_ask
    bpy.app.timers.register(_tick)


def _tick() -> float:
    """Blender's own timer goes on while a job runs: so does its interface."""
    if job_runs():
        note_tick(_ticks)
    return TICK_S


def note_tick(ticks: Ticks) -> None:
    """Called by a timer of Blender."""
    ticks.append((time.perf_counter(), time.thread_time()))


def longest_silence(ticks: Ticks) -> dict[str, float]:
    """How long Blender's timers waited at most, in ms: by the clock, and of that on the processor.

    Raises:
        AssertionError: Blender itself was busy for too long.
    """
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(ticks)]
    longest = {
        "longest_silence_ms": round(1000 * max(clock for clock, _ in gaps), 1),
        "longest_silence_cpu_ms": round(1000 * max(cpu for _, cpu in gaps), 1),
    }
    assert longest["longest_silence_cpu_ms"] < 1000 * LONGEST_SILENCE_S, longest
    return longest


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
    report["jobs"][name] = {
        "seconds": round(time.perf_counter() - started, 2),
        "ticks": len(_ticks),
        "callbacks": len(_callbacks),
        "longest_callback_ms": round(max(wall for wall, _, _ in _callbacks), 2),
        "longest_callback_cpu_ms": round(max(cpu for _, cpu, _ in _callbacks), 2),
        "longest_callback_event": max(_callbacks)[2],
    }
    report["jobs"][name] |= longest_silence(_ticks)
    assert max(cpu for _, cpu, _ in _callbacks) < LONGEST_CALLBACK_MS, report["jobs"][name]
    yield 1.0


def until_job_begins() -> Pause:
    """Wait while Blender renders what the job is to change.

    Raises:
        AssertionError: the add-on refuses, or the render does not end.
    """
    started, manager = time.perf_counter(), bpy.context.window_manager
    while not job_runs():
        assert time.perf_counter() - started < LONGEST_JOB_S, "the change did not begin"
        assert not manager.reggan_last_failed, manager.reggan_last_words
        yield 0.1


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


def show_preferences() -> Generator[float, None, bpy.types.Window]:
    """The add-on's preferences, in the window that they have already or a new one."""
    move(window(), window().width // 2, window().height // 2)  # it opens there
    yield 0.5
    bpy.ops.preferences.addon_show(module=MODULE)
    yield 2.0
    other = bpy.context.window_manager.windows[-1]
    assert other != window()
    return other


def close_other_windows() -> Pause:
    """Those of the preferences, and of Blender's own render."""
    for other in bpy.context.window_manager.windows[1:]:
        with bpy.context.temp_override(window=other):
            bpy.ops.wm.window_close()
    yield 1.0
