"""A render and its change by one button, and stills of the scene; without a model."""

import json
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


@pytest.fixture
def render(tmp_path: Path, pretended: Path) -> Any:
    """The settings of a scene that renders quickly, two frames of it."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y = 64, 32
    scene.render.filepath = str(tmp_path / "out" / "shot_")
    scene.frame_start, scene.frame_end = 1, 2
    scene.reggan.frames_source = "SCENE"
    return scene.render


def asked(pretended: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in pretended.read_text(encoding="utf-8").splitlines()]


def made() -> list[str]:
    return [image.name for image in bpy.data.images if image.get("reggan_kind") == "result"]


def test_one_button_renders_the_animation_and_changes_it(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    bpy.context.scene.reggan.frames_source = "SEQUENCE"  # of another shot, before
    assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == [
        "shot_0001.png",
        "shot_0002.png",
    ]
    command = asked(pretended)[-1]
    assert command["command"] == "render"
    assert str(tmp_path / "out" / "shot_####.png") in command["arguments"]
    assert made() == ["shot happy"]
    assert bpy.context.scene.reggan.frames_source == "SCENE"


def test_one_button_renders_a_still_and_changes_it(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    assert bpy.ops.reggan.render_and_apply() == {"FINISHED"}
    assert not (tmp_path / "out").exists()
    (command,) = asked(pretended)
    assert any(argument.endswith("Render.0001.exr") for argument in command["arguments"])
    assert made() == ["Render_0001_happy.exr"]
    assert bpy.data.images["Render_0001_happy.exr"].use_view_as_render


def test_frames_of_the_scene_may_be_a_still_that_is_only_in_memory(
    render: Any, pretended: Path
) -> None:
    bpy.ops.render.render()
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert made() == ["Render_0001_happy.exr"]


def test_frames_of_the_scene_may_be_a_still_on_disk(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    render.filepath = str(tmp_path / "portrait")
    bpy.ops.render.render(write_still=True)
    assert (tmp_path / "portrait.png").is_file()
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert str(tmp_path / "portrait.png") in asked(pretended)[-1]["arguments"]
    assert made() == ["portrait happy"]


def test_nothing_rendered_at_all_is_said(render: Any) -> None:
    with pytest.raises(RuntimeError, match=r"No frame of this scene.*Render the frame or the"):
        bpy.ops.reggan.render_frames()


def test_a_scene_without_a_camera_is_refused_before_it_renders(render: Any) -> None:
    bpy.context.scene.camera = None
    with pytest.raises(RuntimeError, match="no camera"):
        bpy.ops.reggan.render_and_apply()


def test_what_cannot_end_well_is_refused_before_the_render(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    settings = bpy.context.scene.reggan
    settings.expression = "NONE"
    with pytest.raises(RuntimeError, match="Nothing is asked of the face"):
        bpy.ops.reggan.render_and_apply(animation=True)
    settings.expression, settings.use_rig_tracks = "happy", True
    with pytest.raises(RuntimeError, match="no head was tracked yet"):
        bpy.ops.reggan.render_and_apply(animation=True)
    settings.use_rig_tracks = False
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    with pytest.raises(RuntimeError, match=r"a video \(FFMPEG\), which holds no single frames"):
        bpy.ops.reggan.render_and_apply(animation=True)
    assert not (tmp_path / "out").exists()
    assert not pretended.exists()


def test_its_own_frames_are_rendered_again_and_no_others(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}
    frame = tmp_path / "out" / "shot_0002.png"
    frame.write_bytes(b"painted over by hand")
    with pytest.raises(RuntimeError, match=r"1 frame in .*out was not rendered by this button"):
        bpy.ops.reggan.render_and_apply(animation=True)
    assert frame.read_bytes() == b"painted over by hand"
    assert bpy.ops.reggan.render_and_apply(animation=True, renders_over=True) == {"FINISHED"}
    assert frame.read_bytes().startswith(b"\x89PNG")


def test_frames_that_were_changed_are_not_rendered_over(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}
    result = bpy.context.scene.reggan.result_image
    render.filepath = str(Path(bpy.path.abspath(result.filepath)).parent / "shot_")
    with pytest.raises(RuntimeError, match=r"over the frames in .*: they are changed ones"):
        bpy.ops.reggan.render_and_apply(animation=True, renders_over=True)


def test_stills_of_two_frames_are_two_results(render: Any, pretended: Path) -> None:
    for frame in (2, 1, 1):
        bpy.context.scene.frame_set(frame)
        assert bpy.ops.reggan.render_and_apply() == {"FINISHED"}
    assert sorted(made()) == ["Render_0001_happy.exr", "Render_0002_happy.exr"]
