"""Which picture the next job begins with, where results and sheets are shown; in real Blender."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"
FRAME = SAMPLES / "avatar_png/avatar.1001.png"


@pytest.fixture
def editor() -> Any:
    """An Image Editor in the window."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area


@pytest.fixture
def saved_file(tmp_path: Path) -> Path:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return tmp_path


def press(area: Any, name: str) -> Any:
    """The image that the editor shows after a press of a button."""
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area):
        assert getattr(bpy.ops.reggan, name)() == {"FINISHED"}
    return area.spaces.active.image


def asked(pretended: Path) -> list[list[str]]:
    lines = pretended.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["arguments"] for line in lines]


def source_of_last_job(pretended: Path) -> Path:
    arguments = asked(pretended)[-1]
    at = arguments.index("--frames") + 1 if "--frames" in arguments else 0
    return Path(arguments[at])


def test_a_sequence_is_previewed_again_and_again(editor: Any, pretended: Path) -> None:
    """A sheet takes the frame number of its editor; that of the scene is meant then."""
    image = bpy.data.images.load(str(FRAME))
    image.source = "SEQUENCE"
    space = editor.spaces.active
    space.image = image
    user = space.image_user
    user.frame_start, user.frame_offset, user.frame_duration = 1001, 1000, 6
    bpy.context.scene.frame_set(1003)
    user.frame_current = 1003
    for _ in range(3):
        sheet = press(editor, "preview")
        assert sheet.name == "RegGAN preview"
        assert source_of_last_job(pretended).name == "avatar.1003.png"


def test_a_still_is_called_after_its_frame_and_kept_beside_another_s(
    editor: Any, pretended: Path, saved_file: Path
) -> None:
    for number in (1, 2):
        shutil.copy(FRAME, saved_file / f"lin_000{number}.png")
    image = bpy.data.images.load(str(saved_file / "lin_0001.png"))
    image.source = "SEQUENCE"
    for frame in (2, 1, 2):
        editor.spaces.active.image = image
        user = editor.spaces.active.image_user
        user.frame_duration = 2
        bpy.context.scene.frame_set(frame)
        user.frame_current = frame
        assert press(editor, "edit_image").name == f"lin_000{frame}_happy.png"
    found = sorted(path.name for path in (saved_file / "reggan").iterdir())
    assert found == ["lin_0001_happy.png", "lin_0002_happy.png"]


def test_results_of_a_shot_do_not_feed_the_next_job(
    editor: Any, pretended: Path, tmp_path: Path
) -> None:
    shot = tmp_path / "shot"
    shot.mkdir()
    for number in (1001, 1002):
        shutil.copy(SAMPLES / f"avatar_png/avatar.{number}.png", shot / f"a.{number}.png")
    settings = bpy.context.scene.reggan
    settings.frames_source, settings.frames_path = "SEQUENCE", str(shot)
    settings.output_path = str(tmp_path / "smiling")
    bpy.context.scene.frame_set(1002)
    result = press(editor, "render_frames")
    assert (result.name, result.filepath) == ("a happy", str(tmp_path / "smiling/a.1001.png"))
    for button in ("preview", "edit_image"):
        editor.spaces.active.image = result
        press(editor, button)
        assert source_of_last_job(pretended) == shot / "a.1002.png", button
    settings.output_path = str(tmp_path / "again")
    again = press(editor, "render_frames")
    assert [i.name for i in bpy.data.images if i.source == "SEQUENCE" and "happy" in i.name] == [
        "a happy"
    ]
    assert again.filepath == str(tmp_path / "again/a.1001.png")


def test_a_result_is_changed_further_only_if_that_is_asked_for(
    editor: Any, pretended: Path, saved_file: Path
) -> None:
    settings = bpy.context.scene.reggan
    editor.spaces.active.image = bpy.data.images.load(str(FRAME))
    happy = press(editor, "edit_image")
    assert happy.filepath == "//reggan/avatar.1001_happy.png"
    settings.expression = "sad"
    assert press(editor, "edit_image").name == "avatar.1001_sad.png"
    assert source_of_last_job(pretended) == FRAME
    editor.spaces.active.image, settings.goes_on_from_result = happy, True
    assert press(editor, "edit_image").name == "avatar.1001_happy_sad.png"
    assert source_of_last_job(pretended) == saved_file / "reggan/avatar.1001_happy.png"


