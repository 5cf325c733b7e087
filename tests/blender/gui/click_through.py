"""Run inside Blender by run_in_blender.py: install the extension and press its buttons."""

import json
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from screen import (
    Pause,
    area_of,
    click,
    find_buttons,
    move,
    open_at_first,
    open_sidebar,
    press,
    region_of,
    take_picture,
)

EXTENSION, FRAME, OUT = (Path(word) for word in sys.argv[sys.argv.index("--") + 1 :])
MODULE = "bl_ext.user_default.reggan"
LONGEST_CALLBACK_MS = 20
LONGEST_SILENCE_S = 1.0
TICK_S = 0.02
report: dict[str, Any] = {"passed": [], "failed": [], "jobs": {}}
ticks: list[float] = []
callbacks: list[tuple[float, float, str]] = []


def tick() -> float:
    """Blender's own timer goes on while a job runs: so does its interface."""
    if addon("operators.job_operator").running_job() is not None:
        ticks.append(time.perf_counter())
    return TICK_S


def watch_callbacks() -> None:
    """Have every callback of a running job measured, by the clock and in processor time."""
    operator = addon("operators.job_operator").JobOperator
    modal = operator.modal

    def measured(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return modal(self, context, event)
        finally:
            now = time.perf_counter() - wall, time.thread_time() - cpu
            callbacks.append((1000 * now[0], 1000 * now[1], event.type))

    operator.modal = measured


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def addon(name: str = "") -> ModuleType:
    return sys.modules[f"{MODULE}.{name}" if name else MODULE]


def picture(name: str) -> Pause:
    yield 0.5
    take_picture(OUT / f"{name}.png")
    yield 1.5


def run_job(
    name: str, button: tuple[int, int], where: bpy.types.Window, *, meanwhile: Pause | None = None
) -> Pause:
    """Press a button, watch the job to its end, note how Blender answered."""
    operators = addon("operators.job_operator")
    callbacks.clear()
    yield from click(where, *button)
    move(where, where.width // 2, where.height - 2)  # a button under the mouse is drawn as it was
    assert operators.running_job() is not None, f"{name} did not start"
    ticks.clear()
    started = time.perf_counter()
    if meanwhile is not None:
        yield from meanwhile
    while operators.running_job() is not None:
        assert time.perf_counter() - started < 240, f"{name} does not end"
        yield 0.1
    gaps = [after - before for before, after in pairwise(ticks)]
    report["jobs"][name] = {
        "seconds": round(time.perf_counter() - started, 2),
        "ticks": len(ticks),
        "longest_silence_ms": round(1000 * max(gaps), 1),
        "callbacks": len(callbacks),
        "longest_callback_ms": round(max(wall for wall, _, _ in callbacks), 2),
        "longest_callback_cpu_ms": round(max(cpu for _, cpu, _ in callbacks), 2),
        "longest_callback_event": max(callbacks)[2],
    }
    assert max(callbacks)[0] < LONGEST_CALLBACK_MS, report["jobs"][name]
    assert max(gaps) < LONGEST_SILENCE_S, report["jobs"][name]
    yield 1.0


def install() -> Pause:
    """Through Blender's own installer, then both sidebars."""
    bpy.ops.extensions.package_install_files(
        repo="user_default", filepath=str(EXTENSION), enable_on_install=True, overwrite=True
    )
    assert addon("preferences").preferences_of(bpy.context).runtime == "BUNDLED"
    open_at_first("REGGAN_PT_image_texture")
    watch_callbacks()
    bpy.app.timers.register(tick)
    window().workspace = bpy.data.workspaces["UV Editing"]
    yield 1.5
    bpy.ops.object.mode_set(mode="OBJECT")
    area_of("IMAGE_EDITOR").ui_type = "IMAGE_EDITOR"
    yield 0.5
    yield from open_sidebar("VIEW_3D", "RegGAN")
    yield from open_sidebar("IMAGE_EDITOR", "RegGAN")
    yield from picture("1_installed")


def change_a_frame() -> Pause:
    """The shipped sample avatar becomes happy."""
    settings = bpy.context.scene.reggan
    (OUT / "rendered frames").mkdir()
    frame = shutil.copy(FRAME, OUT / "rendered frames")
    settings.frames_source, settings.frames_path = "SEQUENCE", str(frame)
    settings.output_path = str(OUT / "changed frames")
    settings.expression, settings.intensity = "happy", 1.0
    yield 0.5
    found = yield from buttons_of("IMAGE_EDITOR")
    yield from run_job(
        "render_frames", found["reggan.render_frames"], window(), meanwhile=picture("2_running")
    )
    changed = OUT / "changed frames" / FRAME.name
    assert changed.read_bytes() != FRAME.read_bytes()
    image = area_of("IMAGE_EDITOR").spaces.active.image
    assert image is not None
    assert Path(bpy.path.abspath(image.filepath)) == changed
    fit_image()
    yield from picture("3_changed_frame")


def undo_takes_the_result_away() -> Pause:
    """One step back, and forward again."""
    count = len(bpy.data.images)
    with bpy.context.temp_override(window=window()):
        bpy.ops.ed.undo()
    yield 1.0
    assert bpy.context.scene.reggan.result_image is None
    assert len(bpy.data.images) < count
    with bpy.context.temp_override(window=window()):
        bpy.ops.ed.redo()
    yield 1.0
    assert bpy.context.scene.reggan.result_image is not None


def escape_cancels() -> Pause:
    """A long job stops at Esc; every file that it left is whole."""
    frames = OUT / "long shot"
    frames.mkdir()
    for number in range(300):
        shutil.copy(FRAME, frames / f"avatar.{number:04d}.png")
    settings = bpy.context.scene.reggan
    settings.frames_path = str(frames)
    settings.output_path = str(OUT / "long result")

    def escape() -> Pause:
        yield 4.0
        yield from picture("7_long_job")
        yield from press(window(), "ESC", window().width // 4, window().height // 2)

    found = yield from buttons_of("IMAGE_EDITOR")
    yield from run_job("cancelled", found["reggan.render_frames"], window(), meanwhile=escape())
    written = list((OUT / "long result").glob("*.png"))
    assert len(written) < 300
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in written)
    assert not list((OUT / "long result").rglob("*.reggan-tmp"))
    shutil.rmtree(frames)
    shutil.rmtree(OUT / "long result", ignore_errors=True)


def preview() -> Pause:
    """All expressions of one frame, in the Image Editor."""
    found = yield from buttons_of("IMAGE_EDITOR")
    yield from run_job("preview", found["reggan.preview"], window())
    fit_image()
    yield from picture("4_preview")


def change_the_image() -> Pause:
    """The image of the editor, as it is in memory; the result is a new one."""
    area = area_of("IMAGE_EDITOR")
    area.spaces.active.image = before = bpy.data.images.load(str(FRAME))
    found = yield from buttons_of("IMAGE_EDITOR")
    yield from run_job("edit_image", found["reggan.edit_image"], window())
    assert area.spaces.active.image != before
    fit_image()
    yield from picture("5_changed_image")


def change_a_texture_map() -> Pause:
    """A map on which the face lies unfolded."""
    texture = bpy.context.scene.reggan_texture
    texture.layout, texture.image = "FLAT", bpy.data.images.load(str(FRAME))
    found = yield from buttons_of("IMAGE_EDITOR")
    images = len(bpy.data.images)
    yield from run_job("edit_texture", found["reggan.edit_texture"], window())
    assert len(bpy.data.images) > images
    fit_image()
    yield from picture("6_changed_map")


def doctor() -> Pause:
    """The preferences, in a window of their own, and what the doctor says."""
    bpy.ops.preferences.addon_show(module=MODULE)
    yield 2.0
    other = bpy.context.window_manager.windows[-1]
    area = area_of("PREFERENCES", other)
    found: dict[str, tuple[int, int]] = {}
    yield from find_buttons(other, area, region_of(area, "WINDOW"), found, across=0.7)
    yield from run_job("doctor", found["reggan.doctor"], other)
    assert "cpu: works" in bpy.context.window_manager.reggan_doctor
    yield from picture("8_doctor")


def fit_image() -> None:
    area = area_of("IMAGE_EDITOR")
    with bpy.context.temp_override(window=window(), area=area, region=region_of(area, "WINDOW")):
        bpy.ops.image.view_all(fit_view=True)


def buttons_of(kind: str) -> Generator[float, None, dict[str, tuple[int, int]]]:
    area = area_of(kind)
    found: dict[str, tuple[int, int]] = {}
    yield from find_buttons(window(), area, region_of(area), found)
    report.setdefault("buttons", {})[kind] = sorted(found)
    return found


STEPS: tuple[Callable[[], Pause], ...] = (
    install,
    change_a_frame,
    undo_takes_the_result_away,
    preview,
    change_the_image,
    change_a_texture_map,
    escape_cancels,
    doctor,
)


def all_steps() -> Pause:
    """Every step, whatever the ones before it did."""
    for step in STEPS:
        try:
            yield from step()
            report["passed"].append(step.__name__)
        except Exception:  # noqa: BLE001 - the report says which step failed, and why
            report["failed"].append([step.__name__, traceback.format_exc()])
            take_picture(OUT / f"failed_{step.__name__}.png")
            yield 1.5


def go_on(steps: Pause = all_steps()) -> float | None:  # noqa: B008 - one run
    """Take the next part of a step; quit after the last one."""
    try:
        return next(steps)
    except StopIteration:
        report["blender"], report["python"] = bpy.app.version_string, platform.python_version()
        (OUT / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
        bpy.ops.wm.quit_blender()
        return None


bpy.app.timers.register(go_on, first_interval=2.0)
