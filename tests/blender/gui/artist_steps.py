"""What an artist does first: an animated smile on a rigged character with long hair."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from ict_character import FRAMES, build_character, difference, eyes_off
from screen import Pause, button_of, click, move, press, sliders_of
from watch import HEAD, OUT, job_runs, picture, report, run_job, until_job_ends, window

_LONGEST_RENDER_S = 300.0


def put_a_character_before_the_camera() -> Pause:
    """The artist's own scene, saved."""
    build_character(HEAD)
    scene = bpy.context.scene
    scene.render.filepath = "//render/figur."
    scene.reggan.presets = scene.reggan.blend = scene.reggan.output_path = ""
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
    end = time.monotonic() + _LONGEST_RENDER_S
    while not job_runs():
        assert time.monotonic() < end, "the change did not begin"
        yield 0.1
    yield from until_job_ends("render_and_apply")
    yield 1.0
    report["smile"] = {"seconds": round(time.monotonic() - began, 1)}
    _assert_smile(OUT / "render", OUT / "render" / "figur_happy")
    scene.frame_set(FRAMES)
    yield 1.0
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
    smile_by_the_rig,
)
