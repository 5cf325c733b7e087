"""What is pressed in the Image Editor's sidebar and in the preferences."""

import shutil
from collections.abc import Callable
from pathlib import Path

import bpy
import live_steps as live
from screen import Pause, area_of, button_of, buttons_of, press, region_of
from watch import FRAME, OUT, close_other_windows, picture, run_job, show_preferences, window


def change_a_frame() -> Pause:
    """The shipped sample avatar becomes happy."""
    settings = bpy.context.scene.reggan
    (OUT / "rendered frames").mkdir()
    frame = shutil.copy(FRAME, OUT / "rendered frames")
    settings.frames_source, settings.frames_path = "SEQUENCE", str(frame)
    settings.output_path = str(OUT / "changed frames")
    settings.expression, settings.intensity = "happy", 1.0
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from run_job("render_frames", button, window(), meanwhile=picture("2_running"))
    changed = OUT / "changed frames" / FRAME.name
    assert changed.read_bytes() != FRAME.read_bytes()
    image = area_of("IMAGE_EDITOR").spaces.active.image
    assert image is not None
    assert Path(bpy.path.abspath(image.filepath)) == changed
    _fit_image()
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


def preview() -> Pause:
    """All expressions of one frame, in the Image Editor."""
    button = yield from button_of("IMAGE_EDITOR", "reggan.preview")
    yield from run_job("preview", button, window())
    yield from picture("4_preview")


def change_the_image() -> Pause:
    """The image of the editor, as it is in memory; the result is a new one."""
    area = area_of("IMAGE_EDITOR")
    area.spaces.active.image = before = bpy.data.images.load(str(FRAME))
    button = yield from button_of("IMAGE_EDITOR", "reggan.edit_image")
    yield from run_job("edit_image", button, window())
    assert area.spaces.active.image != before
    _fit_image()
    yield from picture("5_changed_image")


def change_a_texture_map() -> Pause:
    """A map on which the face lies unfolded."""
    texture = bpy.context.scene.reggan_texture
    texture.layout, texture.image = "FLAT", bpy.data.images.load(str(FRAME))
    button = yield from button_of("IMAGE_EDITOR", "reggan.edit_texture")
    images = len(bpy.data.images)
    yield from run_job("edit_texture", button, window())
    assert len(bpy.data.images) > images
    _fit_image()
    yield from picture("6_changed_map")


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

    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from run_job("cancelled", button, window(), meanwhile=escape())
    written = list((OUT / "long result").glob("*.png"))
    assert len(written) < 300
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in written)
    assert not list((OUT / "long result").rglob("*.reggan-tmp"))
    shutil.rmtree(frames)
    shutil.rmtree(OUT / "long result", ignore_errors=True)


def doctor() -> Pause:
    """The preferences, in a window of their own, and what the doctor says."""
    other = yield from show_preferences()
    found = yield from buttons_of("PREFERENCES", window=other, region="WINDOW", across=0.7)
    yield from run_job("doctor", found["reggan.doctor"], other)
    assert "Works: cpu" in bpy.context.window_manager.reggan_doctor
    assert "pip " not in bpy.context.window_manager.reggan_doctor
    assert "reggan.manual" in found
    assert "screen.userpref_show" in found  # this Blender is offline: nothing can be fetched
    yield from picture("8_doctor")
    yield from close_other_windows()


def _fit_image() -> None:
    area = area_of("IMAGE_EDITOR")
    with bpy.context.temp_override(window=window(), area=area, region=region_of(area, "WINDOW")):
        bpy.ops.image.view_all(fit_view=True)


STEPS: tuple[Callable[[], Pause], ...] = (
    change_a_frame,
    undo_takes_the_result_away,
    preview,
    *live.STEPS,
    change_the_image,
    change_a_texture_map,
    escape_cancels,
    doctor,
)
