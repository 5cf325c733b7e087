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
    from blender_addon.scene.expression_icons import face_icons

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
    from blender_addon.scene import expression_icons

    run(area, bpy.ops.reggan.draw_faces)
    expression_icons.face_icons()
    image = bpy.data.images[expression_icons.FACES_NAME]
    width, height = image.size
    preview = expression_icons._built["collection"]["happy"]
    begin = 4 * ((height - 96) * width + 96)  # lowest row of the box, from the bottom
    expected = image.pixels[begin : begin + 8]
    assert list(preview.image_pixels_float[:8]) == pytest.approx(list(expected), abs=0.01)


def test_presets_stand_in_the_menu_and_on_the_sheet(
    area: Any, tmp_path: Path, pretended: Path
) -> None:
    from blender_addon.scene.expression_icons import face_icons

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


def faces() -> dict[str, Any]:
    """The actions that Draw Faces made, by the expression that they say."""
    from blender_addon.scene.expression_icons import face_of_action

    return {face_of_action(one): one for one in bpy.data.actions if face_of_action(one)}


def test_the_faces_are_assets_with_pictures(area: Any) -> None:
    """Of Blender's own kind: an action that sets the panel, with a picture of this face."""
    own = bpy.data.actions.new("Face Happy")  # the artist's, of the same name
    run(area, bpy.ops.reggan.draw_faces)
    drawn = faces()
    assert set(drawn) == {"sad", "happy", "angry"}
    happy = drawn["happy"]
    assert happy != own
    assert own.asset_data is None
    assert happy.asset_data.tags[0].name == "RegGAN"
    sheet = bpy.data.images["RegGAN faces"]
    from blender_addon.bridge.sheet_cells import cells_from_text
    from blender_addon.scene.expression_icons import part_of_sheet, pixels_of
    from blender_addon.scene.image_origins import cells_of

    (cell,) = (c for c in cells_from_text(cells_of(sheet)) if c.expression == "happy")
    assert tuple(happy.preview.image_size) == cell.box[2:]
    shown = list(happy.preview.image_pixels_float)
    part = part_of_sheet(pixels_of(sheet), sheet.size, cell)
    assert shown == pytest.approx(list(part), abs=1 / 255)
    run(area, bpy.ops.reggan.draw_faces)  # again: the same assets
    assert faces() == drawn


def test_an_action_of_a_face_sets_the_panel(area: Any) -> None:
    run(area, bpy.ops.reggan.draw_faces)
    scene, action = bpy.context.scene, faces()["angry"]
    scene.reggan.expression, scene.reggan.intensity = "happy", 0.2
    animation = scene.animation_data_create()
    animation.action = action
    if hasattr(animation, "action_slot"):
        animation.action_slot = action.slots[0]
    scene.frame_set(5)
    assert (scene.reggan.expression, scene.reggan.intensity) == ("angry", 1.0)


def test_a_face_that_is_dropped_onto_the_panel_is_chosen(area: Any) -> None:
    run(area, bpy.ops.reggan.draw_faces)
    scene = bpy.context.scene
    scene.reggan.driven_by = "TAKE"
    scene.reggan_dropped_face = faces()["sad"]
    assert (scene.reggan.driven_by, scene.reggan.expression) == ("PANEL", "sad")
    assert scene.reggan_dropped_face is None  # the next one finds the place empty
    scene.reggan.driven_by = "CUES"
    scene.reggan_dropped_face = faces()["happy"]
    assert (scene.reggan.driven_by, scene.reggan.expression) == ("CUES", "happy")


def test_a_click_in_a_shelf_chooses_a_face_of_this_file_or_of_a_library(area: Any) -> None:
    run(area, bpy.ops.reggan.draw_faces)
    scene, happy = bpy.context.scene, faces()["happy"]
    happy.name = "Zähne"
    clicked = {"asset_library_type": "LOCAL", "relative_asset_identifier": "Action/Zähne"}
    assert bpy.ops.reggan.apply_face(**clicked) == {"FINISHED"}
    assert scene.reggan.expression == "happy"
    clicked = {"asset_library_type": "CUSTOM"}
    clicked["relative_asset_identifier"] = "hero.blend/Action/Face Wink left"
    assert bpy.ops.reggan.apply_face(**clicked) == {"FINISHED"}
    assert scene.reggan.expression == "wink_left"
    with pytest.raises(RuntimeError, match="no face of RegGAN"):
        bpy.ops.reggan.apply_face(relative_asset_identifier="Action/Walk")


def test_with_automatic_keys_a_face_is_keyed(area: Any) -> None:
    run(area, bpy.ops.reggan.draw_faces)
    scene = bpy.context.scene
    scene.tool_settings.use_keyframe_insert_auto = True
    for frame, name in ((1, "happy"), (20, "sad")):
        scene.frame_set(frame)
        scene.reggan_dropped_face = faces()[name]
    scene.tool_settings.use_keyframe_insert_auto = False
    scene.frame_set(3)
    assert scene.reggan.expression == "happy"
    scene.frame_set(20)
    assert scene.reggan.expression == "sad"


def test_faces_are_kept_little_by_little_and_only_while_their_sheet_is_there(area: Any) -> None:
    """Blender waits for each part; an undo or another file may come between two of them."""
    import time

    from blender_addon.bridge.vocabulary import ALL_EXPRESSIONS
    from blender_addon.scene.expression_icons import keep_faces
    from blender_addon.scene.image_origins import mark_sheet

    sheet = bpy.data.images.new("sheet", 8 * 96, 9 * 96)
    cells = [
        {"expression": name, "intensity": 1, "box": [96 * (n % 8), 96 * (n // 8), 96, 96]}
        for n, name in enumerate(ALL_EXPRESSIONS)
    ]
    mark_sheet(sheet, None, json.dumps(cells))
    parts, longest = keep_faces(sheet), 0.0
    while True:
        began = time.thread_time()
        done = next(parts, None)
        longest = max(longest, time.thread_time() - began)
        if done is None:
            break
    assert set(faces()) == set(ALL_EXPRESSIONS)
    assert longest < 0.02, longest
    again = keep_faces(sheet)
    next(again)
    bpy.data.images.remove(sheet)
    assert next(again, None) is None
