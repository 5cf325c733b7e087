"""A change of expression over time on an artist's own character, by clicks; and what goes wrong.

The character is `foreign_character.py`'s. Every file of the artist's is hashed after it is made,
and again after the last step.
"""

import hashlib
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import once_silent_steps as once_silent
from foreign_character import FRAMES, build_character
from ict_character import difference
from live_steps import until
from screen import Pause, area_of, button_of, click, move, press, region_of, scroll, sliders_of
from watch import (
    AVATAR,
    OUT,
    addon,
    close_other_windows,
    messages,
    picture,
    report,
    run_job,
    until_job_begins,
    until_job_ends,
    window,
)

_SMILES = ("h_expressions.LsmileOpen_h", "h_expressions.RsmileOpen_h", "h_expressions.Glotis_h")
_own_files: dict[Path, str] = {}


def put_an_avatar_before_the_camera() -> Pause:
    """The artist's own scene, saved."""
    build_character(AVATAR)
    scene = bpy.context.scene
    scene.animation_data_clear()  # keys of `artist_steps.py` on the intensity
    scene.render.filepath = "//render/avatar."
    scene.reggan.output_path, scene.reggan.existing = "", "RESUME"
    scene.reggan.frames_source, scene.reggan.intensity = "SCENE", 1.0
    scene.reggan.rig_tracks, scene.reggan.use_rig_tracks = "", False
    scene.reggan_character.uses = False
    bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "Avatar ü.blend"))
    _note(OUT / "Avatar ü.blend")
    area_of("VIEW_3D").spaces.active.region_3d.view_perspective = "CAMERA"
    yield from picture("30_avatar")


