"""The sliders of the face shapes, in both sidebars."""

from typing import Any

import bpy

from ..bridge.vocabulary import SHAPE_GROUPS
from .frames import CATEGORY, IMAGE_EDITOR, VIEWPORT


class ShapesPanel:
    """Mixin: one slider a shape, and presets of one's own."""

    bl_label = "Face Shapes"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way
    layout: Any

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether these panels say how the face changes."""
        return context.scene.reggan.driven_by in ("PANEL", "CUES")

    def draw(self, context: bpy.types.Context) -> None:
        """Presets, then the shapes by the part of the face that they move."""
        layout, weights = self.layout, context.scene.reggan_shapes
        layout.use_property_split = True
        layout.prop(context.scene.reggan, "presets")
        row = layout.row(align=True)
        row.operator("reggan.save_preset", icon="ADD")
        row.operator("reggan.reset_shapes", icon="LOOP_BACK")
        for group, names in SHAPE_GROUPS.items():
            column = layout.column(align=True, heading=group)
            for name in names:
                column.prop(weights, name, slider=True)


class ViewportShapesPanel(ShapesPanel, bpy.types.Panel):
    """Face shapes, in the 3D viewport."""

    bl_idname = "REGGAN_PT_viewport_shapes"
    bl_space_type = "VIEW_3D"
    bl_parent_id = VIEWPORT


class ImageShapesPanel(ShapesPanel, bpy.types.Panel):
    """Face shapes, in the Image Editor."""

    bl_idname = "REGGAN_PT_image_shapes"
    bl_space_type = "IMAGE_EDITOR"
    bl_parent_id = IMAGE_EDITOR


classes = (ViewportShapesPanel, ImageShapesPanel)
