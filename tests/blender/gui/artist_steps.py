"""What an artist does first: an animated smile on a rigged character with long hair."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import live_steps as live
from ict_character import FRAMES, build_character, difference, eyes_off
from live_steps import click_in_image, drag_live, until
from screen import Pause, area_of, button_of, click, move, press, region_of, scroll, sliders_of
from watch import (
    FRAME,
    HEAD,
    OUT,
    addon,
    close_other_windows,
    picture,
    report,
    run_job,
    until_job_begins,
    until_job_ends,
    window,
)

_ABOVE_PX = 77
"""From the menu of names to the picture of the chosen face."""
_ICONS_PX = ((0, -90), (90, -90), (0, -180), (-90, -90), (0, 90))
"""Where other faces of the menu may lie from there: it opens where there is room."""


def put_a_character_before_the_camera() -> Pause:
    """The artist's own scene, saved."""
    build_character(HEAD)
    scene = bpy.context.scene
    scene.render.filepath = "//render/figur."
    scene.reggan.presets = scene.reggan.blend = scene.reggan.output_path = ""
    scene.reggan.rig_tracks, scene.reggan.use_rig_tracks = "", False  # the ball's
    scene.reggan_character.uses = False
    scene.reggan.expression, scene.reggan.existing = "happy", "RESUME"
    bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "Figur ü.blend"))
    yield 1.0


def animate_a_smile_and_apply_it() -> Pause:
    """Intensity keyed by I over the slider; then one button."""
    began, scene = time.monotonic(), bpy.context.scene
    sliders = yield from sliders_of("IMAGE_EDITOR")
    place = sliders["reggan.intensity"]
    for frame, value in ((1, 0.0), (FRAMES, 1.0)):
        scene.frame_set(frame)
        scene.reggan.intensity = value
        yield 0.3
        yield from press(window(), "I", *place)
    assert _keys(scene) == [(1.0, 0.0), (float(FRAMES), 1.0)], _keys(scene)
    if scene.reggan.frames_source != "SCENE":
        scene.reggan.frames_source = "SCENE"
        yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_and_apply")
    yield from click(window(), *button)
    yield from picture("13_rendering")
    yield from until_job_begins()
    yield from until_job_ends("render_and_apply")
    yield 1.0
    report["smile"] = {"seconds": round(time.monotonic() - began, 1)}
    _assert_smile(OUT / "render", OUT / "render" / "figur_happy")
    scene.frame_set(FRAMES)
    yield 1.0
    yield from close_other_windows()
    yield from picture("14_smile")


def smile_by_the_rig() -> Pause:
    """The bone Head, Track Head; its points are on the face, not on the hair."""
    scene = bpy.context.scene
    scene.frame_set(1)
    scene.reggan_head.head, scene.reggan_head.bone = bpy.data.objects["Rig"], "Head"
    scene.reggan_head.front = "AUTO"
    yield 0.5
    button = yield from button_of("VIEW_3D", "reggan.track_head")
    yield from run_job("track_character", button, window())
    report["smile"]["account"] = scene.reggan.tracks_account
    tracks = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    off = [eyes_off(tracks, frame) for frame in range(1, FRAMES + 1)]
    report["smile"]["eyes_off_in_eye_distances"] = [round(one, 3) for one in off]
    assert max(off) < 0.15, off
    assert scene.reggan.use_rig_tracks
    yield from picture("15_tracked_character")
    scene.reggan.output_path = "//by rig"
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from run_job("render_by_rig", button, window())
    _assert_smile(OUT / "render", OUT / "by rig")
    scene.frame_set(FRAMES)
    yield 1.0
    yield from picture("16_smile_by_rig")
    move(window(), 10, 10)


