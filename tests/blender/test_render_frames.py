"""Rendered frames through the add-on's operator, in real Blender, by real workers."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"
FRAMES = (1001, 1002, 1003)


@pytest.fixture
def settings() -> Any:
    return bpy.context.scene.reggan


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Three frames of the sample avatar, under a name that is not plain."""
    folder = tmp_path / "Aufnahme ä 1"
    folder.mkdir()
    for number in FRAMES:
        shutil.copy(SAMPLES / f"avatar_png/avatar.{number}.png", folder / f"köpf {number}.png")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """The frames in a folder of results."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.*")) if path.is_file()}


def by_command_line(python: Path, *arguments: str | Path) -> None:
    command = [str(python), "-m", "reggan_plugin", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def render_avatar(folder: Path, frames: range) -> None:
    """A real render: the sample avatar on a card that moves before the camera."""
    scene = bpy.context.scene
    for thing in [thing for thing in scene.objects if thing.type != "CAMERA"]:
        bpy.data.objects.remove(thing)
    bpy.ops.mesh.primitive_plane_add(size=1)
    card, camera = bpy.context.object, scene.camera
    card.scale = (1.6, 0.9, 1.0)
    material = bpy.data.materials.new("card")
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    tree = material.node_tree
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.load(str(SAMPLES / "avatar_png/avatar.1001.png"))
    light = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(picture.outputs["Color"], light.inputs["Color"])
    surface = tree.get_output_node("ALL").inputs["Surface"]
    tree.links.new(light.outputs["Emission"], surface)
    card.data.materials.append(material)
    camera.location, camera.rotation_euler = (0, 0, 3), (0, 0, 0)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 1.6
    for frame in (frames[0], frames[-1]):
        card.location.x = 0.01 * (frame - frames[0])
        card.keyframe_insert("location", frame=frame)
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    render.resolution_x, render.resolution_y = 640, 360
    scene.view_settings.view_transform = "Standard"
    render.filepath = str(folder / "gerendert_###")
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    bpy.ops.render.render(animation=True)


def test_the_scene_s_own_output_becomes_what_the_command_line_makes_of_it(
    tmp_path: Path, settings: Any, reggan_python: Path
) -> None:
    folder = tmp_path / "szene"
    render_avatar(folder, range(1, 3))
    before = contents(folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Figur 1.blend"))
    settings.expression, settings.intensity = "surprised", 0.75
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}

    made = contents(folder / "gerendert_surprised")
    by_command_line(
        *(reggan_python, "render", "--frames", folder, "--expression", "surprised"),
        *("--intensity", "0.75", "--out", tmp_path / "by hand"),
    )
    assert made == contents(tmp_path / "by hand")
    assert made.keys() == before.keys() == {"gerendert_001.png", "gerendert_002.png"}
    assert all(made[name] != before[name] for name in made)
    assert contents(folder) == before

    result, original = settings.result_image, settings.original_image
    assert (result.source, original.source) == ("SEQUENCE", "SEQUENCE")
    assert result.filepath == "//szene/gerendert_surprised/gerendert_001.png"
    assert original.filepath == "//szene/gerendert_001.png"
    assert result.name == "gerendert surprised"
    assert not result.use_view_as_render  # the view transform is in these files already
    assert result.colorspace_settings.name == "sRGB"


def test_frames_beside_the_scene_s_range_only_serve_to_follow_the_face(
    shot: Path, tmp_path: Path, settings: Any, reggan_python: Path
) -> None:
    scene = bpy.context.scene
    scene.render.filepath = str(shot / "köpf ")
    scene.frame_start, scene.frame_end = 1002, 1005
    settings.output_path = str(tmp_path / "öut")
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}

    tracks = tmp_path / "tracks.json"
    by_command_line(reggan_python, "track", "--frames", shot, "--out", tracks)
    by_command_line(
        *(reggan_python, "render", "--frames", shot, "--range", "1002-1005", "--tracks", tracks),
        *("--expression", "happy", "--out", tmp_path / "by hand"),
    )
    made = contents(tmp_path / "öut")
    assert made.keys() == {"köpf 1002.png", "köpf 1003.png"}
    assert made == contents(tmp_path / "by hand")


def test_an_animated_intensity_arrives_at_every_frame(
    shot: Path, tmp_path: Path, settings: Any
) -> None:
    for frame, value in ((1001, 0.0), (1003, 1.0)):
        settings.intensity = value
        settings.keyframe_insert("intensity", frame=frame)
    bpy.context.scene.frame_set(17)
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot / "köpf 1002.png")
    settings.blend = "happy:0.5+sad:0.25"
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert bpy.context.scene.frame_current == 17

    out = shot / "köpf_happy_sad"
    asked = {path.stem: record["expression"] for path, record in records(out).items()}
    assert asked["köpf 1001.png"] == {"happy": 0.0, "sad": 0.0}
    assert asked["köpf 1002.png"] == pytest.approx({"happy": 0.25, "sad": 0.125})  # halfway
    assert asked["köpf 1003.png"] == {"happy": 0.5, "sad": 0.25}
    assert contents(out)["köpf 1001.png"] == contents(shot)["köpf 1001.png"]
    assert contents(out)["köpf 1003.png"] != contents(shot)["köpf 1003.png"]


def records(out: Path) -> dict[Path, dict[str, Any]]:
    """How each frame was made, as the runtime notes it."""
    return {path: json.loads(path.read_bytes()) for path in (out / ".reggan").glob("*.png.json")}


def test_a_second_run_keeps_what_is_finished_or_replaces_it(shot: Path, settings: Any) -> None:
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    out = shot.with_name("Aufnahme ä 1_happy")
    times = [path.stat().st_mtime_ns for path in sorted(out.glob("*.png"))]
    first = settings.result_image.name
    (out / "köpf 1002.png").unlink()
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    again = [path.stat().st_mtime_ns for path in sorted(out.glob("*.png"))]
    assert [a == b for a, b in zip(times, again, strict=True)] == [True, False, True]
    assert settings.result_image.name == first  # opened once

    settings.existing = "REFUSE"
    with pytest.raises(RuntimeError, match="3 of 3 outputs exist"):
        bpy.ops.reggan.render_frames()


def test_a_frame_that_fails_is_named_and_the_others_are_shown(shot: Path, settings: Any) -> None:
    (shot / "köpf 1001.png").write_bytes(b"no picture")
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    settings.output_path = str(shot.parent / "out")
    with pytest.raises(RuntimeError, match=r"1 of 3 frames failed.*köpf 1001"):
        bpy.ops.reggan.render_frames()
    assert sorted(contents(shot.parent / "out")) == ["köpf 1002.png", "köpf 1003.png"]
    shown = Path(bpy.path.abspath(settings.result_image.filepath))
    assert shown == shot.parent / "out" / "köpf 1002.png"


def test_a_damaged_frame_beside_the_range_stops_no_other(
    shot: Path, tmp_path: Path, settings: Any
) -> None:
    """It is read by the search for faces alone, which then fails."""
    scene = bpy.context.scene
    (shot / "köpf 1001.png").write_bytes(b"no picture")
    scene.render.filepath = str(shot / "köpf ")
    scene.frame_start, scene.frame_end = 1002, 1005
    settings.output_path = str(tmp_path / "out")
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert sorted(contents(tmp_path / "out")) == ["köpf 1002.png", "köpf 1003.png"]


def test_the_result_plays_in_an_image_editor_at_its_own_frames(shot: Path, settings: Any) -> None:
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    settings.intensity = 0.0  # copies, which is enough here
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    space = area.spaces.active
    assert space.image == settings.result_image
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        space.image_user.frame_current = frame
        shown = space.image.filepath_from_user(image_user=space.image_user)
        assert Path(shown).name == f"köpf {frame}.png"
    assert space.image_user.frame_duration == 3
    said = bpy.context.window_manager.reggan_last_words  # the scene begins at 1: nothing is seen
    assert "The frames are 1001 to 1003, the scene is at 1: go to one of them to see it" in said
    bpy.context.scene.frame_set(1002)
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert "go to one of them" not in bpy.context.window_manager.reggan_last_words


def without_face(shot: Path, settings: Any) -> None:
    grey = bpy.data.images.new("grey", 256, 256)
    grey.file_format = "PNG"
    for path in shot.glob("*.png"):
        grey.filepath_raw = str(path)
        grey.save()


def in_a_wrong_folder(shot: Path, settings: Any) -> None:
    settings.frames_path = str(shot / "nowhere" / "a.####.png")


def in_a_scene_file(shot: Path, settings: Any) -> None:
    (shot / "scene.blend").write_bytes(b"BLENDER-v402")
    settings.frames_path = str(shot / "scene.blend")


def with_a_missing_model(shot: Path, settings: Any) -> None:
    settings.model = str(shot / "own.onnx")


def with_a_model_of_no_name(shot: Path, settings: Any) -> None:
    settings.model = "regan"


def with_a_misspelt_blend(shot: Path, settings: Any) -> None:
    settings.blend = "hapy:0.5"


def beside_an_unsaved_file(shot: Path, settings: Any) -> None:
    settings.output_path = "//out"


def into_the_frames_themselves(shot: Path, settings: Any) -> None:
    settings.output_path = str(shot)


def from_a_rig_not_tracked(shot: Path, settings: Any) -> None:
    settings.use_rig_tracks = True


def of_a_video(shot: Path, settings: Any) -> None:
    settings.frames_source = "SCENE"
    image_settings = bpy.context.scene.render.image_settings
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "VIDEO"
    image_settings.file_format = "FFMPEG"


def of_a_scene_not_rendered(shot: Path, settings: Any) -> None:
    settings.frames_source = "SCENE"
    bpy.context.scene.render.filepath = str(shot / "later.")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_face, r"No human-like face in any of 3 frames.*Head from Rig"),
        (in_a_wrong_folder, r"no frame at .*nowhere.*Choose one frame of the sequence"),
        (in_a_scene_file, r"scene\.blend.*(picture|frame)"),
        (with_a_missing_model, r"no model at .*own\.onnx.*Choose an \.onnx file"),
        (with_a_model_of_no_name, r"regan.*reggan"),
        (with_a_misspelt_blend, r"'hapy'.*happy:0\.6\+surprised:0\.3"),
        (beside_an_unsaved_file, r"Output is //out.*never saved\. Save it"),
        (into_the_frames_themselves, r"source frames.*(folder|Output)"),
        (from_a_rig_not_tracked, r"no head was tracked yet\. Press Track Head"),
        (of_a_video, r"renders a video \(FFMPEG\).*choose PNG or OpenEXR"),
        (
            of_a_scene_not_rendered,
            r"expected .*later\.####\.png\. Render the frame or the animation first",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_an_artist_s_words(
    shot: Path, settings: Any, spoil: Any, message: str
) -> None:
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    spoil(shot, settings)
    with pytest.raises(RuntimeError) as refusal:
        bpy.ops.reggan.render_frames()
    assert re.search(message, str(refusal.value)), refusal.value
    assert "--" not in str(refusal.value)
    assert settings.result_image is None


def test_the_button_says_why_it_is_grey(settings: Any) -> None:
    settings.frames_source = "SEQUENCE"
    with pytest.raises(RuntimeError, match="Choose a rendered sequence first"):
        bpy.ops.reggan.render_frames()


def test_a_job_that_makes_nothing_leaves_no_folder(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"a.{number:04d}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    settings.frames_source, settings.frames_path = "SEQUENCE", str(folder)
    with pytest.raises(RuntimeError, match="is truncated"):
        bpy.ops.reggan.render_frames()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["bad"]
    own = tmp_path / "mine"  # an empty folder of the artist's stays
    own.mkdir()
    settings.output_path = str(own)
    with pytest.raises(RuntimeError):
        bpy.ops.reggan.render_frames()
    assert own.is_dir()


def test_a_scene_that_is_switched_to_meanwhile_takes_no_result(
    shot: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blender_addon.operators.change_frames import RenderFrames

    scene, begin = bpy.context.scene, RenderFrames.job

    def begin_and_switch(operator: Any, context: Any) -> Any:
        job = begin(operator, context)
        context.window.scene = bpy.data.scenes.new("Other")
        return job

    monkeypatch.setattr(RenderFrames, "job", begin_and_switch)
    settings.frames_source, settings.frames_path, settings.intensity = "SEQUENCE", str(shot), 0.0
    assert bpy.ops.reggan.render_frames() == {"FINISHED"}
    assert scene.reggan.result_image is not None
    assert bpy.context.window.scene.name == "Other"
    assert bpy.data.scenes["Other"].reggan.result_image is None
