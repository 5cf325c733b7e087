"""A head before a camera, tracked by what Blender knows of it, and what the tests of it share."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from blender_addon.operators.track_head import work_of_tracking
from blender_addon.second_blender import head_tracker

SIZE = (640, 360)
EYES_AND_MOUTH = {
    "left_eye": (0.03, -0.09, 0.02),
    "right_eye": (-0.03, -0.09, 0.02),
    "mouth": (0.0, -0.09, -0.05),
}
"""On a head whose middle is its origin, 0.18 wide and deep, in metres; it looks along -Y."""


def name_eyes_and_mouth(scene: Any) -> dict[str, Any]:
    """Empties on the head for its eyes and mouth, chosen in the settings."""
    head, empties = scene.reggan_head.head, {}
    for name, place in EYES_AND_MOUTH.items():
        empty = bpy.data.objects.new(name, None)
        bpy.context.collection.objects.link(empty)
        empty.parent, empty.location = head, place
        setattr(scene.reggan_head, name, empty)
        empties[name] = empty
    bpy.context.view_layer.update()
    return empties


def track(scene: Any) -> Mapping[str, Any]:
    """The frames of the tracks, made here: a second Blender would take seconds to start."""
    with tempfile.TemporaryDirectory() as folder:
        asked = work_of_tracking(bpy.context, Path("none"), Path(folder))
        head_tracker.run(json.loads(json.dumps(asked)), lambda *_, **__: None)
        return frames_in(Path(asked["tracks"]))


def frames_in(path: Path) -> Mapping[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))["frames"])


def track_by_button(scene: Any) -> Mapping[str, Any]:
    assert bpy.ops.reggan.track_head() == {"FINISHED"}
    assert not list(Path(bpy.app.tempdir).rglob("copy.blend"))  # of a file that may be large
    assert scene.reggan.rig_tracks.startswith("//")
    return frames_in(Path(bpy.path.abspath(scene.reggan.rig_tracks)))


def only_face(frames: Mapping[str, Any], frame: int = 1001) -> Mapping[str, Any]:
    (face,) = frames[str(frame)]["faces"]
    return dict(face)


def seen_by_blender(scene: Any, point: Any) -> tuple[float, float]:
    """Pixels from the top left corner of the whole picture, by `world_to_camera_view`."""
    share = world_to_camera_view(scene, scene.camera, Vector(point))
    render = scene.render
    width, height = (
        size * render.resolution_percentage // 100
        for size in (render.resolution_x, render.resolution_y)
    )
    return share.x * width, (1 - share.y) * height


def rig(head: Any) -> Any:
    """An armature whose upright bone `Head` moves all vertices of the mesh."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("Head")
    bone.head, bone.tail = (0, 0, -0.12), (0, 0.01, 0.12)
    bpy.ops.object.mode_set(mode="OBJECT")
    head.vertex_groups.new(name="Head").add(range(len(head.data.vertices)), 1.0, "REPLACE")
    head.modifiers.new("Rig", "ARMATURE").object = armature
    return armature
