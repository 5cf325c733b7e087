"""Tracked points: against geometry, Blender's own projection and renders."""

import ctypes.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from .tracked_head import (  # noqa: E402
    EYES_AND_MOUTH,
    SIZE,
    name_eyes_and_mouth,
    only_face,
    seen_by_blender,
    track,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


def test_eyes_are_where_a_pinhole_camera_sees_them(scene: Any) -> None:
    name_eyes_and_mouth(scene)
    face = only_face(track(scene))
    focal_px = scene.camera.data.lens / scene.camera.data.sensor_width * SIZE[0]
    x, _, z = EYES_AND_MOUTH["left_eye"]
    wanted = (SIZE[0] / 2 + focal_px * x / 0.91, SIZE[1] / 2 - focal_px * z / 0.91)
    assert face["landmarks"]["left_eye"] == pytest.approx(wanted, abs=0.01)
    assert (face["status"], face["score"]) == ("given", 1)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"data.type": "ORTHO", "data.ortho_scale": 0.7},
        {"data.shift_x": 0.2, "data.shift_y": -0.15},
        {"data.sensor_fit": "VERTICAL", "data.sensor_height": 20.0},
        {"render.resolution_x": 300, "render.resolution_y": 700},
        {"render.resolution_percentage": 37},
        {"render.pixel_aspect_x": 2.0},
        {"render.pixel_aspect_y": 1.5, "data.sensor_fit": "HORIZONTAL"},
        {"scale": (2, 2, 2), "rotation_euler": (1.5, 0.1, 0.05)},
    ],
    ids=str,
)
def test_points_are_where_blender_projects_them(scene: Any, change: Mapping[str, Any]) -> None:
    empties = name_eyes_and_mouth(scene)
    for path, value in change.items():
        holder: Any = scene if path.startswith("render") else scene.camera
        *way, name = path.split(".")
        for step in way:
            holder = getattr(holder, step)
        setattr(holder, name, value)
    bpy.context.view_layer.update()
    landmarks = only_face(track(scene))["landmarks"]
    for name in ("left_eye", "right_eye"):
        wanted = seen_by_blender(scene, empties[name].matrix_world.translation)
        assert landmarks[name] == pytest.approx(wanted, abs=0.2), name
    middle = [
        (a + b) / 2 for a, b in zip(landmarks["mouth_left"], landmarks["mouth_right"], strict=True)
    ]
    wanted = seen_by_blender(scene, empties["mouth"].matrix_world.translation)
    assert middle == pytest.approx(wanted, abs=1)


@pytest.mark.skipif(not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL")
@pytest.mark.parametrize("crops", [False, True])
def test_points_are_where_a_render_shows_them(scene: Any, tmp_path: Path, crops: bool) -> None:
    empties = name_eyes_and_mouth(scene)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.004, segments=12, ring_count=8)
    marker = bpy.context.object
    marker.parent = empties["left_eye"]
    scene.reggan_head.head.hide_render = True
    render = scene.render
    render.engine, render.film_transparent = "BLENDER_WORKBENCH", True
    render.resolution_percentage = 73
    render.use_border = render.use_crop_to_border = crops
    render.border_min_x, render.border_max_x = 0.301, 0.77
    render.border_min_y, render.border_max_y = 0.213, 0.871
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    render.filepath = str(tmp_path / "marker.png")
    landmarks = only_face(track(scene))["landmarks"]
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(render.filepath)
    width, height = picture.size
    alpha = picture.pixels[:][3::4]
    lit = [(i % width + 0.5, height - i // width - 0.5) for i, a in enumerate(alpha) if a > 0.5]
    centre = [sum(place[axis] for place in lit) / len(lit) for axis in (0, 1)]
    assert len(lit) > 8
    assert landmarks["left_eye"] == pytest.approx(centre, abs=0.5)
    assert (width < 467) == crops


def test_a_bare_head_has_usual_proportions_in_its_box(scene: Any) -> None:
    landmarks = only_face(track(scene))["landmarks"]
    left, right = landmarks["left_eye"], landmarks["right_eye"]
    middle_x = SIZE[0] / 2
    assert left[0] - middle_x == pytest.approx(middle_x - right[0], abs=0.01)
    assert left[0] > middle_x  # its own left is on the picture's right
    assert left[1] == pytest.approx(right[1], abs=0.01)
    tops = [landmarks[name][1] for name in ("left_eye", "nose_tip", "mouth_left", "chin")]
    assert tops == sorted(tops)
    bottom = seen_by_blender(scene, (0, -0.06, -0.12))[1]
    assert bottom - 20 < landmarks["chin"][1] < bottom
