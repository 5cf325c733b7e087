"""A render and its change by one button, and stills of the scene; without a model."""

import json
from pathlib import Path
from types import SimpleNamespace
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


def test_the_button_for_one_frame_does_not_do_what_was_pressed_before(registered: Any) -> None:
    """Blender fills what a button leaves open with what was used last, unless it is told not to."""
    described = bpy.ops.reggan.render_and_apply.get_rna_type().properties
    assert all(described[name].is_skip_save for name in ("animation", "renders_over"))


def test_one_button_renders_a_still_and_changes_it(
    render: Any, pretended: Path, tmp_path: Path
) -> None:
    assert bpy.ops.reggan.render_and_apply() == {"FINISHED"}
    assert not (tmp_path / "out").exists()
    (command,) = asked(pretended)
    assert any(argument.endswith("Render.0001.exr") for argument in command["arguments"])
    assert made() == ["Render_0001_happy.exr"]
    assert bpy.data.images["Render_0001_happy.exr"].use_view_as_render


@pytest.mark.parametrize("animation", [False, True])
@pytest.mark.parametrize("border", [False, True])
def test_a_scene_of_another_size_than_the_tracked_one_is_not_rendered(
    render: Any, pretended: Path, tmp_path: Path, animation: bool, border: bool
) -> None:
    settings = bpy.context.scene.reggan
    (tracks := tmp_path / "tracks.json").write_text('{"size": [64, 32], "frames": {}}')
    settings.use_rig_tracks, settings.rig_tracks = True, str(tracks)
    render.resolution_percentage, words = 200, r"renders is 128x64, .* of 64x32\. Press Track Head"
    if border:
        render.resolution_percentage, words = 100, "renders is 32x32, .* of 64x32"
        render.use_border = render.use_crop_to_border = True
        render.border_max_x = 0.5
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.reggan.render_and_apply(animation=animation)
    assert not (tmp_path / "out").exists()
    assert not pretended.exists()


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
    manager = bpy.context.window_manager
    assert manager.reggan_last_words.startswith("Nothing is asked of the face")  # the tab shows it
    assert manager.reggan_last_failed
    bpy.context.scene.reggan_character.uses = True  # its mesh was deleted since
    with pytest.raises(RuntimeError, match=r"no Face Mesh and no File.*switch Use in Results off"):
        bpy.ops.reggan.render_and_apply(animation=True)
    bpy.context.scene.reggan_character.uses = False
    settings.expression, settings.use_rig_tracks = "happy", True
    with pytest.raises(RuntimeError, match="no head was tracked yet"):
        bpy.ops.reggan.render_and_apply(animation=True)
    settings.use_rig_tracks = False
    render.image_settings.file_format = "HDR"
    with pytest.raises(RuntimeError, match=r"renders \.hdr files.*choose PNG or OpenEXR"):
        bpy.ops.reggan.render_and_apply(animation=True)
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


@pytest.fixture
def cameras(render: Any) -> Any:
    """A scene with two cameras that render, one that does not, and markers that cut to one."""
    scene = bpy.context.scene
    for name in ("Links ü", "Hidden"):
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        scene.collection.objects.link(camera)
        camera.hide_render = name == "Hidden"
    scene.timeline_markers.new("Cut", frame=2).camera = bpy.data.objects["Links ü"]
    scene.reggan.all_cameras = True
    return scene


def state(scene: Any) -> tuple[Any, ...]:
    return (
        scene.camera,
        scene.render.filepath,
        [layer.use for layer in scene.view_layers],
        [marker.camera for marker in scene.timeline_markers],
    )


def test_cameras_and_view_layers_are_rendered_and_changed_in_one_job(
    cameras: Any, pretended: Path, tmp_path: Path
) -> None:
    scene = cameras
    scene.view_layers.new("Zweite")
    scene.reggan.each_layer = True
    before = state(scene)
    assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}
    assert state(scene) == before
    layers = (scene.view_layers[0].name, "Zweite")
    folders = [f"{camera}_{layer}" for camera in ("Camera", "Links ü") for layer in layers]
    made = {path.relative_to(tmp_path / "out") for path in tmp_path.rglob("shot_*.png")}
    frames = [Path(end, f"shot_000{n}.png") for end in (".", "out") for n in (1, 2)]
    assert made == {folder / frame for folder in folders for frame in frames}
    assert [one["command"] for one in asked(pretended)] == ["render"] * 4
    assert bpy.context.window_manager.reggan_done.startswith("8 changed, 0 untouched")
    one, other = (tmp_path / "out" / f / "shot_0001.png" for f in (folders[0], folders[2]))
    assert one.read_bytes() != other.read_bytes()  # seen by another camera
    assert bpy.ops.reggan.render_and_apply(animation=True) == {"FINISHED"}  # its own frames again
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}  # and they are found by themselves


def test_shots_that_would_spoil_each_other_are_refused_before_the_render(
    cameras: Any, tmp_path: Path
) -> None:
    scene = cameras
    scene.reggan.use_rig_tracks, scene.reggan.rig_tracks = True, str(tmp_path / "t.json")
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(RuntimeError, match="the head was tracked for one camera"):
        bpy.ops.reggan.render_and_apply(animation=True)
    scene.reggan.use_rig_tracks = False
    if bpy.app.version >= (5, 0, 0):
        scene.compositing_node_group = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        tree = scene.compositing_node_group
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    tree.nodes.new("CompositorNodeOutputFile")
    with pytest.raises(RuntimeError, match="File Output node, which would write over"):
        bpy.ops.reggan.render_and_apply(animation=True)
    assert not (tmp_path / "out").exists()


def test_a_render_that_is_stopped_leaves_the_scene_as_it_was(
    cameras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the buttons do it: Blender renders in its own time, and tells of the end."""
    from blender_addon.operators import render_and_apply as button
    from blender_addon.scene.shots import shots_of

    scene = cameras
    begun: list[str] = []

    def begin(*_: object, **__: object) -> set[str]:
        begun.append(scene.camera.name)
        return {"RUNNING_MODAL"}

    ops = SimpleNamespace(render=SimpleNamespace(render=begin), reggan=None)
    blender = SimpleNamespace(ops=ops, data=bpy.data, context=bpy.context)
    monkeypatch.setattr(button, "bpy", blender)
    before = state(scene)
    for is_cancelled in (False, True):
        run = button._Run(scene=scene.name, waiting=shots_of(scene), is_still=False)
        assert run.render_next()
        assert state(scene) != before
        if not is_cancelled:
            run.go_on(is_cancelled=False)
            assert begun[0] == before[0].name
            assert sorted(begun) == ["Camera", "Links ü"]
        run.go_on(is_cancelled=True)
        assert state(scene) == before
