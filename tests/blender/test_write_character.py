"""A character with shape keys, written as the head that it is."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Vector  # noqa: E402

from blender_addon.bridge.errors import BridgeError  # noqa: E402
from blender_addon.scene.settings_for_runtime import model_arguments, said_of_tracks  # noqa: E402
from reggan_training.heads.head import HeadMesh, Part  # noqa: E402
from reggan_training.heads.own_character import GlbFamily  # noqa: E402
from tests.training.heads.glb_face import write_face  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SHAPES = {
    *("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthPucker", "mouthSmileLeft"),
    "mouthSmileRight",
}


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A head with eyeballs that hangs turned on an empty, before a wall, and smiles a little."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    write_face(tmp_path / "face.glb")
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "face.glb"))
    bpy.ops.mesh.primitive_cube_add(size=3)
    bpy.context.object.name = "Wand"
    face, root = bpy.data.objects["Face"], bpy.data.objects.new("Figur", None)
    bpy.context.scene.collection.objects.link(root)
    for name in ("Face", "EyeLeft", "EyeRight"):
        bpy.data.objects[name].parent = root
    root.location, root.rotation_euler = (2, 3, 1), (0, 0, 0.7)
    face.shape_key_add(name="Dick", from_mix=False).value = 0.0
    face.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    scene = bpy.context.scene
    scene.reggan_character.mesh = face
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Figur ö 1.blend"))
    assert bpy.ops.reggan.recognise_shape_keys() == {"FINISHED"}
    return scene


def head_of(path: Path) -> HeadMesh:
    return GlbFamily(path).head(path.stem)


def way(head: HeadMesh, shape: str) -> np.ndarray:
    return np.linalg.norm(head.vertices({shape: 1.0}) - head.rest, axis=1)


def state_of() -> Mapping[str, Any]:
    """What an artist would miss."""
    keys = bpy.data.objects["Face"].data.shape_keys
    return {
        "objects": {
            one.name: tuple(v for row in one.matrix_world for v in row) for one in bpy.data.objects
        },
        "keys": {block.name: (block.value, block.slider_max) for block in keys.key_blocks},
        "counts": [
            len(data)
            for data in (bpy.data.meshes, bpy.data.materials, bpy.data.collections, bpy.data.images)
        ],
        "shape keys": len(bpy.data.shape_keys),
    }


def test_the_written_head_is_the_one_that_was_read(scene: Any, tmp_path: Path) -> None:
    before = state_of()
    assert bpy.ops.reggan.write_character() == {"FINISHED"}
    assert state_of() == before
    found, true = head_of(tmp_path / "Face.glb"), head_of(tmp_path / "face.glb")
    assert set(found.controls) == SHAPES
    assert found.parts.tolist().count(Part.EYE) == true.parts.tolist().count(Part.EYE) > 0
    assert np.abs(found.rest).max() < 4  # no wall
    np.testing.assert_allclose(found.landmarks(found.rest), true.landmarks(true.rest), atol=1e-3)
    for shape in SHAPES:
        assert way(found, shape).max() == pytest.approx(way(true, shape).max(), rel=1e-3), shape


def test_modifiers_and_drivers_count_and_a_key_of_both_sides_is_halved(
    scene: Any, tmp_path: Path
) -> None:
    face = bpy.data.objects["Face"]
    blocks = face.data.shape_keys.key_blocks
    left, right = blocks["eyeBlinkLeft"], blocks["eyeBlinkRight"]
    both = face.shape_key_add(name="eyesClosed", from_mix=False)
    for index, point in enumerate(both.data):
        point.co = left.data[index].co + right.data[index].co - blocks[0].data[index].co
    for block in (left, right):
        face.shape_key_remove(block)
    both.driver_add("value").driver.expression = "0.5"
    face.modifiers.new("Subdivision", "SUBSURF").levels = 1
    assert bpy.ops.reggan.recognise_shape_keys() == {"FINISHED"}
    assert bpy.ops.reggan.write_character() == {"FINISHED"}
    found, true = head_of(tmp_path / "Face.glb"), head_of(tmp_path / "face.glb")
    assert len(found.rest) > 2 * len(true.rest)
    assert set(found.controls) == SHAPES
    for shape, sign in (("eyeBlinkLeft", 1), ("eyeBlinkRight", -1)):
        moved = way(found, shape)
        assert moved.max() == pytest.approx(way(true, shape).max(), rel=0.1)
        assert moved[sign * found.rest[:, 0] < -0.2].max() < 0.02 * moved.max()


def rig_of_jobs() -> Path | None:
    """What jobs are told to take as the character's rig."""
    words = model_arguments(bpy.context)
    return Path(words[words.index("--rig") + 1]) if "--rig" in words else None


def test_results_use_what_was_written(scene: Any, tmp_path: Path) -> None:
    assert rig_of_jobs() is None
    assert bpy.ops.reggan.write_character() == {"FINISHED"}
    assert rig_of_jobs() == tmp_path / "Face.glb"
    (tmp_path / "Face.glb").unlink()
    with pytest.raises(BridgeError, match="Press Write Character"):
        model_arguments(bpy.context)
    scene.reggan_character.uses = False
    assert rig_of_jobs() is None


