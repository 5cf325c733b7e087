"""Pictures of the scene's character to train on."""

from typing import Any

import bpy

from ..job_display import draw_job
from .script_note import draw_script_note


class REGGAN_UL_expression_keys(bpy.types.UIList):  # noqa: N801 - Blender asks for such names
    """Expression, shape key, value: a sidebar is too narrow to edit them in one line."""

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
        row = layout.split(factor=0.3)
        row.label(text=item.expression.capitalize())
        row.label(text=f"{item.key or 'no key yet'}  {item.weight:g}")


class CharacterPanel(bpy.types.Panel):
    """Choose the mesh, check the table, render."""

    bl_idname = "REGGAN_PT_character"
    bl_label = "Train on This Character"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "RegGAN"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Mesh, table, pictures, button, command."""
        layout, settings = self.layout, context.scene.reggan_character
        draw_job(layout, context)
        layout.use_property_split = True
        layout.prop(settings, "mesh")
        _draw_table(layout, settings)
        for names in (
            ("folder", "views", "size_px", "samples"),
            ("max_yaw_deg", "max_pitch_deg"),
            ("light", "is_alone", "replaces"),
        ):
            column = layout.column(align=True)
            for name in names:
                column.prop(settings, name)
        layout.label(text="Face: see Head from Rig", icon="INFO")
        draw_script_note(layout, context, [settings.mesh])
        layout.operator("reggan.render_training_set", icon="RENDER_STILL")
        if context.window_manager.reggan_training_command:
            layout.prop(context.window_manager, "reggan_training_command")


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
    """The chosen line's fields."""
    column.prop(line, "expression")
    if mesh is not None and mesh.data.shape_keys is not None:
        column.prop_search(line, "key", mesh.data.shape_keys, "key_blocks")
    else:
        column.prop(line, "key")
    column.prop(line, "weight")


classes = (REGGAN_UL_expression_keys, CharacterPanel)
