"""*Make Environment*, clicked to its end: offline, cancelled, made, used, removed. Fetches 0.4 GB.

These steps run only where they are named: they need a network and a few minutes.
"""

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import bpy
from screen import Pause, buttons_of, click
from watch import (
    FRAME,
    OUT,
    addon,
    close_other_windows,
    messages,
    picture,
    report,
    run_job,
    show_preferences,
)


def go_online() -> Pause:
    """The button is grey while Blender is offline; the one above it shows where that is changed."""
    assert not bpy.app.online_access
    other = yield from show_preferences()
    found = yield from _buttons()
    assert "reggan.make_environment" in found, found
    yield from picture("50_offline")
    yield from click(other, *found["screen.userpref_show"])
    yield 1.5
    assert bpy.context.preferences.active_section == "SYSTEM"
    yield from picture("51_network")
    bpy.context.preferences.system.use_online_access = True  # what is ticked there
    assert bpy.app.online_access
    yield from close_other_windows()


def cancel_an_environment() -> Pause:
    """Cancel leaves nothing, and the runtime as it was."""
    other = yield from show_preferences()
    found = yield from _buttons()
    preferences = addon("preferences")

    def cancel() -> Pause:
        shown = set()
        while not any("Fetching" in text and "pip" not in text for text in shown):
            shown.add(bpy.context.window_manager.reggan_job)
            yield 0.2
        yield from picture("52_fetching")
        places = yield from _buttons()
        yield from click(other, *places["reggan.cancel"])

    button = found["reggan.make_environment"]
    yield from run_job("cancelled environment", button, other, meanwhile=cancel())
    folder = preferences.own_environment()
    assert not folder.exists(), list(folder.iterdir())
    assert not list(folder.parent.glob("environment*")), list(folder.parent.iterdir())
    assert preferences.preferences_of(bpy.context).runtime == "BUNDLED"
    yield from picture("53_cancelled")


def make_an_environment() -> Pause:
    """To the end: how far it is only grows, and the runtime is the new one."""
    other = yield from show_preferences()
    found = yield from _buttons()
    shares: list[float] = []
    lines: list[str] = []

    def look() -> Pause:
        manager = bpy.context.window_manager
        while addon("operators.job_operator")._running:
            shares.append(manager.reggan_progress)
            if manager.reggan_job and manager.reggan_job not in lines[-1:]:
                lines.append(manager.reggan_job)
            if len(lines) == 12:
                yield from picture("54_making")
            yield 0.2

    button = found["reggan.make_environment"]
    yield from run_job("environment", button, other, meanwhile=look())
    report["environment"] = {"lines": lines, "said": messages[-3:]}
    chosen = addon("preferences").preferences_of(bpy.context)
    yield from picture("55_made")
    assert chosen.runtime == "ENVIRONMENT", messages[-1:]
    folder = Path(chosen.environment)
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    note = addon("bridge.own_environment").note_of(folder)
    report["environment"] |= {"megabytes": size // 2**20, "packages": note["packages"]}
    assert any("MB" in line for line in lines), lines
    assert shares[:-1] == sorted(shares[:-1]), "progress went back"  # the last: it had ended
    assert "Works: cpu" in bpy.context.window_manager.reggan_doctor
    assert "pip " not in bpy.context.window_manager.reggan_doctor


def change_a_frame_with_it() -> Pause:
    """A frame is changed with it, as with the bundled runtime."""
    settings = bpy.context.scene.reggan
    preferences = addon("preferences").preferences_of(bpy.context)
    (OUT / "frames for both").mkdir()
    frame = shutil.copy(FRAME, OUT / "frames for both")
    settings.frames_source, settings.frames_path = "SEQUENCE", str(frame)
    settings.expression, settings.intensity = "happy", 1.0
    made = preferences.runtime, preferences.environment
    written = []
    for name, runtime in (("environment", made), ("bundled", ("BUNDLED", made[1]))):
        preferences.runtime, preferences.environment = runtime
        settings.output_path = str(OUT / f"by {name}")
        bpy.ops.reggan.render_frames()
        written.append((OUT / f"by {name}" / FRAME.name).read_bytes())
    preferences.runtime, preferences.environment = made
    assert written[0] != FRAME.read_bytes()
    report["environment"]["same bytes as bundled"] = written[0] == written[1]
    yield 0.1


def remove_the_environment() -> Pause:
    """The button that undoes it."""
    other = yield from show_preferences()
    found = yield from _buttons()
    chosen = addon("preferences").preferences_of(bpy.context)
    folder = Path(chosen.environment)
    yield from run_job("removed environment", found["reggan.remove_environment"], other)
    yield from picture("56_removed")
    assert not folder.exists()
    assert (chosen.runtime, chosen.environment) == ("BUNDLED", "")
    yield from close_other_windows()


def _buttons() -> Generator[float, None, dict[str, tuple[int, int]]]:
    other = bpy.context.window_manager.windows[-1]
    return (yield from buttons_of("PREFERENCES", window=other, region="WINDOW", across=0.7))


STEPS: tuple[Callable[[], Pause], ...] = (
    go_online,
    cancel_an_environment,
    make_an_environment,
    change_a_frame_with_it,
    remove_the_environment,
)