def test_what_is_there_is_not_replaced_unasked(scene: Any, tmp_path: Path) -> None:
    precious = tmp_path / "mine.glb"
    precious.write_bytes(b"precious")
    scene.reggan_character.file = "//mine.glb"
    with pytest.raises(RuntimeError, match="Write Again"):
        bpy.ops.reggan.write_character()
    assert precious.read_bytes() == b"precious"
    scene.reggan_character.replaces = True
    assert bpy.ops.reggan.write_character() == {"FINISHED"}
    assert head_of(precious).controls


def test_the_table_is_filled_from_the_names_and_can_be_edited(scene: Any) -> None:
    character = scene.reggan_character
    rows = [(row.shape, row.key) for row in character.rows]
    assert set(rows) == {(shape, shape) for shape in SHAPES}
    assert bpy.ops.reggan.add_expression_key() == {"FINISHED"}
    assert len(character.rows) == len(rows) + 1
    assert bpy.ops.reggan.remove_expression_key() == {"FINISHED"}
    assert [(row.shape, row.key) for row in character.rows] == rows


def test_what_is_missing_is_said(scene: Any) -> None:
    character = scene.reggan_character
    jaw = next(n for n, row in enumerate(character.rows) if row.shape == "jawOpen")
    character.rows[jaw].key = "gone"
    assert not bpy.ops.reggan.write_character.poll()
    character.rows.remove(jaw)
    with pytest.raises(RuntimeError, match="makes jawOpen: they are needed"):
        bpy.ops.reggan.write_character()
    character.rows.clear()
    assert not bpy.ops.reggan.write_character.poll()
    character.mesh = bpy.data.objects["Wand"]
    assert not bpy.ops.reggan.recognise_shape_keys.poll()


def test_a_table_that_moves_nothing_is_refused(scene: Any, tmp_path: Path) -> None:
    for row in scene.reggan_character.rows:
        row.key = "Dick"
    with pytest.raises(RuntimeError, match="moves the character"):
        bpy.ops.reggan.write_character()
    assert not (tmp_path / "Face.glb").exists()


def track(scene: Any) -> str:
    """Track the head before a camera; what is said of it."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    face = bpy.data.objects["Face"]
    camera.location = face.matrix_world @ Vector((0.02, -0.8, 1.47))
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.05)  # a mask alone has no head to look into
    back = bpy.context.object
    back.parent, back.location = face, (0.02, 0.1, 1.47)
    camera.rotation_euler = (math.pi / 2, 0, 0.7)
    scene.camera, scene.frame_start, scene.frame_end = camera, 1, 2
    scene.reggan_head.head = face
    scene.reggan_head.tests_occlusion = False
    assert bpy.ops.reggan.track_head() == {"FINISHED"}
    return str(scene.reggan.tracks_account)


def test_a_tracked_head_is_the_rig_of_the_change(
    scene: Any, tmp_path: Path, pretended: Path
) -> None:
    """Nothing else is to be pressed; the table is filled, too."""
    character = scene.reggan_character
    character.rows.clear()
    character.mesh = None
    assert "the head's own shapes and teeth (Face_rig.glb)" in track(scene)
    kept = tmp_path / "reggan" / "Face_rig.glb"
    assert set(head_of(kept).controls) == SHAPES
    assert rig_of_jobs() == kept
    assert character.mesh == bpy.data.objects["Face"]
    assert {row.shape for row in character.rows} == SHAPES
    kept.write_bytes(b"older")
    said = track(scene)  # again: its own file is made anew
    assert "Face_rig.glb" in said, said
    assert head_of(kept).controls
    scene.reggan_head.takes_own_shapes = False
    assert "RegGAN's own head, laid on these points: Its Own Shapes is off." in track(scene)
    said = said_of_tracks(scene)
    assert said == scene.reggan.tracks_account
    scene.reggan_character.uses = True  # as Write Character does
    assert "changed with the head's own shapes and teeth (Face_rig.glb)." in said_of_tracks(scene)
    scene.reggan_character.uses = False
    assert said_of_tracks(scene) == said
    assert rig_of_jobs() is None


def test_a_character_that_the_artist_wrote_stays(
    scene: Any, tmp_path: Path, pretended: Path
) -> None:
    assert bpy.ops.reggan.write_character() == {"FINISHED"}
    written = (tmp_path / "Face.glb").read_bytes()
    assert "own shapes and teeth (Face.glb)" in track(scene)
    assert (tmp_path / "Face.glb").read_bytes() == written
    assert not (tmp_path / "reggan").exists()


def test_why_a_head_is_not_its_own_rig_is_said(scene: Any, tmp_path: Path, pretended: Path) -> None:
    bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"].name = "Kiefer"
    scene.reggan_character.rows.clear()
    said = track(scene)
    assert "RegGAN's own head, laid on these points: no shape key of Face makes jawOpen." in said
    assert not (tmp_path / "reggan").exists()


def test_a_head_that_no_face_is_found_on_is_not_used(scene: Any, tmp_path: Path) -> None:
    """By the runtime itself, which looks at the written head: this one is two balls in a box."""
    said = track(scene)
    assert "RegGAN's own head, laid on these points: " in said, said
    assert "these points: Face shows no face" in said  # the mesh: no file of a work folder
    assert not scene.reggan_character.uses
    assert not (tmp_path / "reggan").exists()
