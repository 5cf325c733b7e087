"""The scene's character, to be written with its own face shapes."""

from typing import Any

import bpy


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
        row.label(text=f"{item.key or 'no key yet'}  {item.weight:g}")


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


classes = (REGGAN_UL_expression_keys, CharacterPanel)
