"""What the panels draw exists: Blender without a window draws none, and would not say."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("empty_file")]


class Layout:
    """Takes the calls of a panel, and fails where Blender would draw an error."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def __getattr__(self, name: str) -> Any:
        assert name in bpy.types.UILayout.bl_rna.functions, name
        return lambda *_, **__: self  # row, column, separator, …

    def prop(self, data: Any, name: str, **_: Any) -> None:
        assert hasattr(data, name), f"{data} has no {name}"
        self.drawn.append(name)

    def prop_search(self, data: Any, name: str, source: Any, items: str, **_: Any) -> None:
        assert hasattr(source, items), f"{source} has no {items}"
        self.prop(data, name)

    def label(self, *, text: str = "", **_: Any) -> None:
        self.drawn.append(text)

    def operator(self, name: str, **_: Any) -> Any:
        room, _, end = name.partition(".")
        getattr(getattr(bpy.ops, room), end).get_rna_type()  # raises KeyError
        self.drawn.append(name)
        return self


def panels(space: str) -> list[Any]:
    found = (getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("REGGAN_PT_"))
    return [panel for panel in found if panel.bl_space_type == space]


def drawn_in(space: str) -> list[str]:
    layout = Layout()
    for panel in panels(space):
        if hasattr(panel, "poll") and not panel.poll(bpy.context):
            continue
        panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.drawn


@pytest.mark.parametrize("space", ["VIEW_3D", "IMAGE_EDITOR"])
def test_texture_settings_follow_the_layout(space: str) -> None:
    """With the start-up scene's cube active, and with nothing."""
    settings = bpy.context.scene.reggan_texture
    assert {"uv_map", "front", "reggan.preview_texture"} <= set(drawn_in(space))
    settings.layout = "FLAT"
    shown = set(drawn_in(space))
    assert {"face_box", "makes_several", "reggan.edit_texture"} <= shown
    assert "expressions" not in shown  # those of the panel above count
    settings.makes_several = True
    assert "expressions" in drawn_in(space)
    assert not {"uv_map", "reggan.preview_texture", "assigns"} & shown
    settings.layout = "MESH"
    bpy.context.view_layer.objects.active = None
    assert "uv_map" not in drawn_in(space)


def test_the_image_editor_offers_its_image() -> None:
    assert "reggan.edit_image" in drawn_in("IMAGE_EDITOR")
    assert "reggan.edit_image" not in drawn_in("VIEW_3D")


@pytest.mark.parametrize("space", ["VIEW_3D", "IMAGE_EDITOR"])
def test_what_drives_the_face_has_its_own_fields(space: str) -> None:
    settings = bpy.context.scene.reggan
    fields = {"PANEL": "blend", "OBJECT": "driving_object", "TAKE": "take_offset"}
    fields["CUES"] = "blend_over"
    for driver, own in fields.items():
        settings.driven_by = driver
        shown = set(drawn_in(space))
        assert {name for name in fields.values() if name in shown} == {own}, driver
        assert ("jawOpen" in shown) == (driver in ("PANEL", "CUES"))


def test_the_table_of_what_drives_is_drawn_with_the_chosen_line() -> None:
    settings, face = bpy.context.scene.reggan, bpy.data.objects["Cube"]
    for name in ("Basis", "jawOpen", "Grin"):
        face.shape_key_add(name=name)
    settings.driven_by, settings.driving_object = "OBJECT", face
    shown = drawn_in("VIEW_3D")
    assert "Shape keys that move the picture: 1 of 2" in shown
    assert {"key", "shape", "weight", "reggan.fill_driving_table"} <= set(shown)


def test_a_maker_s_prefix_does_not_fill_the_table() -> None:
    """`h_expressions.` stands before all keys of VALID's heads; a line has room for half of it."""
    from blender_addon.panels.expression_and_frames import REGGAN_UL_keys as table
    from blender_addon.shape_settings import ExpressionKey

    for weight, said in ((1.0, "AE_AA_h"), (0.5, "0.5 AE_AA_h")):
        line = SimpleNamespace(shape="jawOpen", key="h_expressions.AE_AA_h", weight=weight)
        line.texts = partial(ExpressionKey.texts, line)
        table.draw_item(None, bpy.context, layout := Layout(), None, line, 0, None, "")
        assert layout.drawn == ["jawOpen", said]


@pytest.mark.parametrize("space", ["VIEW_3D", "IMAGE_EDITOR"])
def test_shapes_are_found_by_a_part_of_their_names(space: str) -> None:
    manager = bpy.context.window_manager
    manager.reggan_shape_search = "Brow out"
    shown = drawn_in(space)
    assert {"browOuterUpLeft", "browOuterUpRight"} <= set(shown)
    assert "jawOpen" not in shown
    manager.reggan_shape_search = ""


@pytest.mark.parametrize("space", ["VIEW_3D", "IMAGE_EDITOR"])
def test_what_went_wrong_stays_until_it_is_dismissed(space: str) -> None:
    settings = bpy.context.scene.reggan
    settings.frames_source, settings.frames_path = "SEQUENCE", "/nowhere/shot.####.exr"
    with pytest.raises(RuntimeError) as refused:
        bpy.ops.reggan.render_frames()
    manager = bpy.context.window_manager
    manager.reggan_unfolds = False
    folded = drawn_in(space)
    manager.reggan_unfolds = True
    shown = drawn_in(space)
    said = str(refused.value).removeprefix("Error: ").strip()
    assert said.replace(" ", "") in "".join(shown).replace(" ", "")  # in lines of a sidebar's width
    assert "reggan.dismiss" in shown
    assert "reggan_unfolds" in folded  # one line until it is unfolded
    bpy.ops.reggan.dismiss()
    assert "reggan.dismiss" not in drawn_in(space)
    assert "Ready" in drawn_in(space)


