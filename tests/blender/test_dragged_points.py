"""Eyes and mouth over a picture of the shot: where they are drawn, and how they are dragged."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Matrix  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SIZE = (640, 360)


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A head that turns, before a camera at (0, -1, 0)."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=24, ring_count=16)
    head = bpy.context.object
    head.data.transform(Matrix.Diagonal((0.09, 0.09, 0.12, 1)))
    for frame, turn in ((1, 0.0), (10, 0.5)):
        head.rotation_euler.z = turn
        head.keyframe_insert("rotation_euler", frame=frame)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.1, -1, 0.05), (math.pi / 2, 0, 0)
    scene = bpy.context.scene
    scene.camera, scene.reggan_head.head = camera, head
    scene.frame_start, scene.frame_end = 1, 10
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.frame_set(5)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    return scene


def handles() -> Any:
    from blender_addon.scene.face_handles import face_handles

    return face_handles(bpy.context)


def seen(thing: Any) -> tuple[float, float]:
    """Pixel of an object's origin, by Blender's own projection."""
    bpy.context.view_layer.update()
    u, v, _ = world_to_camera_view(
        bpy.context.scene, bpy.context.scene.camera, thing.matrix_world.translation
    )
    return u * SIZE[0], (1 - v) * SIZE[1]


def test_without_a_tracked_or_named_head_nothing_is_drawn(scene: Any) -> None:
    assert handles() is None


def test_named_points_are_drawn_where_the_camera_sees_them(scene: Any) -> None:
    bpy.ops.reggan.place_points()
    drawn = handles()
    assert drawn.size == drawn.whole == SIZE
    assert set(drawn.handles) == {"left_eye", "right_eye", "mouth"}
    for name, pixel in drawn.handles.items():
        assert pixel == pytest.approx(seen(getattr(scene.reggan_head, name)), abs=0.05)


def test_tracked_landmarks_are_drawn_in_their_frame(scene: Any) -> None:
    bpy.ops.reggan.track_head()
    tracks = Path(bpy.path.abspath(scene.reggan.rig_tracks))
    entry = json.loads(tracks.read_text())["frames"]["5"]["faces"][0]["landmarks"]
    drawn = handles()
    assert drawn.landmarks == (tuple(tuple(point) for point in entry.values()),)
    assert drawn.handles["left_eye"] == tuple(entry["left_eye"])
    scene.frame_set(9)
    assert handles().landmarks != drawn.landmarks
    scene.render.resolution_percentage *= 2  # their pixels are those of the tracked pictures
    assert handles() is None
    scene.render.resolution_percentage //= 2
    assert handles().landmarks


def test_a_dragged_point_is_where_it_was_dropped_and_goes_on_with_the_head(scene: Any) -> None:
    before = scene.camera.matrix_world.inverted()
    assert bpy.ops.reggan.drag_point(point="mouth", x=300.0, y=222.0) == {"FINISHED"}
    mouth = scene.reggan_head.mouth  # empties were placed on the way
    assert seen(mouth) == pytest.approx((300, 222), abs=0.1)
    assert handles().handles["mouth"] == pytest.approx((300, 222), abs=0.1)
    assert scene.reggan.tracks_account == "The points were moved. Press Track Head"
    depth = (before @ mouth.matrix_world.translation).z
    bpy.ops.reggan.drag_point(point="mouth", x=310.0, y=215.0)
    bpy.context.view_layer.update()
    assert (before @ mouth.matrix_world.translation).z == pytest.approx(depth, abs=1e-4)
    place = seen(mouth)
    scene.frame_set(10)
    assert math.dist(seen(mouth), place) > 3
    bpy.ops.reggan.track_head()
    assert "mouth" in scene.reggan.tracks_account.lower()
    scene.reggan_head.head = scene.camera
    assert not scene.reggan.tracks_account  # it was said of another head


def test_what_moves_with_the_rig_is_not_dragged_off_it(scene: Any) -> None:
    bpy.ops.reggan.place_points()
    scene.reggan_head.mouth = scene.reggan_head.head
    with pytest.raises(RuntimeError, match=r"Mouth is Sphere.*Place Points"):
        bpy.ops.reggan.drag_point(point="mouth", x=300.0, y=222.0)


def test_a_part_of_the_picture_has_its_own_corner(scene: Any) -> None:
    bpy.ops.reggan.place_points()
    whole = handles()
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.25, 0.75
    render.border_min_y, render.border_max_y = 0.0, 0.5
    part = handles()
    assert (part.size, part.origin, part.whole) == ((320, 180), (160, 180), SIZE)
    for name, (x, y) in whole.handles.items():
        assert part.handles[name] == pytest.approx((x - 160, y - 180), abs=0.01)
    bpy.ops.reggan.drag_point(point="mouth", x=100.0, y=20.0)
    assert handles().handles["mouth"] == pytest.approx((100, 20), abs=0.1)


def test_points_are_drawn_over_pictures_of_their_own_frame_alone(
    scene: Any, tmp_path: Path
) -> None:
    from blender_addon.operators.face_points import place_in_image

    bpy.ops.reggan.place_points()
    view = SimpleNamespace(view_to_region=lambda u, v, clip: (u, v))

    def is_drawn_over(name: str, size: tuple[int, int] = SIZE) -> bool:
        image = bpy.data.images.new(name, *size)
        image.filepath_raw, image.file_format = str(tmp_path / f"{name}.png"), "PNG"
        image.save()
        shown = bpy.data.images.load(image.filepath_raw)
        space = SimpleNamespace(image=shown)
        context = SimpleNamespace(space_data=space, region=SimpleNamespace(view2d=view))
        return place_in_image(context, handles()) is not None

    assert is_drawn_over("shot.0005")
    assert not is_drawn_over("shot.0009")  # the scene is at frame 5
    assert not is_drawn_over("photo")
    assert not is_drawn_over("small.0005", (64, 36))
    scene.frame_set(9)
    assert is_drawn_over("again.0009")
