"""Panels of the head in the scene, and of this character's rig."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..head_settings import OBJECTS, POINTS
from ..job_display import draw_job_button, wrapped
from ..scene.python_drivers import driver_that_stands_still


def draw_script_note(
    layout: bpy.types.UILayout, context: bpy.types.Context, objects: Sequence[Any]
) -> None:
    """Name the owner of a Python driver that will stand still in the second Blender.

    Args:
        layout: of the panel.
        context: of the panel.
        objects: whose drivers count, with their parents and armatures; None is passed over.
    """
    owner = driver_that_stands_still(context, objects)
    if not owner:
        return
    box = layout.box()
    box.label(text="A Python driver will stand still", icon="ERROR")
    column = box.column(align=True)
    text = (
        f"{owner} has a driver with Python code. This job runs in a second Blender, which runs "
        "no scripts unless you allow them: Preferences > Save & Load > Auto Run Python Scripts. "
        "Allow them only for files that you trust."
    )
    for line in wrapped(text, context):
        column.label(text=line)


class HeadPanel(bpy.types.Panel):
    """Choose the head, eyes and mouth; track them."""

    bl_idname = "REGGAN_PT_head"
    bl_label = "Head from Rig"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "RegGAN"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Head, eyes, mouth, number, file, button."""
        layout, settings = self.layout, context.scene.reggan_head
        layout.use_property_split = True
        _draw_place(layout, settings, "head", "bone")
        layout.prop(settings, "front")
        column = layout.column(heading="Optional")
        for name in POINTS:
            _draw_place(column, settings, name, f"{name}_bone")
        layout.operator("reggan.place_points", icon="EMPTY_AXIS")
        layout.prop(context.scene.reggan, "shows_points")
        layout.prop(settings, "face_number")
        layout.prop(settings, "tests_occlusion")
        layout.prop(settings, "takes_own_shapes")
        layout.prop(context.scene.reggan, "rig_tracks")
        draw_script_note(layout, context, [getattr(settings, name) for name in OBJECTS])
        draw_job_button(layout, "reggan.track_head", icon="TRACKER")
        column = layout.column(align=True)
        for line in wrapped(context.scene.reggan.tracks_account, context):
            column.label(text=line)


def _draw_place(layout: bpy.types.UILayout, settings: Any, name: str, bone: str) -> None:
    layout.prop(settings, name)
    chosen = getattr(settings, name)
    if chosen is not None and chosen.type == "ARMATURE":
        layout.prop_search(settings, bone, chosen.data, "bones", text="Bone")


class REGGAN_UL_expression_keys(bpy.types.UIList):  # noqa: N801 - Blender asks for such names
    """Face shape, shape key, value: a sidebar is too narrow to edit them in one line."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        """One line."""
        row = layout.split(factor=0.5)
        row.label(text=item.shape)
        key = item.key.rpartition(".")[2]  # a maker's prefix would fill the line
        row.label(text=f"{key or 'no key yet'}  {item.weight:g}")


class CharacterPanel(bpy.types.Panel):
    """Choose the mesh, check the table, write."""

    bl_idname = "REGGAN_PT_character"
    bl_label = "This Character's Rig"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "RegGAN"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Mesh, table, file, button, use."""
        layout, settings = self.layout, context.scene.reggan_character
        layout.use_property_split = True
        layout.prop(settings, "mesh")
        _draw_table(layout, settings)
        layout.prop(settings, "file")
        layout.prop(settings, "replaces")
        layout.operator("reggan.write_character", icon="EXPORT")
        layout.prop(settings, "uses")


def _draw_table(layout: bpy.types.UILayout, settings: Any) -> None:
    row = layout.row()
    row.template_list(
        "REGGAN_UL_expression_keys", "", settings, "rows", settings, "active_row", rows=4
    )
    buttons = row.column(align=True)
    buttons.operator("reggan.recognise_shape_keys", icon="VIEWZOOM", text="")
    buttons.operator("reggan.add_expression_key", icon="ADD", text="")
    buttons.operator("reggan.remove_expression_key", icon="REMOVE", text="")
    if settings.active_row < len(settings.rows):
        _draw_line(layout.column(align=True), settings.rows[settings.active_row], settings.mesh)


def _draw_line(column: bpy.types.UILayout, line: Any, mesh: Any) -> None:
    """Draw the chosen line's fields."""
    column.prop(line, "shape")
    if mesh is not None and mesh.data.shape_keys is not None:
        column.prop_search(line, "key", mesh.data.shape_keys, "key_blocks")
    else:
        column.prop(line, "key")
    column.prop(line, "weight")


classes = (HeadPanel, REGGAN_UL_expression_keys, CharacterPanel)
