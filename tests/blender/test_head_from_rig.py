"""Tracks of a head that Blender knows: against geometry, Blender's own projection and renders."""

import ctypes.util
import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Matrix, Vector  # noqa: E402

from blender_addon.bridge import blender_process  # noqa: E402
from blender_addon.head_settings import named_values  # noqa: E402
from blender_addon.operators.head_from_rig import TrackHead, work_of_tracking  # noqa: E402
from blender_addon.second_blender import head_tracker, start  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SIZE = (640, 360)
EYES_AND_MOUTH = {
    "left_eye": (0.03, -0.09, 0.02),
    "right_eye": (-0.03, -0.09, 0.02),
    "mouth": (0.0, -0.09, -0.05),
}
"""On a head whose middle is its origin, 0.18 wide and deep, in metres; it looks along -Y."""


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A head before a camera at (0, -1, 0), in a saved file; three frames."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=24, ring_count=16)
    head = bpy.context.object
    head.name = "Kopf Ä 頭"
    head.data.transform(Matrix.Diagonal((0.09, 0.09, 0.12, 1)))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -1, 0), (math.pi / 2, 0, 0)
    scene = bpy.context.scene
    scene.camera = camera
    scene.frame_start, scene.frame_end = 1001, 1003
    render = scene.render
    render.resolution_x, render.resolution_y = SIZE
    render.resolution_percentage = 100
    scene.reggan_head.head = head
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Szene ü 1.blend"))
    return scene


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


def test_what_is_missing_is_said(scene: Any) -> None:
    scene.reggan_head.mouth = scene.camera
    assert not bpy.ops.reggan.track_head.poll()
    scene.reggan_head.mouth = None
    scene.camera.data.type = "PANO"
    assert not bpy.ops.reggan.track_head.poll()
    scene.camera.data.type = "PERSP"
    scene.reggan.rig_tracks = "//notes.json"
    path = Path(bpy.path.abspath("//notes.json"))
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(RuntimeError, match="Name another file, or delete it"):
        bpy.ops.reggan.track_head()
    assert path.read_text(encoding="utf-8") == "[]"
    assert not list(path.parent.glob(".*"))


def test_an_unsaved_file_has_no_folder(empty_file: None) -> None:
    bpy.context.scene.reggan_head.head = bpy.data.objects["Cube"]
    with pytest.raises(RuntimeError, match="never saved"):
        bpy.ops.reggan.track_head()


