"""Where a rigged, long-haired head has its face: in real Blender, on a head made here.

The head looks along -Y. Its eyes, mouth and hair are where `EYES`, `MOUTH` and `make_wig` put them.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Matrix, Vector  # noqa: E402

from blender_addon.operators.track_head import work_of_tracking  # noqa: E402
from blender_addon.scene.head_landmarks import FoundHead  # noqa: E402
from blender_addon.second_blender import head_tracker  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

HEAD = Vector((0.0, 0.0, 1.6))
EYES = {"Left": Vector((0.032, -0.083, 0.01)), "Right": Vector((-0.032, -0.083, 0.01))}
MOUTH = Vector((0.0, -0.084, -0.065))
BEARD = Vector((0.0, -0.06, -0.13))
EYE_DISTANCE = 0.064


@pytest.fixture
def character() -> Any:
    """An armature whose bone `Head` moves a head with face shapes and a wig down to the waist."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    rig = make_rig()
    make_head(rig)
    make_wig(rig, "Mesh.003")
    settings = bpy.context.scene.reggan_head
    settings.head, settings.bone = rig, "Head"
    bpy.context.view_layer.update()
    return rig


def make_rig() -> Any:
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    for name, parent, head, tail in (
        ("Spine", None, (0, 0, 1.0), (0, 0, 1.4)),
        ("Head", "Spine", (0, 0, 1.5), (0, 0, 1.75)),
    ):
        bone = bones.new(name)
        bone.head, bone.tail, bone.parent = head, tail, bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def weighted_to_head(rig: Any, name: str, size: tuple[float, ...], middle: Vector) -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=48, ring_count=32)
    thing = bpy.context.object
    thing.name = name
    thing.data.transform(Matrix.Translation(middle) @ Matrix.Diagonal((*size, 1)))
    thing.vertex_groups.new(name="Head").add(range(len(thing.data.vertices)), 1.0, "REPLACE")
    thing.modifiers.new("Rig", "ARMATURE").object = rig
    return thing


def make_head(rig: Any) -> Any:
    head = weighted_to_head(rig, "Body", (0.08, 0.095, 0.12), HEAD)
    places = {f"eyeBlink{side}": place for side, place in EYES.items()} | {"mouthPucker": MOUTH}
    head.shape_key_add(name="Basis")
    for name, place in places.items():
        key = head.shape_key_add(name=name)
        for vertex, point in zip(head.data.vertices, key.data, strict=True):
            away = (vertex.co - HEAD - place).length / 0.02
            point.co = vertex.co + Vector((0, -0.004, 0)) * math.exp(-away * away)
    return head


def make_wig(rig: Any, name: str) -> Any:
    return weighted_to_head(rig, name, (0.12, 0.09, 0.45), HEAD + Vector((0, 0.06, -0.3)))


def found() -> tuple[FoundHead, list[Vector]]:
    settings, depsgraph = bpy.context.scene.reggan_head, bpy.context.evaluated_depsgraph_get()
    head = FoundHead(settings, depsgraph)
    return head, [Vector(point) - HEAD for point in head.points(settings, depsgraph)]


def assert_on_the_face(points: list[Vector], most: float) -> None:
    """As seen from the front, in eye distances."""
    off = off_from_the_face(points)
    assert off < most, f"an eye or the mouth is off by {off:.2f} eye distances"


def off_from_the_face(points: list[Vector]) -> float:
    """How far an eye or the mouth is off at most, in eye distances, as seen from the front."""
    left, right, _, mouth_left, mouth_right, _ = points
    places = ((left, EYES["Left"]), (right, EYES["Right"]), ((mouth_left + mouth_right) / 2, MOUTH))
    return max((place - wanted).xz.length for place, wanted in places) / EYE_DISTANCE


def test_face_shapes_tell_where_the_face_is_whatever_the_hair(character: Any) -> None:
    head, points = found()
    assert head.found_by == "its face shapes"
    assert_on_the_face(points, 0.1)


def test_sides_named_as_a_viewer_sees_them_are_turned_round(character: Any) -> None:
    keys = bpy.data.objects["Body"].data.shape_keys.key_blocks
    keys["eyeBlinkLeft"].name, keys["eyeBlinkRight"].name = "was left", "eyeBlinkLeft"
    keys["was left"].name = "eyeBlinkRight"
    assert_on_the_face(found()[1], 0.1)


@pytest.mark.parametrize("name", ["Wig", "Hair_long.001", "F_Haare", "MyHairCards"])
def test_hair_by_its_name_is_no_part_of_a_box(character: Any, name: str) -> None:
    bpy.data.objects["Body"].shape_key_clear()
    bpy.data.objects["Mesh.003"].name = name
    head, points = found()
    assert head.found_by.startswith("the box")
    assert_on_the_face(points, 0.5)