def choose_by_eye() -> Pause:
    """The sheet of this frame, twice, as it leaves the frame alone; a click on a face of it."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    scene.reggan.use_rig_tracks = False
    for again in ("", "_again"):
        button = yield from button_of("IMAGE_EDITOR", "reggan.preview")
        yield from run_job(f"preview_character{again}", button, window())
    yield from picture("17_sheet_of_the_character")
    sheet = area.spaces.active.image
    cells = addon("bridge.sheet_cells").cells_from_text(sheet["reggan_cells"])
    x, y, width, height = next(c.box for c in cells if (c.expression, c.intensity) == ("sad", 1.0))
    yield from click_in_image(x + width / 2, y + height / 2)
    assert scene.reggan.expression == "sad"
    yield from picture("18_sad_chosen")


def choose_in_the_menu_of_faces() -> Pause:
    """Draw Faces; a click on the picture opens all of them, and one is clicked."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    result = scene.reggan.result_image or bpy.data.images.load(str(FRAME))
    area.spaces.active.image = result
    button = yield from button_of("IMAGE_EDITOR", "reggan.draw_faces", across=0.4)
    yield from run_job("draw_faces_of_character", button, window())
    yield from scroll("IMAGE_EDITOR", back=True)
    places = yield from sliders_of("IMAGE_EDITOR")
    x, y = places["reggan.expression"]
    y += _ABOVE_PX
    before = scene.reggan.expression
    for place, away in enumerate(_ICONS_PX):
        yield from click(window(), x, y)
        yield 0.5
        if not place:
            yield from picture("19_menu_of_faces")
        yield from click(window(), x + away[0], y + away[1])
        yield 0.5
        if scene.reggan.expression != before:
            break
    assert scene.reggan.expression != before, "the click on a face chose none"
    report["chosen in the menu"] = scene.reggan.expression
    yield from picture("20_chosen_in_the_menu")
    scene.reggan.expression = "happy"


def look_before_and_after() -> Pause:
    """The button shows the frames as they were, then as they are."""
    settings, area = bpy.context.scene.reggan, area_of("IMAGE_EDITOR")
    area.spaces.active.image = settings.result_image
    button = yield from button_of("IMAGE_EDITOR", "reggan.toggle_before_after", across=0.3)
    for name, image in (("before", settings.original_image), ("after", settings.result_image)):
        yield from click(window(), *button)
        yield 0.5
        assert area.spaces.active.image == image, name
        yield from picture(f"21_{name}")


def drag_over_the_result() -> Pause:
    """Live begins with the frame that the result was made of."""
    area_of("IMAGE_EDITOR").spaces.active.image = bpy.context.scene.reggan.result_image
    yield from live.drag_a_slider_live()


def wear_the_map_live() -> Pause:
    """The head in the viewport follows Intensity while it is dragged; Esc gives it its map back."""
    scene, area = bpy.context.scene, area_of("VIEW_3D")
    head, shading = bpy.data.objects["Body"], area.spaces.active.shading
    for thing in bpy.context.selected_objects:
        thing.select_set(False)
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    shading.type, shading.color_type = "SOLID", "TEXTURE"
    scene.reggan_texture.layout, scene.reggan_texture.image = "MESH", None
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    node = head.data.materials[0].node_tree.nodes.active
    own, scene.reggan.intensity = node.image, 0.2
    button = yield from button_of("VIEW_3D", "reggan.live_map")
    yield from click(window(), *button)
    yield from until(lambda: node.image != own)
    yield from until(addon("operators.live").is_settled)
    yield from scroll("VIEW_3D", back=True)
    places = yield from sliders_of("VIEW_3D")
    report["live_map"] = yield from drag_live(
        places["reggan.intensity"], lambda: node.image, bpy.types.SpaceView3D
    )
    yield from picture("22_map_live")
    place = region_of(area, "WINDOW")
    middle = place.x + place.width // 4, place.y + place.height // 2
    yield from press(window(), "ESC", *middle)
    assert node.image == own
    assert "RegGAN live map" not in bpy.data.images
    yield from picture("23_own_map_again")


def _keys(scene: Any) -> list[tuple[float, float]]:
    """Frames and values of the intensity's keys."""
    action = scene.animation_data.action
    if hasattr(action, "fcurves"):
        curves = list(action.fcurves)
    else:  # Blender 5
        bags = [bag for layer in action.layers for s in layer.strips for bag in s.channelbags]
        curves = [curve for bag in bags for curve in bag.fcurves]
    (curve,) = [curve for curve in curves if curve.data_path == "reggan.intensity"]
    return [(point.co[0], round(point.co[1], 3)) for point in curve.keyframe_points]


def _assert_smile(before: Path, after: Path) -> None:
    """All frames are there, the first as it was, and each changes more than the one before."""
    amounts = [difference(path, after / path.name) for path in sorted(before.glob("*.png"))]
    report["smile"][f"change of {after.name}"] = [round(one, 4) for one in amounts]
    assert len(amounts) == FRAMES, amounts
    assert amounts[0] == 0
    assert amounts[-1] > amounts[1] > 0


STEPS: tuple[Callable[[], Pause], ...] = (
    put_a_character_before_the_camera,
    animate_a_smile_and_apply_it,
    choose_by_eye,
    choose_in_the_menu_of_faces,
    look_before_and_after,
    drag_over_the_result,
    smile_by_the_rig,
    wear_the_map_live,
)