@pytest.mark.parametrize("space", ["VIEW_3D", "IMAGE_EDITOR"])
def test_buttons_of_jobs_are_new_ones_when_a_job_ends(
    space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blender 4.3 keeps the button under the mouse grey while it is the same operator's."""
    from blender_addon import job_display
    from blender_addon.operators.job_operator import JobOperator

    rooms = JobOperator.__subclasses__()
    every = [*rooms, *(one for room in rooms for one in room.__subclasses__())]
    of_jobs = {"reggan.render_and_apply", *(getattr(one, "bl_idname", None) for one in every)}
    usual = drawn_in(space)
    monkeypatch.setattr(bpy.context.window_manager, "reggan_job", "Changing frames")
    monkeypatch.setattr(job_display, "_KEEPS_BUTTONS", True)
    meanwhile = drawn_in(space)
    assert not of_jobs & set(meanwhile)
    count = sum(name in of_jobs for name in usual)
    assert meanwhile.count("reggan.wait_for_job") == count > 4
    assert not bpy.ops.reggan.wait_for_job.poll()
    monkeypatch.setattr(job_display, "_KEEPS_BUTTONS", False)
    assert of_jobs & set(drawn_in(space)) == of_jobs & set(usual)


def test_texture_settings_explain_themselves() -> None:
    scene = bpy.context.scene
    groups = (scene.reggan_texture, scene.reggan_shapes)
    for prop in (prop for group in groups for prop in group.bl_rna.properties):
        if prop.identifier not in ("rna_type", "name"):
            assert len(prop.description) > 10, prop.identifier


def test_the_preferences_offer_an_environment_or_say_what_to_switch_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blender_addon import preferences

    folder = tmp_path / "environment"
    monkeypatch.setattr(preferences, "own_environment", lambda: folder)
    chosen = bpy.context.preferences.addons["blender_addon"].preferences
    values = {name: getattr(chosen, name) for name in ("runtime", "environment", "device")}

    def drawn() -> list[str]:
        layout = Layout()
        shown = SimpleNamespace(layout=layout, landmarker="", **values)
        preferences.RegganPreferences.draw(shown, bpy.context)
        return layout.drawn

    system = bpy.context.preferences.system
    system.use_online_access = False
    assert "Make Environment needs Allow Online Access" in drawn()
    system.use_online_access = True
    assert "reggan.make_environment" in drawn()
    assert not any("Online" in one for one in drawn())
    assert "reggan.remove_environment" not in drawn()
    folder.mkdir()  # a run that was cut off
    assert {"reggan.make_environment", "reggan.remove_environment"} <= set(drawn())
    (folder / "reggan_environment.json").write_text('{"version": "0.5.0"}')
    assert "reggan.remove_environment" in drawn()
    assert "reggan.make_environment" not in drawn()
    system.use_online_access = False


def test_blender_s_own_menus_have_the_buttons() -> None:
    from blender_addon.operators import menus

    layout = Layout()
    menus._draw_in_image_menu(SimpleNamespace(layout=layout), bpy.context)
    menus._draw_in_render_menu(SimpleNamespace(layout=layout), bpy.context)
    assert {"reggan.edit_image", "reggan.split_wipe", "reggan.render_and_apply"} <= set(
        layout.drawn
    )
    for menu, draw in (
        (bpy.types.IMAGE_MT_image, menus._draw_in_image_menu),
        (bpy.types.TOPBAR_MT_render, menus._draw_in_render_menu),
    ):
        assert draw in menu.draw._draw_funcs


def test_the_line_at_the_top_says_what_went_wrong() -> None:
    """Its beginning, as the sidebar is narrow; a click unfolds the rest."""
    from blender_addon.job_display import draw_status, forget_last_words, keep_last_words

    class Texts(Layout):
        def prop(self, data: Any, name: str, *, text: str = "", **_: Any) -> None:
            super().prop(data, name)
            self.drawn.append(text)

    said = "No face in a.png; expected one of 48 pixels. Show it larger."
    manager = bpy.context.window_manager
    keep_last_words(manager, said, is_failure=True)
    draw_status(layout := Texts(), bpy.context)
    forget_last_words(manager)
    assert layout.drawn[:2] == ["reggan_unfolds", "No face in a.png"]


def test_labels_are_in_title_case_as_blender_s_are() -> None:
    """But for the names of expressions, which are those of every other program."""
    small = {"a", "of", "on", "the", "from", "in", "to"}
    scene, labels = bpy.context.scene, set()
    for name in ("", "_texture", "_head", "_character"):
        for field in getattr(scene, f"reggan{name}").bl_rna.properties:
            if field.type not in ("COLLECTION", "POINTER") and " " in field.name:
                labels.add(field.name)
            if field.type == "ENUM" and not field.identifier.startswith("expression"):
                labels |= {item.name for item in field.enum_items}
    words = {word for label in labels for word in label.split()}
    assert {word for word in words if word[:1].islower()} <= small
