"""The sliders of the face shapes, in both sidebars."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..bridge.vocabulary import SHAPE_GROUPS, mirrored_shape, side_of_shape, words_of_shape
from .expression_and_frames import TabPanel, in_both_editors


class ShapesPanel(TabPanel):
    """One slider a shape, and presets of one's own."""

    bl_label = "Face Shapes"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

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
        layout.operator("reggan.choose_picture", icon="FILE_IMAGE")
        layout.use_property_split = False
        row = layout.row(align=True)
        row.prop(context.window_manager, "reggan_shape_search", text="", icon="VIEWZOOM")
        row.operator_menu_enum("reggan.mirror_shapes", "way", text="", icon="MOD_MIRROR")
        sought = context.window_manager.reggan_shape_search.lower().replace(" ", "")
        for group, names in SHAPE_GROUPS.items():
            found = [name for name in names if sought in name.lower()]
            if found:
                layout.label(text=group)
                _draw_shapes(layout.column(align=True), weights, found)


def _draw_shapes(column: Any, weights: Any, names: Sequence[str]) -> None:
    """Draw names inside the sliders, left and right beside each other."""
    for name in names:
        stem, side = side_of_shape(name)
        other = mirrored_shape(name)
        if side == "Right" and other in names:
            continue  # beside its left
        row = column.row(align=True)
        row.use_property_decorate = True
        is_pair = side == "Left" and other in names
        row.prop(weights, name, slider=True, text=f"{words_of_shape(stem)} L" if is_pair else None)
        if is_pair:
            row.prop(weights, other, slider=True, text="R")


classes = in_both_editors(ShapesPanel, "_shapes")
_SEARCH = bpy.props.StringProperty(
    name="Search",
    description="Show only shapes whose names hold this",
    options={"SKIP_SAVE", "TEXTEDIT_UPDATE"},
)
settings = ((bpy.types.WindowManager, "reggan_shape_search", _SEARCH),)
