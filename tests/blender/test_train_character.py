"""A character with shape keys, rendered by a second Blender into a set to train on."""

import ctypes.util
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Matrix, Vector  # noqa: E402

from blender_addon.operators.train_character import RenderTrainingSet  # noqa: E402
from reggan_training.data.check import misalignments  # noqa: E402
from reggan_training.data.sets import list_sets  # noqa: E402

from .cancelled_jobs import cancel_after_two  # noqa: E402

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

needs_workbench = pytest.mark.skipif(
    not ctypes.util.find_library("EGL"), reason="Workbench needs libEGL"
)
FOLDERS = ["angry", "happy", "neutral"]


def add_ball(name: str, place: Sequence[float], scale: Sequence[float]) -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=24, ring_count=16)
    ball = bpy.context.object
    ball.name = name
    ball.data.transform(Matrix.Translation(place) @ Matrix.Diagonal((*scale, 1)))
    return ball


def add_key(ball: Any, name: str, move: Any) -> None:
    """A shape key that moves vertices as `move` says of each."""
    if ball.data.shape_keys is None:
        ball.shape_key_add(name="Basis")
    block = ball.shape_key_add(name=name, from_mix=False)
    block.value = 0  # Blender 5.2 begins with 1
    for point in block.data:
        point.co += Vector(move(point.co))


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A head that smiles by ARKit's names and is angry by VRM's, with a tongue, before a wall."""
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    head = add_ball("Gesicht Ä", (0, 0, 0), (0.09, 0.09, 0.12))
    tongue = add_ball("Zunge", (0, -0.09, -0.06), (0.01, 0.01, 0.01))
    tongue.parent = head
    for ball in (head, tongue):
        add_key(ball, "mouthSmileLeft", lambda co: (0.02 if co.z < 0 and co.x > 0 else 0, 0, 0))
        add_key(ball, "mouthSmileRight", lambda co: (-0.02 if co.z < 0 and co.x < 0 else 0, 0, 0))
        add_key(ball, "Fcl_ALL_Angry", lambda co: (0, 0, -0.03 if co.z < -0.05 else 0))
    add_key(head, "Dick", lambda co: (0.1 * co.x, 0, 0))
    head.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    add_ball("Wand", (0, -0.2, 0), (1, 0.01, 1))
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.light, scene.display.render_aa = "STUDIO", "OFF"
    scene.reggan_head.head = head
    character = scene.reggan_character
    character.mesh, character.views, character.size_px = head, 3, 96
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Figur ö 1.blend"))
    assert bpy.ops.reggan.recognise_shape_keys() == {"FINISHED"}
    return scene


def folder_of(scene: Any) -> Path:
    return Path(bpy.path.abspath("//Gesicht-Ä_set"))


def pixels_of(path: Path) -> list[float]:
    image = bpy.data.images.load(str(path))
    pixels = list(image.pixels[:])
    bpy.data.images.remove(image)
    return pixels


def state_of(scene: Any) -> Mapping[str, Any]:
    """What of the scene an artist would miss."""
    render = scene.render
    return {
        "objects": {
            o.name: (tuple(v for row in o.matrix_world for v in row), o.hide_render)
            for o in bpy.data.objects
        },
        "keys": {
            (o.name, block.name): block.value
            for o in bpy.data.objects
            if o.type == "MESH" and o.data.shape_keys
            for block in o.data.shape_keys.key_blocks
        },
        "render": (render.resolution_x, render.filepath, render.engine, render.use_compositing),
        "scene": (scene.camera, scene.world, scene.frame_current, bpy.data.filepath),
        "counts": (len(bpy.data.lights), len(bpy.data.cameras), len(bpy.data.worlds)),
    }


def test_the_table_is_filled_from_the_names(scene: Any) -> None:
    rows = [(row.expression, row.key) for row in scene.reggan_character.rows]
    assert ("happy", "mouthSmileLeft") in rows
    assert ("angry", "Fcl_ALL_Angry") in rows
    assert "Dick" not in {key for _, key in rows}
    bpy.ops.reggan.add_expression_key()
    assert len(scene.reggan_character.rows) == len(rows) + 1
    bpy.ops.reggan.remove_expression_key()
    assert [(row.expression, row.key) for row in scene.reggan_character.rows] == rows


@needs_workbench
def test_the_set_is_rendered_and_training_takes_it(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(RenderTrainingSet, "_report", lambda _, __, message: said.append(message))
    before = state_of(scene)
    assert bpy.ops.reggan.render_training_set() == {"FINISHED"}
    assert state_of(scene) == before
    out = folder_of(scene)
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [".reggan", *FOLDERS]
    names = [f"Gesicht-Ä-00{number}.png" for number in (1, 2, 3)]
    for folder in FOLDERS:
        assert sorted(path.name for path in (out / folder).iterdir()) == names
    neutral, happy = (pixels_of(out / folder / names[0]) for folder in ("neutral", "happy"))
    assert len(neutral) == 96 * 96 * 4
    assert neutral != happy
    assert neutral != pixels_of(out / "neutral" / names[1])  # another camera
    command = bpy.context.window_manager.reggan_training_command
    assert command.startswith("reggan-plugin train --preset fine-tune --init-from sargan")
    assert "--every-identity" in command
    assert said == [f"9 pictures are in {out.name}. Train on them by the line in this panel"]
    assert str(out) in command
    sheet = json.loads((out / "landmarks.json").read_text(encoding="utf-8"))
    assert sorted(sheet) == [name.removesuffix(".png") for name in names]
    views = [entry.load() for entry in list_sets([out])]
    assert [(view.name, view.style) for view in views] == [
        (f"photograph_Gesicht-Ä-00{number}", "photograph") for number in (1, 2, 3)
    ]
    for view in views:
        assert view.images.shape == (3, 96, 96, 3)  # as rendered: not moved onto each other
        assert list(misalignments(view)) == []
        assert [view.full_view(e) is not None for e in range(4)] == [True, True, False, True]


@needs_workbench
def test_landmarks_are_where_the_pictures_show_the_face(scene: Any) -> None:
    """The wall is gone, the head's middle is in the middle, a marker at an eye at its landmark."""
    eyes = {"left_eye": (0.03, -0.085, 0.02), "right_eye": (-0.03, -0.085, 0.02)}
    for name, place in (*eyes.items(), ("mouth", (0.0, -0.085, -0.05))):
        empty = bpy.data.objects.new(name, None)
        bpy.context.collection.objects.link(empty)
        empty.parent, empty.location = scene.reggan_head.head, place
        setattr(scene.reggan_head, name, empty)
    marker = add_ball("Marke", (0, 0, 0), (0.006, 0.006, 0.006))
    marker.parent = bpy.data.objects["left_eye"]
    scene.display.shading.light, scene.display.shading.color_type = "FLAT", "OBJECT"
    marker.color, scene.view_settings.view_transform = (1, 0, 0, 1), "Standard"
    scene.reggan_head.head.color = bpy.data.objects["Zunge"].color = (0, 0, 1, 1)
    assert bpy.ops.reggan.render_training_set() == {"FINISHED"}
    sheet = json.loads((folder_of(scene) / "landmarks.json").read_text(encoding="utf-8"))
    for name, by_expression in sheet.items():
        pixels = pixels_of(folder_of(scene) / "neutral" / f"{name}.png")
        red = [i for i in range(96 * 96) if pixels[4 * i] > 0.8 and pixels[4 * i + 2] < 0.2]
        centre = [
            sum(i % 96 + 0.5 for i in red) / len(red),
            sum(96 - i // 96 - 0.5 for i in red) / len(red),
        ]
        # The ball is half in the head, so that its middle shows a little towards the camera.
        assert math.dist(by_expression["neutral"]["left_eye"], centre) < 2, name


@needs_workbench
def test_a_run_goes_on_and_refuses_other_settings(scene: Any) -> None:
    scene.reggan_character.views = 1
    bpy.ops.reggan.render_training_set()
    kept = folder_of(scene) / "happy" / "Gesicht-Ä-001.png"
    (folder_of(scene) / "angry" / "Gesicht-Ä-001.png").unlink()
    time_before = kept.stat().st_mtime_ns
    scene.reggan_character.views = 2
    bpy.ops.reggan.render_training_set()
    assert kept.stat().st_mtime_ns == time_before
    assert len(list(folder_of(scene).glob("*/*.png"))) == 6
    scene.reggan_character.size_px = 64
    with pytest.raises(RuntimeError, match="tick Render All Again"):
        bpy.ops.reggan.render_training_set()
    scene.reggan_character.replaces = True
    bpy.ops.reggan.render_training_set()
    assert len(pixels_of(kept)) == 64 * 64 * 4


@needs_workbench
def test_cancelling_leaves_whole_pictures_only(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel_after_two(monkeypatch, RenderTrainingSet)
    scene.reggan_character.views = 200
    before = state_of(scene)
    assert bpy.ops.reggan.render_training_set() == {"CANCELLED"}
    assert state_of(scene) == before
    pictures = [path for folder in FOLDERS for path in (folder_of(scene) / folder).glob("*")]
    assert 2 <= len(pictures) < 600
    assert all(len(pixels_of(path)) == 96 * 96 * 4 for path in pictures)


def test_foreign_pictures_are_left_alone(scene: Any, tmp_path: Path) -> None:
    picture = tmp_path / "mine" / "happy" / "someone.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"precious")
    scene.reggan_character.folder = "//mine/"
    scene.reggan_character.replaces = True
    with pytest.raises(RuntimeError, match="not rendered here"):
        bpy.ops.reggan.render_training_set()
    assert picture.read_bytes() == b"precious"


def test_what_is_missing_is_said(scene: Any) -> None:
    character = scene.reggan_character
    character.rows[0].key = "gone"
    assert not bpy.ops.reggan.render_training_set.poll()
    character.rows.clear()
    assert not bpy.ops.reggan.render_training_set.poll()
    character.mesh = bpy.data.objects["Wand"]
    assert not bpy.ops.reggan.recognise_shape_keys.poll()
    assert not bpy.ops.reggan.render_training_set.poll()