def test_hair_by_its_material_is_no_part_of_a_box(character: Any) -> None:
    body, wig = bpy.data.objects["Body"], bpy.data.objects["Mesh.003"]
    body.shape_key_clear()
    for thing, name in ((body, "Skin"), (wig, "M_Hair")):
        thing.data.materials.append(bpy.data.materials.new(name))
    with bpy.context.temp_override(
        active_object=body, object=body, selected_editable_objects=[body, wig]
    ):
        bpy.ops.object.join()
    assert len(body.data.materials) == 2
    assert_on_the_face(found()[1], 0.5)


def test_eye_bones_are_better_than_a_box(character: Any) -> None:
    bpy.data.objects["Body"].shape_key_clear()
    behind = Vector((0, 0.02, 0))
    for name, place in (("eye.L", EYES["Left"]), ("eye.R", EYES["Right"]), ("lip.T", MOUTH)):
        add_bone(character, name, HEAD + place + behind)
    head, points = found()
    assert head.found_by == "its eye bones"
    assert_on_the_face(points, 0.05)


def test_a_jaw_tells_how_far_down_a_face_goes_whatever_hangs_on_it(character: Any) -> None:
    """A beard of no name, in the mesh of the face."""
    body, wig = bpy.data.objects["Body"], bpy.data.objects["Mesh.003"]
    body.shape_key_clear()
    bpy.data.objects.remove(wig)
    beard = weighted_to_head(character, "Mesh.004", (0.03, 0.03, 0.04), HEAD + BEARD)
    with bpy.context.temp_override(
        active_object=body, object=body, selected_editable_objects=[body, beard]
    ):
        bpy.ops.object.join()
    assert off_from_the_face(found()[1]) > 0.5
    add_jaw(character, body)
    head, points = found()
    assert head.found_by == "its jaw and the box around it, Front -Y"
    assert off_from_the_face(points) < 0.25


def test_a_jaw_tells_of_the_mouth_below_known_eyes(character: Any) -> None:
    body = bpy.data.objects["Body"]
    body.shape_key_clear()
    for side, place in EYES.items():  # large ones, far apart
        add_bone(character, f"eye.{side[0]}", HEAD + place + Vector((place.x, 0.02, 0)))
    far = found()[1][3]
    add_jaw(character, body)
    near = found()[1][3]
    assert abs(near.z - MOUTH.z) < 0.01 < abs(far.z - MOUTH.z)


def add_bone(rig: Any, name: str, place: Vector) -> None:
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    bone = bones.new(name)
    bone.head, bone.parent = place, bones["Head"]
    bone.tail = bone.head + Vector((0, -0.01, 0))
    bpy.ops.object.mode_set(mode="OBJECT")


def add_jaw(rig: Any, body: Any) -> None:
    """Its vertices reach from the mouth down, and no further back than the ears."""
    add_bone(rig, "Jaw", HEAD)
    jaw = body.vertex_groups.new(name="Jaw")
    for vertex in body.data.vertices:
        from_head = vertex.co - HEAD
        is_of_head = (from_head.x / 0.08) ** 2 + (from_head.y / 0.095) ** 2 < 1.01
        if is_of_head and -0.125 < from_head.z < MOUTH.z and from_head.y < 0:
            body.vertex_groups["Head"].remove([vertex.index])
            jaw.add([vertex.index], 1.0, "REPLACE")


def seen_by_camera(tmp_path: Path, turns: Mapping[int, float]) -> dict[str, Any]:
    """Account and faces of a shot in which the head turns; degrees by frame."""
    scene, rig = bpy.context.scene, bpy.data.objects["Rig"]
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1.2, 1.6), (math.pi / 2, 0, 0)
    scene.camera, scene.frame_start, scene.frame_end = camera, min(turns), max(turns)
    bone = rig.pose.bones["Head"]
    bone.rotation_mode = "XYZ"
    for frame, turn in turns.items():
        bone.rotation_euler.y = math.radians(turn)  # the bone points upwards
        bone.keyframe_insert("rotation_euler", frame=frame)
    with tempfile.TemporaryDirectory() as folder:
        asked = work_of_tracking(bpy.context, Path("none"), Path(folder))
        head_tracker.run(json.loads(json.dumps(asked)), lambda *_, **__: None)
        frames = json.loads(Path(asked["tracks"]).read_text())["frames"]
        account = json.loads(Path(asked["account"]).read_text())
    faces = {int(name): entry["faces"][0] for name, entry in frames.items()}
    return {"account": account, "faces": faces}


