"""The panels for one image, in the Image Editor, and for a head's texture map, in both editors."""

from typing import Any

import bpy

from ..job_display import draw_job_button
from ..operators.live import LiveHead, LiveImage, is_shown
from ..operators.split_wipe import is_wiped
from ..scene.image_origins import is_result
from .expression_and_frames import (
    IMAGE_EDITOR,
    TabPanel,
    draw_face_choice,
    draw_several,
    in_both_editors,
    split_column,
)


class ImagePanel(TabPanel, bpy.types.Panel):
    """The image of this editor."""

    bl_idname = "REGGAN_PT_image_image"
    bl_label = "Image"
    bl_space_type = "IMAGE_EDITOR"
    bl_parent_id = IMAGE_EDITOR

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the choice of the face, and the button."""
        settings, layout = context.scene.reggan, self.layout
        layout.use_property_split, layout.use_property_decorate = True, False
        draw_face_choice(layout, settings)
        row = layout.row()  # always there: the buttons below stay under the mouse
        row.active = is_result(getattr(context, "edit_image", None))
        row.prop(settings, "goes_on_from_result")
        layout.operator("reggan.live", icon="PLAY", depress=is_shown(LiveImage))
        draw_job_button(layout, "reggan.edit_image", icon="IMAGE_DATA")
        row = layout.row(align=True)
        row.operator("reggan.toggle_before_after", icon="UV_SYNC_SELECT")
        row.operator("reggan.split_wipe", icon="SPLIT_VERTICAL", depress=is_wiped())


class TexturePanel(TabPanel):
    """A head's texture map."""

    bl_label = "Texture Map"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the map, its result, and the buttons."""
        settings, layout = context.scene.reggan_texture, self.layout
        layout.row().prop(settings, "layout", expand=True)
        column = split_column(layout)
        if settings.layout == "FLAT":
            column.prop(settings, "image")
            column.prop(settings, "face_box")
        else:
            _draw_head(column, context)
        column.separator()
        draw_several(column, settings)
        layout.prop(settings, "takes_any_image")
        if settings.layout == "MESH":
            layout.prop(settings, "assigns")
            layout.operator("reggan.live_map", icon="PLAY", depress=is_shown(LiveHead))
            draw_job_button(layout, "reggan.preview_texture", icon="IMGDISPLAY")
        draw_job_button(layout, "reggan.edit_texture", icon="TEXTURE")


def _draw_head(column: Any, context: bpy.types.Context) -> None:
    settings, head = context.scene.reggan_texture, context.active_object
    if head is not None and head.type == "MESH":
        meshes = {head, *(thing for thing in context.selected_objects if thing.type == "MESH")}
        more = f" and {len(meshes) - 1} more" if len(meshes) > 1 else ""
        column.label(text=f"{head.name}{more}", icon="OUTLINER_OB_MESH")
        column.prop(settings, "material")
        column.prop(settings, "image")
        column.prop_search(settings, "uv_map", head.data, "uv_layers", icon="GROUP_UVS")
    else:
        column.label(text="No mesh is active", icon="INFO")
    column.prop(settings, "front")


classes = (ImagePanel, *in_both_editors(TexturePanel, "_texture"))