@pytest.mark.skipif(not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL")
def test_render_takes_the_tracks_and_changes_that_place(
    scene: Any, tmp_path: Path, reggan_python: Path
) -> None:
    scene.reggan_head.head.location = (0.1, 0, 0.05)
    scene.frame_end = 1002
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.image_settings.file_format = "PNG"
    render.filepath = str(tmp_path / "shot" / "bild.")
    bpy.ops.render.render(animation=True)
    x, y, width, height = only_face(track_by_button(scene))["box"]
    tracks = bpy.path.abspath(scene.reggan.rig_tracks)
    arguments = ("--expression", "surprised", "--tracks", tracks, "--out", str(tmp_path / "out"))
    command = [str(reggan_python), "-m", "reggan_plugin", "render", "--frames"]
    subprocess.run([*command, str(tmp_path / "shot"), *arguments], check=True, capture_output=True)
    before, after = (
        bpy.data.images.load(str(tmp_path / folder / "bild.1001.png")).pixels[:]
        for folder in ("shot", "out")
    )
    changed = [i // 4 for i in range(len(before)) if before[i] != after[i]]
    columns = [i % SIZE[0] for i in changed]
    rows = [SIZE[1] - 1 - i // SIZE[0] for i in changed]
    assert len(changed) > 500
    assert x + width / 2 == pytest.approx((min(columns) + max(columns)) / 2, abs=width / 4)
    assert y < sum(rows) / len(rows) < y + height
    assert max(columns) - min(columns) < 2 * width


def test_another_scene_is_tracked_as_its_own(scene: Any) -> None:
    """In a file that opens on the first one, where the head looks elsewhere just now."""
    head = scene.reggan_head.head
    for frame, place, turn in ((1001, (0.2, 0, 0), math.pi), (1003, (0, 0, 0), 0)):
        head.location, head.rotation_euler.z = place, turn
        head.keyframe_insert("location", frame=frame)
        head.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_set(1003)
    other = scene.copy()
    other.name, other.use_fake_user = "Zweite Szene ö", True  # no window shows it: it is kept so
    other.frame_end = 1001
    with bpy.context.temp_override(scene=other, view_layer=other.view_layers[0]):
        assert bpy.ops.reggan.track_head() == {"FINISHED"}
    face = only_face(frames_in(Path(bpy.path.abspath(other.reggan.rig_tracks))))
    assert not scene.reggan.rig_tracks
    assert face["status"] == "given"  # it looks at the camera there: that is its front
    focal_px = scene.camera.data.lens / scene.camera.data.sensor_width * SIZE[0]
    wanted = SIZE[0] / 2 + 0.2 * focal_px / 0.91
    assert face["landmarks"]["nose_tip"][0] == pytest.approx(wanted, abs=0.5)


def files_beside(scene: Any) -> list[str]:
    return sorted(path.name for path in Path(bpy.data.filepath).parent.iterdir())


def test_cancelling_leaves_the_old_tracks(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    track_by_button(scene)
    path = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    before, listed = path.read_bytes(), files_beside(scene)
    begin = TrackHead.job

    def begin_and_cancel(operator: Any, context: Any) -> Any:
        job = begin(operator, context)
        while job.poll().done < 2:
            pass
        job.cancel()
        return job

    monkeypatch.setattr(TrackHead, "job", begin_and_cancel)
    scene.frame_end = 100_000
    assert bpy.ops.reggan.track_head() == {"CANCELLED"}
    assert (path.read_bytes(), files_beside(scene)) == (before, listed)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        ("import os; os.abort()", "signal 6.*Close other programs"),
        ("import sys; sys.exit('no licence')", "no licence.*restart Blender"),
        ("raise OSError('No space left')", "stopped: No space left. Mend that and run it again"),
        ("raise KeyError('Kopf')", "KeyError: 'Kopf'"),
    ],
)
def test_a_second_blender_that_ends_badly_says_what_to_do(
    scene: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, breaks: str, words: str
) -> None:
    broken = tmp_path / "addon" / "second_blender"
    shutil.copytree(Path(start.__file__).parent, broken)
    shutil.copytree(Path(blender_process.__file__).parent, broken.parent / "bridge")
    (broken.parent / "__init__.py").touch()
    (broken / "head_tracker.py").write_text(f"def run(asked, say): {breaks}")
    monkeypatch.setattr(blender_process, "_SCRIPT", broken / "script.py")
    listed = files_beside(scene)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.reggan.track_head()
    assert not scene.reggan.rig_tracks
    assert files_beside(scene) == listed


def test_what_the_copy_lacks_is_named(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the head of a library that cannot be found."""
    names = {**named_values(scene.reggan_head), "head": "Kopf [fehlt.blend]"}
    monkeypatch.setattr("blender_addon.operators.head_from_rig.named_values", lambda _: names)
    with pytest.raises(RuntimeError, match=r"Kopf \[fehlt.blend\] is not in the copy.*library"):
        bpy.ops.reggan.track_head()


def test_a_scene_that_is_gone_at_the_end_is_named(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = TrackHead.job

    def begin_and_rename(operator: Any, context: Any) -> Any:
        job = begin(operator, context)
        scene.name = "Andere"
        return job

    monkeypatch.setattr(TrackHead, "job", begin_and_rename)
    with pytest.raises(RuntimeError, match=r"renamed or removed.*track it again"):
        bpy.ops.reggan.track_head()
    assert not scene.reggan.rig_tracks
