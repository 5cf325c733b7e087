"""One mistake in every panel: what the artist is told."""

import subprocess
from collections.abc import Callable

import bpy
from screen import Pause, area_of, button_of, buttons_of, click, move, press
from watch import (
    FRAME,
    OUT,
    addon,
    close_other_windows,
    messages,
    picture,
    report,
    show_preferences,
    until_job_ends,
    window,
)


def misspell_a_blend() -> Pause:
    """RegGAN: an expression that there is not."""
    settings = bpy.context.scene.reggan
    settings.frames_source, settings.frames_path = "SEQUENCE", str(FRAME)
    settings.blend = "happyy:0.6+surprised:0.3"
    yield from _press_and_read("blend", "IMAGE_EDITOR", "reggan.render_frames", "'happyy'")
    settings.blend = ""


def choose_an_empty_folder() -> Pause:
    """Rendered Frames: nothing was rendered there."""
    (OUT / "nothing rendered").mkdir()
    bpy.context.scene.reggan.frames_path = str(OUT / "nothing rendered")
    yield from _press_and_read("frames", "IMAGE_EDITOR", "reggan.render_frames", "nothing rendered")


def choose_an_image_without_a_face() -> Pause:
    """Image: the job itself fails."""
    area_of("IMAGE_EDITOR").spaces.active.image = bpy.data.images.new("leer", 256, 256)
    yield from _press_and_read("image", "IMAGE_EDITOR", "reggan.edit_image", "face in leer;")


def choose_a_mesh_without_a_texture() -> Pause:
    """Texture Map: the start-up scene's cube."""
    bpy.context.scene.reggan_texture.layout = "MESH"
    yield 0.5
    yield from _press_and_read("texture", "IMAGE_EDITOR", "reggan.edit_texture", "Base Color")


def track_in_an_unsaved_file() -> Pause:
    """Head from Rig: the tracks have no folder to lie in."""
    bpy.context.scene.reggan_head.head = bpy.data.objects["Cube"]
    yield 0.5
    yield from _press_and_read("head", "VIEW_3D", "reggan.track_head", "never saved")


def forget_the_character() -> Pause:
    """Train on This Character: the button is grey, and has a reason for its tooltip."""
    yield from button_of("VIEW_3D", "reggan.write_character")
    try:
        bpy.ops.reggan.write_character()
    except RuntimeError as error:
        report["messages"]["character"] = [str(error)]
    assert "Choose the mesh of the face" in report["messages"]["character"][0]


def name_an_environment_without_the_plugin() -> Pause:
    """Preferences: a sound Python that has no reggan-plugin, then a folder without a Python."""
    preferences = addon("preferences").preferences_of(bpy.context)
    python = addon("preferences").chosen_runtime(bpy.context).python
    empty = OUT / "empty environment"
    subprocess.run([python, "-m", "venv", "--without-pip", empty], check=True)
    other = yield from show_preferences()
    for name, chosen, words in (
        ("without_plugin", empty, "has no reggan-plugin"),
        ("without_python", OUT, "has no Python in it"),
    ):
        preferences.runtime, preferences.environment = "ENVIRONMENT", str(chosen)
        yield 1.0
        found = yield from buttons_of("PREFERENCES", window=other, region="WINDOW", across=0.7)
        yield from _read_answer(name, other, found["reggan.doctor"], words)
    preferences.runtime = "BUNDLED"
    yield from close_other_windows()


def _press_and_read(name: str, editor: str, button: str, words: str) -> Pause:
    place = yield from button_of(editor, button)
    yield from _read_answer(name, window(), place, words)


def _read_answer(name: str, where: bpy.types.Window, button: tuple[int, int], words: str) -> Pause:
    """Press; the message that appears is photographed, and taken away."""
    messages.clear()
    yield from click(where, *button)
    yield from until_job_ends(name)
    yield from picture(f"mistake_{name}")
    report["messages"][name] = messages[-1:]
    yield from press(where, "ESC", *button)
    move(where, where.width // 4, where.height // 2)
    yield 1.0
    assert messages, f"{name}: nothing was said"
    assert bpy.context.window_manager.reggan_last_words == messages[-1]  # the panel goes on so
    bpy.ops.reggan.dismiss()
    assert words in messages[-1], messages[-1]


STEPS: tuple[Callable[[], Pause], ...] = (
    misspell_a_blend,
    choose_an_empty_folder,
    choose_an_image_without_a_face,
    choose_a_mesh_without_a_texture,
    track_in_an_unsaved_file,
    forget_the_character,
    name_an_environment_without_the_plugin,
)