def test_bones_in_the_head_do_not_hide_their_own_face(character: Any, tmp_path: Path) -> None:
    """Eyes in the middle of their balls, the mouth between the teeth."""
    for name, place in (("left_eye", EYES["Left"]), ("right_eye", EYES["Right"]), ("mouth", MOUTH)):
        empty = bpy.data.objects.new(name, None)
        bpy.context.collection.objects.link(empty)
        empty.parent, empty.parent_type, empty.parent_bone = character, "BONE", "Head"
        bpy.context.view_layer.update()
        empty.matrix_world = Matrix.Translation(HEAD + place + Vector((0, 0.035, 0)))
        setattr(bpy.context.scene.reggan_head, name, empty)
    seen = seen_by_camera(tmp_path, {1: 0, 2: 15, 3: 35, 4: 45, 5: 180})
    statuses = [seen["faces"][frame]["status"] for frame in range(1, 6)]
    assert statuses == ["given", "given", "given", "given", "occluded"]
    assert seen["account"]["left_out"] == [
        "Frame 5 will not change: the face is hidden by something before it."
    ]
    assert "in sight in 4 of 5 frames" in seen["account"]["summary"]


def test_exchanged_eyes_are_noticed(character: Any, tmp_path: Path) -> None:
    for name, side in (("left_eye", "Right"), ("right_eye", "Left")):
        empty = bpy.data.objects.new(name, None)
        bpy.context.collection.objects.link(empty)
        empty.location = HEAD + EYES[side] * 1.2
        setattr(bpy.context.scene.reggan_head, name, empty)
    mouth = bpy.data.objects.new("mouth", None)
    bpy.context.collection.objects.link(mouth)
    mouth.location = HEAD + MOUTH * 1.2
    bpy.context.scene.reggan_head.mouth = mouth
    bpy.context.view_layer.update()
    with pytest.raises(Exception, match="Left Eye and Right Eye are exchanged"):
        seen_by_camera(tmp_path, {1: 0})


def test_points_are_placed_on_the_face_and_may_be_dragged(character: Any, tmp_path: Path) -> None:
    settings = bpy.context.scene.reggan_head
    assert bpy.ops.reggan.place_points() == {"FINISHED"}
    bpy.context.view_layer.update()
    for name, wanted in (
        ("left_eye", EYES["Left"]),
        ("right_eye", EYES["Right"]),
        ("mouth", MOUTH),
    ):
        place = getattr(settings, name).matrix_world.translation - HEAD
        assert (place - wanted).xz.length < 0.1 * EYE_DISTANCE, name
    assert not bpy.ops.reggan.place_points.poll()
    straight = seen_by_camera(tmp_path, {1: 0})["faces"][1]["landmarks"]["left_eye"]
    settings.left_eye.matrix_world.translation.z += 0.01
    bpy.context.view_layer.update()
    dragged = seen_by_camera(tmp_path, {1: 0})["faces"][1]["landmarks"]["left_eye"]
    assert dragged[1] < straight[1] - 3
    turned = seen_by_camera(tmp_path, {1: 0, 2: 20})["faces"]
    assert turned[2]["landmarks"]["left_eye"][0] > turned[1]["landmarks"]["left_eye"][0] + 3


def test_a_bone_that_does_not_move_the_face_is_refused(character: Any, tmp_path: Path) -> None:
    """Of one mesh, a hand and the spine carry vertices, too; a bone that moves alike is as good."""
    body, settings = bpy.data.objects["Body"], bpy.context.scene.reggan_head
    hand = weighted_to_head(character, "Hand", (0.03, 0.03, 0.05), HEAD + Vector((0.5, 0, -0.6)))
    hand.vertex_groups["Head"].name = "Hand.L"
    add_bone(character, "Hand.L", HEAD + Vector((0.5, 0, -0.6)))
    bpy.ops.object.mode_set(mode="EDIT")
    bones = character.data.edit_bones
    bones["Hand.L"].parent = bones["Spine"]
    bpy.ops.object.mode_set(mode="OBJECT")
    with bpy.context.temp_override(
        active_object=body, object=body, selected_editable_objects=[body, hand]
    ):
        bpy.ops.object.join()
    turns = {1: 0, 2: 25}
    for bone in ("Hand.L", "Spine"):
        settings.bone = bone
        with pytest.raises(Exception, match=rf"with the bone {bone}.*Choose Head as Bone"):
            seen_by_camera(tmp_path, turns)
    settings.bone = "Head"
    assert seen_by_camera(tmp_path, turns)["account"]["left_out"] == []
    settings.bone = "Spine"
    assert seen_by_camera(tmp_path, {1: 0, 2: 0})["faces"][2]["status"] == "given"


def test_the_bone_of_the_face_is_chosen_with_its_armature(character: Any) -> None:
    settings = bpy.context.scene.reggan_head
    settings.head, settings.bone = None, ""
    settings.head = character
    assert settings.bone == "Head"