def change_its_expression_over_time() -> Pause:
    """Two cues by the button, then one button more; the time counts from the first click."""
    scene, began = bpy.context.scene, time.monotonic()
    spent = {"before": _processor_s()}
    scene.reggan.driven_by, scene.reggan.blend_over = "CUES", 4
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.add_cue", across=0.85)
    for frame, name in ((1, "NONE"), (3, "happy")):
        scene.frame_set(frame)
        scene.reggan.expression = name  # from its menu
        yield 1.0
        yield from click(window(), *button)
        move(window(), window().width // 2, 4)
        yield from until(lambda frame=frame: frame in {m.frame for m in scene.timeline_markers})
    found = {marker.frame: marker.name for marker in scene.timeline_markers}
    assert found == {1: "none", 3: "happy"}, found
    yield from picture("31_cues")
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_and_apply", across=0.4)
    yield from click(window(), *button)
    spent["clicked"], clicked = _processor_s(), time.monotonic()
    yield from until_job_begins()
    spent["rendered"], rendered = _processor_s(), time.monotonic()
    yield from picture("32_changing")
    yield from until_job_ends("render_and_apply")
    yield 1.0
    spent["changed"], changed_at = _processor_s(), time.monotonic()
    report["avatar"] = {
        "seconds": round(changed_at - began, 1),
        "load": os.getloadavg(),
        "seconds by the clock": {
            "clicks": round(clicked - began, 1),
            "render": round(rendered - clicked, 1),
            "change": round(changed_at - rendered, 1),
        },
        "seconds of the processor": {
            name: round(spent[after] - spent[before], 1)
            for name, before, after in (
                ("clicks", "before", "clicked"),
                ("render", "clicked", "rendered"),
                ("change", "rendered", "changed"),
            )
        },
    }
    for path in sorted((OUT / "render").glob("*.png")):
        _note(path)
    changed = OUT / "render" / "avatar_cues"
    amounts = [difference(path, changed / path.name) for path in _renders()]
    report["avatar"]["change"] = [round(one, 5) for one in amounts]
    assert len(amounts) == FRAMES, amounts
    assert amounts[0] == amounts[1] == amounts[2] == 0
    assert 0 < amounts[3] < amounts[5] <= 1.3 * amounts[7]
    yield from close_other_windows()
    scene.frame_set(FRAMES)
    yield 1.0
    yield from picture("33_smile")
    assert bpy.context.window_manager.reggan_done.startswith(f"{FRAMES - 3} changed, 3 untouched")


def compare_before_and_after() -> Pause:
    """The button shows the frame as it was rendered."""
    button = yield from button_of("IMAGE_EDITOR", "reggan.toggle_before_after", across=0.3)
    yield from click(window(), *button)
    yield from picture("34_before")
    yield from click(window(), *button)
    yield 0.5


def wipe_between_before_and_after() -> Pause:
    """A button shows both; the edge follows the mouse."""
    area = area_of("IMAGE_EDITOR")
    after = area.spaces.active.image
    button = yield from button_of("IMAGE_EDITOR", "reggan.split_wipe", across=0.8)
    yield from click(window(), *button)
    yield 1.0
    wipe = addon("operators.split_wipe")
    assert area.spaces.active.image.name == wipe.NAME
    place = region_of(area, "WINDOW")

    def at(u: float) -> tuple[int, int]:
        x, y = place.view2d.view_to_region(u, 0.5, clip=False)
        return round(place.x + x), round(place.y + y)

    move(window(), *at(0.5))
    yield 0.3
    window().event_simulate("LEFTMOUSE", "PRESS", x=at(0.5)[0], y=at(0.5)[1])
    for u in (0.45, 0.4, 0.52):
        yield 0.2
        move(window(), *at(u))
    yield 0.3
    window().event_simulate("LEFTMOUSE", "RELEASE", x=at(0.52)[0], y=at(0.52)[1])
    yield 0.5
    assert abs(wipe._wipes[0].share - 0.52) < 0.02, wipe._wipes
    yield from picture("34b_wipe")
    yield from press(window(), "ESC", *at(0.52))
    yield 0.5
    assert area.spaces.active.image == after
    assert wipe.NAME not in bpy.data.images


def draw_its_faces() -> Pause:
    """The faces of this character, as its own shapes make them."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    area.spaces.active.image = scene.reggan.original_image
    scene.reggan.driven_by, scene.reggan.expression = "PANEL", "sad"
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.draw_faces", across=0.4)
    yield from run_job("draw_avatar_faces", button, window())


def choose_a_face_in_the_shelf() -> Pause:
    """The faces that were drawn are assets; a click on one at the editor's edge chooses it."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    face_of = addon("scene.expression_icons").face_of_action
    yield from until(lambda: len([one for one in bpy.data.actions if face_of(one)]) > 50)
    scene.reggan.driven_by, scene.reggan.expression = "PANEL", "sad"
    area.spaces.active.show_region_asset_shelf = True
    yield 3.0
    shelf = region_of(area, "ASSET_SHELF")
    yield from picture("41_shelf")
    before = scene.reggan.expression
    yield from click(window(), shelf.x + 200, shelf.y + shelf.height // 2)
    yield 0.5
    _avatar()["chosen in the shelf"] = scene.reggan.expression
    assert scene.reggan.expression != before
    area.spaces.active.show_region_asset_shelf = False


def drag_a_face_onto_the_panel() -> Pause:
    """From the Asset Browser, with the mouse; then by what a double click there calls."""
    settings = bpy.context.scene.reggan
    browser = area_of("VIEW_3D")
    browser.ui_type = "ASSETS"
    yield 2.0
    browser.spaces.active.params.asset_library_reference = "LOCAL"
    yield 3.0
    settings.driven_by, settings.expression = "PANEL", "NONE"
    yield from scroll("IMAGE_EDITOR", back=True)
    fields = yield from sliders_of("IMAGE_EDITOR")
    field = next(at for path, at in fields.items() if path.endswith("dropped_face"))
    region = region_of(browser, "WINDOW")
    x, y = region.x + 70, region.y + region.height - 70
    move(window(), x, y)
    yield 0.5
    window().event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    for part in (0.02, 0.1, 0.5, 0.9, 1.0):
        yield 0.3
        move(window(), round(x + part * (field[0] - x)), round(y + part * (field[1] - y)))
    yield from picture("42_dragged_face")
    window().event_simulate("LEFTMOUSE", "RELEASE", x=field[0], y=field[1])
    yield 1.0
    _avatar()["dragged"] = settings.expression
    assert settings.expression != "NONE"
    settings.expression = "NONE"
    yield from click(window(), x, y)
    with bpy.context.temp_override(window=window(), area=browser, region=region):
        bpy.ops.reggan.apply_face("INVOKE_DEFAULT")  # a double click, which cannot be simulated
    assert settings.expression == _avatar()["dragged"]
    browser.ui_type = "VIEW_3D"
    yield 1.0


def choose_the_bone_that_carries_the_face() -> Pause:
    """It is chosen with the armature; a hand is refused, and named what is right."""
    scene = bpy.context.scene
    settings = scene.reggan_head
    settings.head = bpy.data.objects["Rig"]
    assert settings.bone == "skull_j", settings.bone
    settings.bone = "hand_l_j"
    yield 0.5
    button = yield from button_of("VIEW_3D", "reggan.track_head")
    yield from run_job("track_hand", button, window())
    assert "Choose skull_j as Bone" in messages[-1], messages[-1]
    bpy.context.window_manager.reggan_unfolds = True
    addon("job_display").redraw_sidebars(bpy.context.window_manager)
    yield from picture("35_wrong_bone")
    yield from press(window(), "ESC", *button)  # 5.2's own pop-up would take the next click
    bpy.context.window_manager.reggan_unfolds = False
    addon("job_display").redraw_sidebars(bpy.context.window_manager)  # a click does so
    yield 1.0
    settings.bone = "skull_j"
    button = yield from button_of("VIEW_3D", "reggan.track_head")
    yield from run_job("track_avatar", button, window())
    report["avatar"]["account"] = scene.reggan.tracks_account
    assert f"in sight in {FRAMES} of {FRAMES} frames" in scene.reggan.tracks_account
    assert "not where the picture" not in scene.reggan.tracks_account
    assert "the head's own shapes and teeth" in scene.reggan.tracks_account
    area_of("IMAGE_EDITOR").spaces.active.image = scene.reggan.original_image
    yield from picture("36_tracked_avatar")


def preview_with_the_head_of_the_rig() -> Pause:
    """No image is taken from the editor: the frame of the scene's output is meant."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    assert scene.reggan.use_rig_tracks
    area.spaces.active.image = None
    scene.frame_set(4)
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.preview")
    yield from run_job("preview_by_rig", button, window())
    assert area.spaces.active.image.name == "RegGAN preview"
    yield from picture("37_sheet_by_rig")


def smile_as_its_own_rig_does() -> Pause:
    """The inside of this mouth is one piece with the skin; Change Frames, then a look at frame 8.

    *Its Own Shapes* is on since the head was tracked.
    """
    scene = bpy.context.scene
    scene.reggan.driven_by, scene.reggan.expression, scene.reggan.intensity = "PANEL", "happy", 1.0
    scene.reggan.use_rig_tracks, scene.reggan.output_path = True, "//as its own rig"
    assert scene.reggan_head.takes_own_shapes
    assert "the head's own shapes and teeth" in scene.reggan.tracks_account
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from run_job("smile_as_its_own_rig", button, window())
    scene.frame_set(FRAMES)
    yield 1.0
    yield from picture("44_smile_of_its_own_rig")
    changed = OUT / "as its own rig"
    amounts = [difference(path, changed / path.name) for path in _renders()]
    _avatar()["smile of its own rig"] = [round(one, 5) for one in amounts]
    assert min(amounts) > 0, amounts
    scene.reggan.output_path = ""


def drive_by_its_own_shape_keys() -> Pause:
    """Its smile has a name of its own; a key that moves nothing is named."""
    scene, avatar = bpy.context.scene, bpy.data.objects["Avatar"]
    blocks = avatar.data.shape_keys.key_blocks
    for frame, value in ((1, 0.0), (FRAMES, 0.8)):
        for name in _SMILES:
            blocks[name].value = value
            blocks[name].keyframe_insert("value", frame=frame)
    scene.reggan.driven_by, scene.reggan.driving_object = "OBJECT", avatar
    yield 0.5
    yield from scroll("IMAGE_EDITOR", back=True)
    yield from picture("38_table_of_keys")
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_frames")
    yield from run_job("render_by_keys", button, window())
    said = bpy.context.window_manager.reggan_last_words
    assert "h_expressions.Glotis_h of Avatar moves nothing" in said, said
    changed = OUT / "render" / "avatar_Avatar"
    amounts = [difference(path, changed / path.name) for path in _renders()]
    report["avatar"]["by keys"] = [round(one, 5) for one in amounts]
    assert amounts[0] == 0 < amounts[-1]
    bpy.context.window_manager.reggan_unfolds = True
    addon("job_display").redraw_sidebars(bpy.context.window_manager)
    scene.frame_set(FRAMES)
    yield from picture("39_driven_by_keys")
    bpy.context.window_manager.reggan_unfolds = False
    addon("job_display").redraw_sidebars(bpy.context.window_manager)  # a click does so
    yield 1.0


def mix_in_a_scene_of_its_own() -> Pause:
    """Add to Compositor, then Render Animation."""
    scene = bpy.context.scene
    button = yield from button_of("IMAGE_EDITOR", "reggan.add_compositor_group")
    yield from click(window(), *button)
    yield from until(lambda: window().scene != scene)
    mix = window().scene
    with bpy.context.temp_override(window=window()):
        bpy.ops.render.render(animation=True, scene=mix.name)
    made = sorted((OUT / "render").glob("*_mix/*.png"))
    assert len(made) == FRAMES, made
    yield from picture("40_mixed")
    window().scene = scene
    yield 0.5


def render_two_cameras_by_one_press() -> Pause:
    """One after the other, each into a folder of its own; then the scene is as it was."""
    scene = bpy.context.scene
    other = scene.camera.copy()
    other.name = "Side"
    scene.collection.objects.link(other)
    other.location.x += 0.03
    scene.reggan.driven_by, scene.reggan.use_rig_tracks = "PANEL", False
    scene.reggan.expression = "happy"
    scene.reggan.all_cameras = True
    scene.frame_start, scene.frame_end = 6, 7
    scene.render.filepath = "//two/avatar."
    before = (scene.camera, scene.render.filepath)
    yield 0.5
    button = yield from button_of("IMAGE_EDITOR", "reggan.render_and_apply", across=0.4)
    yield from click(window(), *button)
    yield from until_job_begins()
    assert (scene.camera, scene.render.filepath) == before
    yield from until_job_ends("two cameras")
    yield 1.0
    yield from close_other_windows()
    yield from picture("43_two_cameras")
    made = sorted(str(path.relative_to(OUT / "two")) for path in (OUT / "two").rglob("*.png"))
    _avatar()["two cameras"] = made
    assert len(made) == 8, made
    assert bpy.context.window_manager.reggan_done.startswith("4 changed, 0 untouched")
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.reggan.all_cameras, scene.render.filepath = False, "//render/avatar."
    bpy.data.objects.remove(other)


def leave_the_artist_s_files_as_they_are() -> Pause:
    """Those of before the first step, and the renders."""
    assert len(_own_files) == FRAMES + 1
    changed = [str(path) for path, digest in _own_files.items() if _digest(path) != digest]
    report["avatar"]["files of the artist's"] = len(_own_files)
    assert not changed, changed
    yield 0.1


def _processor_s() -> float:
    """Of this Blender and of what it started and has ended."""
    own, children = (resource.getrusage(who) for who in _WHO)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _avatar() -> dict[str, Any]:
    return dict.setdefault(report, "avatar", {})


def _renders() -> list[Path]:
    return sorted((OUT / "render").glob("avatar.*.png"))


def _note(path: Path) -> None:
    _own_files[path] = _digest(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


STEPS: tuple[Callable[[], Pause], ...] = (
    put_an_avatar_before_the_camera,
    change_its_expression_over_time,
    compare_before_and_after,
    wipe_between_before_and_after,
    choose_the_bone_that_carries_the_face,
    preview_with_the_head_of_the_rig,
    draw_its_faces,
    choose_a_face_in_the_shelf,
    drag_a_face_onto_the_panel,
    smile_as_its_own_rig_does,
    drive_by_its_own_shape_keys,
    *once_silent.STEPS,
    mix_in_a_scene_of_its_own,
    render_two_cameras_by_one_press,
    leave_the_artist_s_files_as_they_are,
)
