"""What once went wrong without a word: frames of another size, stills, a whole character selected.

On the avatar of `foreign_steps.py`, after its head is tracked.
"""

from collections.abc import Callable, Iterator

import bpy
from screen import Pause, area_of, button_of, click, move, press, region_of
from watch import (
    OUT,
    addon,
    close_other_windows,
    job_runs,
    messages,
    picture,
    report,
    run_job,
    until_job_begins,
    until_job_ends,
    window,
)


def refuse_a_scene_of_twice_the_size() -> Pause:
    """The head was tracked in frames of 640x640, the scene is at 200 %: nothing is rendered."""
    scene = bpy.context.scene
    settings = scene.reggan
    settings.driven_by, settings.expression, settings.use_rig_tracks = "PANEL", "happy", True
    settings.frames_source = "SCENE"
    before = _files("render")
    scene.render.resolution_percentage = 200
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_and_apply", across=0.4)
    yield from _read_refusal("scene_at_200_percent", button, ("640x640", "1280x1280"))
    scene.render.resolution_percentage = 100
    assert _files("render") == before


def refuse_frames_of_another_size() -> Pause:
    """A sequence of 480x270."""
    scene = bpy.context.scene
    settings, render = scene.reggan, scene.render
    before = render.filepath, render.resolution_x, render.resolution_y
    render.filepath, render.resolution_x, render.resolution_y = "//small/avatar.", 480, 270
    bpy.ops.render.render(animation=True)
    render.filepath, render.resolution_x, render.resolution_y = before
    rendered = _files("small")
    assert len(rendered) == scene.frame_end, rendered
    settings.frames_source, settings.frames_path = "SEQUENCE", str(OUT / "small")
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from _read_refusal("frames_of_480x270", button, ("640x640", "480x270"))
    assert _files("small") == rendered
    settings.frames_source, settings.use_rig_tracks = "SCENE", False


def name_stills_by_their_frames() -> Pause:
    """Frame 8, then frame 1, by the button for the current frame; both are kept."""
    scene = bpy.context.scene
    scene.reggan.driven_by, scene.reggan.expression = "PANEL", "happy"
    made = []
    for frame in (8, 1):
        scene.frame_set(frame)
        yield 0.5
        button = yield from button_of("IMAGE_EDITOR", "reggan.render_and_apply", across=0.83)
        yield from click(window(), *button)
        yield from until_job_begins()
        yield from until_job_ends(f"still_{frame}")
        yield 1.0
        yield from close_other_windows()
        made.append(area_of("IMAGE_EDITOR").spaces.active.image.name)
        yield from picture(f"50_still_{frame}")
    _avatar()["stills"] = made
    assert made == ["Render_0008_happy.exr", "Render_0001_happy.exr"]
    assert set(made) <= set(bpy.data.images.keys())
    assert {path.name for path in (OUT / "reggan").iterdir()} >= set(made)


def name_frames_of_a_sequence() -> Pause:
    """Frame 4, then frame 5, of a sequence that the editor shows; both are kept."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    image = bpy.data.images.load(str(OUT / "render" / "avatar.0001.png"))
    image.source = "SEQUENCE"
    made = []
    for frame in (4, 5):
        area.spaces.active.image = image
        user = area.spaces.active.image_user
        user.frame_start, user.frame_duration, user.frame_offset = 1, scene.frame_end, 0
        user.use_auto_refresh = True
        scene.frame_set(frame)
        yield 1.0
        button = yield from button_of("IMAGE_EDITOR", "reggan.edit_image")
        yield from run_job(f"frame_{frame}_of_sequence", button, window())
        made.append(area.spaces.active.image.name)
        yield from picture(f"51_frame_{frame}")
    _avatar()["frames of a sequence"] = made
    assert made == ["avatar.0004_happy.png", "avatar.0005_happy.png"], made


def rest_the_mouse_on_a_button() -> Pause:
    """A job begins and ends under a mouse that rests; the button can be pressed again."""
    area = area_of("IMAGE_EDITOR")
    area.spaces.active.image = bpy.data.images.load(str(OUT / "render" / "avatar.0008.png"))
    yield 0.5
    x, y = yield from button_of("IMAGE_EDITOR", "reggan.edit_image")
    begun = 0
    for name in ("53_first_press", "54_second_press"):
        x += 1  # no hand rests more quietly
        move(window(), x, y)
        yield 0.3
        for value in ("PRESS", "RELEASE"):
            window().event_simulate("LEFTMOUSE", value, x=x, y=y)
            yield 0.3
        yield 1.0
        begun += job_runs()
        yield from picture(f"{name}_runs")
        yield from until_job_ends(name)
        yield 1.0
        yield from picture(f"{name}_ended")
    _avatar()["presses of a resting mouse that began a job"] = begun
    assert begun == 2, begun


def change_the_map_with_everything_selected() -> Pause:
    """A over the viewport, as after an import; the armature and lamps among it."""
    area = area_of("VIEW_3D")
    bpy.context.view_layer.objects.active = bpy.data.objects["Avatar"]
    bpy.context.scene.reggan_texture.layout = "MESH"
    place = region_of(area, "WINDOW")
    yield from press(window(), "A", place.x + place.width // 3, place.y + place.height // 2)
    assert all(thing.select_get() for thing in bpy.context.scene.objects)
    button = yield from button_of("VIEW_3D", "reggan.edit_texture")
    yield from run_job("map_of_everything", button, window())
    yield from _show_the_map("52_map_of_everything")
    _avatar()["map of everything"] = bpy.context.window_manager.reggan_last_words


def _show_the_map(name: str) -> Pause:
    """Photograph the Image Editor, and keep the map beside it to be looked at as it is."""
    area = area_of("IMAGE_EDITOR")
    with bpy.context.temp_override(window=window(), area=area, region=region_of(area, "WINDOW")):
        bpy.ops.image.view_all(fit_view=True)
    yield from picture(name)
    image = area.spaces.active.image
    assert image.source == "FILE", image
    image.save_render(str(OUT / f"{name}_itself.png"))


def _read_refusal(name: str, button: tuple[int, int], words: tuple[str, ...]) -> Pause:
    """Press; what is said names all of these, and no job has begun."""
    messages.clear()
    manager = bpy.context.window_manager
    yield from click(window(), *button)
    yield 2.0
    yield from until_job_ends(name)
    said = manager.reggan_last_words
    report["messages"][name] = said
    yield from picture(f"49_{name}")
    yield from press(window(), "ESC", *button)
    assert manager.reggan_last_failed, said
    bpy.ops.reggan.dismiss()
    addon("job_display").redraw_sidebars(manager)
    yield 0.5
    assert all(word in said for word in words), said


def _files(folder: str) -> list[tuple[str, int]]:
    """All files below a folder beside the .blend, and when they were written."""
    found: Iterator = (path for path in (OUT / folder).rglob("*") if path.is_file())
    return sorted((str(path), path.stat().st_mtime_ns) for path in found)


def _avatar() -> dict:
    return dict.setdefault(report, "avatar", {})


STEPS: tuple[Callable[[], Pause], ...] = (
    refuse_a_scene_of_twice_the_size,
    refuse_frames_of_another_size,
    name_stills_by_their_frames,
    name_frames_of_a_sequence,
    rest_the_mouse_on_a_button,
    change_the_map_with_everything_selected,
)
