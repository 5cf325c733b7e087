"""Expressions chosen by their pictures: in the menu, and by a click on the sheet."""

import json
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file", "pretended")]

FRAME = Path(__file__).parents[2] / "reggan_plugin/samples/avatar_png/avatar.1001.png"


@pytest.fixture
def area() -> Any:
    """An Image Editor that shows a picture."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images.load(str(FRAME))
    return area


def run(area: Any, operator: Any, **values: float) -> set[str]:
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area):
        return set(operator(**values))


def at(image: Any, x: float, y: float) -> dict[str, float]:
    """A place, in pixels from the top left corner, as the operator takes it."""
    return {"u": x / image.size[0], "v": 1 - y / image.size[1]}


def test_a_click_on_a_face_of_the_sheet_chooses_it(area: Any) -> None:
    settings = bpy.context.scene.reggan
    settings.blend = "happy:0.5"
    run(area, bpy.ops.reggan.preview)
    sheet = area.spaces.active.image
    assert run(area, bpy.ops.reggan.choose_in_sheet, **at(sheet, 40, 40)) == {"FINISHED"}
    assert (settings.expression, settings.blend) == ("sad", "")
    assert settings.intensity == pytest.approx(0.7)
    run(area, bpy.ops.reggan.choose_in_sheet, **at(sheet, 40, 140))
    assert settings.expression == "angry"


def test_a_click_elsewhere_is_left_to_others(area: Any) -> None:
    run(area, bpy.ops.reggan.preview)
    sheet = area.spaces.active.image
    assert run(area, bpy.ops.reggan.choose_in_sheet, **at(sheet, 300, 300)) == {"PASS_THROUGH"}
    area.spaces.active.image = bpy.data.images[FRAME.name]
    with pytest.raises(RuntimeError, match="poll"):
        run(area, bpy.ops.reggan.choose_in_sheet, **at(sheet, 40, 40))


def test_an_animated_intensity_stays(area: Any) -> None:
    settings = bpy.context.scene.reggan
    settings.intensity = 0.4
    settings.keyframe_insert("intensity", frame=1)
    run(area, bpy.ops.reggan.preview)
    run(area, bpy.ops.reggan.choose_in_sheet, **at(area.spaces.active.image, 40, 40))
    assert settings.expression == "sad"
    assert settings.intensity == pytest.approx(0.4)


def test_the_menu_shows_this_face_with_every_expression(area: Any, tmp_path: Path) -> None:
    from blender_addon.scene.face_icons import face_icons

    scene = bpy.context.scene
    assert face_icons() == {}
    shown = area.spaces.active.image
    run(area, bpy.ops.reggan.draw_faces)
    assert area.spaces.active.image == shown  # the menu takes no editor
    icons = face_icons()
    assert set(icons) == {"sad", "happy", "angry"}
    assert scene.reggan_face == "happy"
    scene.reggan_face = "angry"
    assert scene.reggan.expression == "angry"
    scene.reggan.expression = "laughing"  # not drawn
    assert scene.reggan_face == "NONE"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "faces.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "faces.blend"))
    assert set(face_icons()) == {"sad", "happy", "angry"}


def test_a_picture_of_the_menu_is_that_of_its_face(area: Any) -> None:
    from blender_addon.scene import face_icons

    run(area, bpy.ops.reggan.draw_faces)
    face_icons.face_icons()
    image = bpy.data.images[face_icons.FACES_NAME]
    width, height = image.size
    preview = face_icons._built["collection"]["happy"]
    begin = 4 * ((height - 96) * width + 96)  # lowest row of the box, from the bottom
    expected = image.pixels[begin : begin + 8]
    assert list(preview.image_pixels_float[:8]) == pytest.approx(list(expected), abs=0.01)


def test_presets_stand_in_the_menu_and_on_the_sheet(
    area: Any, tmp_path: Path, pretended: Path
) -> None:
    from blender_addon.scene.face_icons import face_icons

    scene = bpy.context.scene
    presets = tmp_path / "mine.toml"
    scene.reggan.presets, scene.reggan_shapes.mouthSmileLeft = str(presets), 0.5
    assert bpy.ops.reggan.save_preset(name="my grin") == {"FINISHED"}
    assert bpy.ops.reggan.reset_shapes() == {"FINISHED"}
    run(area, bpy.ops.reggan.draw_faces)
    (asked,) = (json.loads(line)["arguments"] for line in pretended.read_text().splitlines())
    assert asked[asked.index("--presets") + 1] == str(presets)
    assert set(face_icons()) == {"sad", "happy", "angry", "my grin"}
    scene.reggan_face = "my_grin"
    assert scene.reggan.blend == "my grin"
    assert scene.reggan_face == "my_grin"
    scene.reggan_face = "sad"
    assert (scene.reggan.blend, scene.reggan.expression) == ("", "sad")
    run(area, bpy.ops.reggan.preview)
    run(area, bpy.ops.reggan.choose_in_sheet, **at(area.spaces.active.image, 140, 140))
    assert scene.reggan.blend == "my grin"
    assert scene.reggan.intensity == pytest.approx(0.7)
    presets.unlink()  # the menu still stands; the job says what is missing
    assert scene.reggan_face == "my_grin"