def test_the_same_expression_again_refreshes_the_result(
    editor: Any, pretended: Path, saved_file: Path
) -> None:
    editor.spaces.active.image = bpy.data.images.load(str(FRAME))
    first = press(editor, "edit_image")
    brush = bpy.data.textures.new("shows it", "IMAGE")
    brush.image = first
    for _ in range(2):
        press(editor, "edit_image")
    assert [i.name for i in bpy.data.images if "happy" in i.name] == ["avatar.1001_happy.png"]
    assert [p.name for p in (saved_file / "reggan").iterdir()] == ["avatar.1001_happy.png"]
    assert brush.image.name == "avatar.1001_happy.png"  # whatever showed it shows the new one
    brush.image.pixels[0] = 0.5
    brush.image.update()
    assert brush.image.is_dirty
    press(editor, "edit_image")
    assert (saved_file / "reggan/avatar.1001_happy_2.png").exists()  # paint is not lost


def test_before_and_after_change_places(editor: Any, pretended: Path, saved_file: Path) -> None:
    image = bpy.data.images.load(str(FRAME))
    editor.spaces.active.image = image
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=editor):
        assert not bpy.ops.reggan.toggle_before_after.poll()
    result = press(editor, "edit_image")
    assert press(editor, "toggle_before_after") == image
    assert press(editor, "toggle_before_after") == result


def test_what_is_gone_is_not_changed(editor: Any, pretended: Path, saved_file: Path) -> None:
    image = bpy.data.images.load(str(FRAME))
    editor.spaces.active.image = image
    result = press(editor, "edit_image")
    bpy.data.images.remove(image)
    editor.spaces.active.image = result
    with pytest.raises(RuntimeError, match="made of is gone"):
        press(editor, "edit_image")


def test_a_result_is_seen_through_its_source_s_view(
    editor: Any, pretended: Path, saved_file: Path
) -> None:
    image = bpy.data.images.load(str(SAMPLES / "avatar_exr/avatar.1001.exr"))
    image.use_view_as_render = True
    editor.spaces.active.image = image
    result = press(editor, "edit_image")
    assert result.use_view_as_render
    assert result.colorspace_settings.name == image.colorspace_settings.name


def test_a_scene_s_own_light_is_seen_through_its_view(
    editor: Any, pretended: Path, tmp_path: Path
) -> None:
    scene, shot = bpy.context.scene, tmp_path / "szene"
    shot.mkdir()
    for number in (1, 2):
        shutil.copy(SAMPLES / "avatar_exr/avatar.1001.exr", shot / f"r_{number:04d}.exr")
    scene.render.filepath = str(shot / "r_")
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.frame_start, scene.frame_end = 1, 2
    press(editor, "render_frames")
    settings = scene.reggan
    assert settings.original_image.use_view_as_render
    assert settings.result_image.use_view_as_render
    sheet = press(editor, "preview")
    assert sheet.use_view_as_render
    assert "--for-view" in asked(pretended)[-1]
    editor.spaces.active.image = bpy.data.images.load(str(FRAME))
    assert not press(editor, "preview").use_view_as_render
    assert "--for-view" not in asked(pretended)[-1]


@pytest.mark.parametrize("box", [(400, 400, 50, 50), (12, 9, 55, 55)])
def test_a_rig_s_face_beside_the_picture_s_is_shown_before_frames_change(
    editor: Any, pretended: Path, tmp_path: Path, box: tuple[int, ...]
) -> None:
    """Where no frame was there yet when the head was tracked; once, and not where they agree."""
    settings, tracks = bpy.context.scene.reggan, tmp_path / "tracks.json"
    faces = {"faces": [{"box": box, "status": "given"}]}
    tracks.write_text(json.dumps({"frames": {"1003": faces}}))
    settings.frames_source, settings.frames_path = "SEQUENCE", str(FRAME)
    settings.use_rig_tracks, settings.rig_tracks = True, str(tracks)
    settings.output_path = str(tmp_path / "out")
    bpy.context.scene.frame_set(1003)
    if box[0] > 100:
        with pytest.raises(RuntimeError, match=r"In frame 1003 .*Change Frames, pressed again"):
            press(editor, "render_frames")
        commands = [json.loads(line)["command"] for line in pretended.read_text().splitlines()]
        assert commands == ["track"]
        assert not (tmp_path / "out").exists()
    press(editor, "render_frames")
    press(editor, "render_frames")
    commands = [json.loads(line)["command"] for line in pretended.read_text().splitlines()]
    assert commands == ["track", "render", "render"]


def test_a_map_s_job_leaves_the_view_layer_whole(pretended: Path, saved_file: Path) -> None:
    settings = bpy.context.scene.reggan_texture
    settings.image = bpy.data.images.load(str(FRAME))
    before = list(bpy.context.view_layer.objects)
    assert bpy.ops.reggan.edit_texture() == {"FINISHED"}
    assert list(bpy.context.view_layer.objects) == before
