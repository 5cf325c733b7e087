"""The contact sheet of a frame or of an image, in real Blender."""

import shutil
import subprocess
from array import array
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]

SAMPLES = Path(__file__).parents[2] / "reggan_plugin/samples"


@pytest.fixture
def settings() -> Any:
    return bpy.context.scene.reggan


@pytest.fixture
def editor() -> Any:
    """An Image Editor in the window."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area


def preview_in(area: Any) -> Any:
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area):
        assert bpy.ops.reggan.preview() == {"FINISHED"}
    return area.spaces.active.image


def sheet_by_hand(python: Path, frame: Path, out: Path) -> bytes:
    command = [str(python), "-m", "reggan_plugin", "sheet", str(frame), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_bytes()


def test_the_current_frame_of_the_sequence(
    tmp_path: Path, settings: Any, editor: Any, reggan_python: Path
) -> None:
    settings.frames_source = "SEQUENCE"
    settings.frames_path = str(SAMPLES / "avatar_png/avatar.1001.png")
    bpy.context.scene.frame_set(1003)
    sheet = preview_in(editor)
    frame = SAMPLES / "avatar_png/avatar.1003.png"
    assert bytes(sheet.packed_file.data) == sheet_by_hand(reggan_python, frame, tmp_path / "s.png")
    assert sheet.name == "RegGAN preview"
    assert sheet.filepath == "//RegGAN preview.png"  # and nothing of this machine
    assert sheet.size[0] > 4 * 190
    assert sheet.size[1] > 7 * 224


def test_the_image_in_the_editor_again_and_again(tmp_path: Path, editor: Any) -> None:
    file = tmp_path / "mein Köpfchen.png"
    shutil.copy(SAMPLES / "toon/toon.1001.png", file)
    image = bpy.data.images.load(str(file))
    editor.spaces.active.image = image
    first = preview_in(editor).packed_file.data
    assert preview_in(editor).packed_file.data == first  # of the image, not of the sheet
    assert [image.name for image in bpy.data.images if "preview" in image.name] == [
        "RegGAN preview"
    ]
    assert file.read_bytes() == (SAMPLES / "toon/toon.1001.png").read_bytes()


def test_an_image_that_was_painted_and_not_saved(tmp_path: Path, editor: Any) -> None:
    source = bpy.data.images.load(str(SAMPLES / "statue/statue.1001.png"))
    pixels = array("f", bytes(4 * len(source.pixels)))
    source.pixels.foreach_get(pixels)
    painted = bpy.data.images.new("painted", *source.size, alpha=True)
    painted.pixels.foreach_set(pixels)
    editor.spaces.active.image = painted
    assert preview_in(editor).packed_file.size > 100_000
    assert painted.source == "GENERATED"


def test_a_picture_without_a_face_is_refused(editor: Any) -> None:
    editor.spaces.active.image = bpy.data.images.new("empty", 256, 256)
    with pytest.raises(RuntimeError, match=r"shows no human-like face.*Head from Rig"):
        preview_in(editor)
    assert "RegGAN preview" not in bpy.data.images


def test_the_button_says_why_it_is_grey(settings: Any) -> None:
    settings.frames_source = "SEQUENCE"
    with pytest.raises(RuntimeError, match=r"image.*sequence"):
        bpy.ops.reggan.preview()
