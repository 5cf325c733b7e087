"""Pictures of the scene's character to train on."""

from typing import Any

import bpy

from ..job_display import draw_job


class REGGAN_UL_expression_keys(bpy.types.UIList):  # noqa: N801 - Blender asks for such names
    """Expression, shape key, value."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        """One line."""
        row = layout.row(align=True)
        row.prop(item, "expression", text="")
        mesh = data.mesh
        if mesh is not None and mesh.data.shape_keys is not None:
            row.prop_search(item, "key", mesh.data.shape_keys, "key_blocks", text="")
        else:
            row.prop(item, "key", text="")
        row.prop(item, "weight", text="")


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
        layout.prop(settings, "mesh")
        _draw_table(layout, settings)
        layout.use_property_split = True
        for names in (
            ("folder", "views", "size_px", "samples"),
            ("max_yaw_deg", "max_pitch_deg"),
            ("light", "is_alone", "replaces"),
        ):
            column = layout.column(align=True)
            for name in names:
                column.prop(settings, name)
        layout.label(text="The face is the one under Head from Rig", icon="INFO")
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


classes = (REGGAN_UL_expression_keys, CharacterPanel)
