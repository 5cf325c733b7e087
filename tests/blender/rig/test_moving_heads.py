"""Heads that turn, hide, hang on bones, or are two."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Vector  # noqa: E402

from .tracked_head import (  # noqa: E402
    EYES_AND_MOUTH,
    SIZE,
    only_face,
    rig,
    seen_by_blender,
    track,
    track_by_button,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


def test_the_head_turns_with_its_object(scene: Any) -> None:
    head = scene.reggan_head.head
    head.rotation_euler = (0, 0, 0)
    head.keyframe_insert("rotation_euler", frame=1001)
    head.rotation_euler = (0, 0, math.radians(30))
    head.keyframe_insert("rotation_euler", frame=1003)
    scene.frame_set(1002)
    frames = track_by_button(scene)
    assert scene.frame_current == 1002
    assert frames == track(scene)  # what runs in the other tests is the same
    noses = [only_face(frames, frame)["landmarks"]["nose_tip"][0] for frame in (1001, 1002, 1003)]
    assert noses[0] == pytest.approx(SIZE[0] / 2, abs=0.01)
    assert noses[0] < noses[1] < noses[2]  # to its own left


def test_behind_outside_and_occluded_are_marked(scene: Any) -> None:
    head = scene.reggan_head.head
    for frame, place in ((1001, (0, 0, 0)), (1002, (3, 0, 0)), (1003, (0, -2, 0))):
        head.location = place
        head.keyframe_insert("location", frame=frame)
    statuses = [only_face(track(scene), frame)["status"] for frame in (1001, 1002, 1003)]
    assert statuses == ["given", "outside", "behind"]
    bpy.ops.mesh.primitive_plane_add(size=1, location=(0, -0.5, 0), rotation=(math.pi / 2, 0, 0))
    wall = bpy.context.object
    assert only_face(track(scene))["status"] == "occluded"
    wall.hide_render = True
    assert only_face(track(scene))["status"] == "given"
    wall.hide_render, wall.visible_camera = False, False
    assert only_face(track(scene))["status"] == "given"
    wall.visible_camera = True
    wall.location.x = 0.51  # before the face's own left half
    half = only_face(track(scene))
    assert half["status"] == "given"
    assert 0.4 < half["score"] < 1
    scene.reggan_head.tests_occlusion = False
    wall.location.x = 0
    assert only_face(track(scene))["status"] == "given"


def test_a_head_seen_from_behind_is_occluded_by_itself(scene: Any) -> None:
    head = scene.reggan_head.head
    scene.reggan_head.front = "-Y"
    for turn_deg, wanted in ((0, "given"), (60, "given"), (180, "occluded")):
        head.rotation_euler.z = math.radians(turn_deg)
        bpy.context.view_layer.update()
        assert only_face(track(scene))["status"] == wanted, turn_deg


def test_a_bone_moves_the_vertices_that_follow_it(scene: Any) -> None:
    head = scene.reggan_head.head
    armature = rig(head)
    assert not bpy.ops.reggan.track_head.poll()  # the mesh alone does not say how it turns
    scene.reggan_head.head = armature
    assert not bpy.ops.reggan.track_head.poll()
    scene.reggan_head.bone = "Head"
    straight = only_face(track(scene))
    armature.pose.bones["Head"].rotation_mode = "XYZ"
    armature.pose.bones["Head"].rotation_euler.y = math.radians(25)  # the bone points upwards
    turned = only_face(track(scene))
    assert straight["landmarks"]["nose_tip"][0] == pytest.approx(SIZE[0] / 2, abs=0.1)
    assert turned["landmarks"]["nose_tip"][0] > SIZE[0] / 2 + 5
    assert turned["landmarks"]["chin"][1] == pytest.approx(straight["landmarks"]["chin"][1], abs=4)


def test_bones_can_be_eyes_and_mouth(scene: Any) -> None:
    armature = rig(scene.reggan_head.head)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, place in EYES_AND_MOUTH.items():
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = place, Vector(place) + Vector((0, -0.01, 0))
    bpy.ops.object.mode_set(mode="OBJECT")
    for name in EYES_AND_MOUTH:
        setattr(scene.reggan_head, name, armature)
        setattr(scene.reggan_head, f"{name}_bone", name)
    landmarks = only_face(track(scene))["landmarks"]
    for name in ("left_eye", "right_eye"):
        wanted = seen_by_blender(scene, EYES_AND_MOUTH[name])
        assert landmarks[name] == pytest.approx(wanted, abs=0.2)


def test_two_heads_share_a_file_and_cameras_cut(scene: Any) -> None:
    track_by_button(scene)
    scene.reggan_head.face_number = 1
    other = scene.camera.copy()
    bpy.context.collection.objects.link(other)
    for frame, camera in ((1001, scene.camera), (1003, other)):
        marker = scene.timeline_markers.new(camera.name, frame=frame)
        marker.camera = camera
    frames = track_by_button(scene)
    assert sorted(face["face"] for face in frames["1002"]["faces"]) == [0, 1]
    path = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    assert json.loads(path.read_text(encoding="utf-8"))["cuts"] == ["1003"]
