"""Run inside Blender by run_in_blender.py: install the extension and press its buttons."""

import json
import platform
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import artist_steps as artist
import environment_steps as environment
import foreign_steps as foreign
import image_editor_steps as image_editor
import mistake_steps as mistakes
import viewport_steps as viewport
from screen import Pause, area_of, open_at_first, open_sidebar, take_picture
from watch import AVATAR, CHOSEN, EXTENSION, HEAD, OUT, addon, picture, report, watch, window

CLOSED_PANELS = (
    "REGGAN_PT_image_texture",
    "REGGAN_PT_viewport_texture",
    "REGGAN_PT_head",
    "REGGAN_PT_character",
)


def install() -> Pause:
    """Through Blender's own installer, then both sidebars."""
    bpy.ops.extensions.package_install_files(
        repo="user_default", filepath=str(EXTENSION), enable_on_install=True, overwrite=True
    )
    assert addon("preferences").preferences_of(bpy.context).runtime == "BUNDLED"
    for panel in CLOSED_PANELS:
        open_at_first(panel)
    watch()
    window().workspace = bpy.data.workspaces["UV Editing"]
    yield 1.5
    bpy.ops.object.mode_set(mode="OBJECT")
    area_of("IMAGE_EDITOR").ui_type = "IMAGE_EDITOR"
    yield 0.5
    yield from open_sidebar("VIEW_3D", "RegGAN")
    yield from open_sidebar("IMAGE_EDITOR", "RegGAN")
    yield from picture("1_installed")


STEPS: tuple[Callable[[], Pause], ...] = (
    install,
    *mistakes.STEPS,
    *image_editor.STEPS,
    *viewport.STEPS,
    *(artist.STEPS if HEAD else (artist.choose_in_the_menu_of_faces,)),
    *(foreign.STEPS if AVATAR else ()),
    *(step for step in environment.STEPS if step.__name__ in CHOSEN),
)


def all_steps() -> Pause:
    """Every step, whatever the ones before it did; of the others than `install` only the chosen."""
    unknown = CHOSEN - {step.__name__ for step in STEPS}
    report["failed"].extend([name, "There is no such step."] for name in sorted(unknown))
    for step in STEPS:
        if CHOSEN and step is not install and step.__name__ not in CHOSEN:
            continue
        started = time.monotonic()
        try:
            yield from step()
            report["passed"].append(step.__name__)
        except Exception:  # noqa: BLE001 - the report says which step failed, and why
            report["failed"].append([step.__name__, traceback.format_exc()])
            take_picture(OUT / f"failed_{step.__name__}.png")
            yield 1.5
        report["seconds"][step.__name__] = round(time.monotonic() - started, 1)
        write_report()


def write_report() -> None:
    """What is known so far: a step may be the last that this Blender sees."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (OUT / "report.json").write_text(text, encoding="utf-8")


def go_on(steps: Pause = all_steps()) -> float | None:  # noqa: B008 - one run
    """Take the next part of a step; quit after the last one."""
    try:
        return next(steps)
    except StopIteration:
        report["blender"], report["python"] = bpy.app.version_string, platform.python_version()
        report["is_whole"] = True
        write_report()
        bpy.ops.wm.quit_blender()
        return None


bpy.app.timers.register(go_on, first_interval=2.0)
