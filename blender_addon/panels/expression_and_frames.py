"""The RegGAN tab in the sidebars of the Image Editor and the 3D viewport: expression, frames."""

from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import MOST_SLIDERS
from ..job_display import draw_job_button, draw_status
from ..properties import shares_of_blend
from ..scene.expression_choice import cues_of, keys_without_shape
from ..scene.expression_icons import chosen_face, face_icons
from ..scene.shots import cameras_of
from ..shape_settings import NOTHING, key_names

CATEGORY = "RegGAN"
IMAGE_EDITOR = "REGGAN_PT_image"
_TABS = {"IMAGE_EDITOR": IMAGE_EDITOR, "VIEW_3D": "REGGAN_PT_viewport"}
"""`bl_idname` of each tab's first panel, the parent of its others, by the editor."""
_MOST_CUES = 8
"""That are listed."""


def in_both_editors(mixin: type, name: str) -> list[type]:
    """Make a panel of the tab in the Image Editor, and one in the 3D viewport.

    Args:
        mixin: what both show.
        name: the end of their `bl_idname`; empty for the first panel.
    """
    panels = []
    for editor, first in _TABS.items():
        own = {"bl_idname": first + name, "bl_space_type": editor, "__doc__": mixin.__doc__}
        own |= {"bl_parent_id": first} if name else {}
        panels.append(type(first + name, (mixin, bpy.types.Panel), own))
    return panels


class MainPanel:
    """The expression, on top of all other panels of the tab."""

    bl_label = "RegGAN"
    bl_region_type = "UI"
    bl_category = CATEGORY
    layout: Any

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Draw the manual's button."""
        self.layout.operator("reggan.manual", icon="HELP", text="", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        """Progress, expression, intensity."""
        draw_status(self.layout, context)
        settings, column = context.scene.reggan, _column(self.layout)
        column.prop(settings, "driven_by")
        _draw_expression(column, settings)
        animated = column.row()
        animated.use_property_decorate = True  # the dot that sets keyframes
        animated.prop(settings, "intensity", slider=True)
        column.prop(settings, "model")
        column = self.layout.column(align=True)
        draw_job_button(column, "reggan.preview", icon="IMGDISPLAY")
        is_drawn = bool(face_icons())
        row = column.row(align=True)
        text = "Draw Faces Again" if is_drawn else "Draw This Character's Faces"
        draw_job_button(row, "reggan.draw_faces", icon="USER", text=text)
        if is_drawn:
            row.prop(context.space_data, "show_region_asset_shelf", text="", icon="ASSET_MANAGER")
            dropped = context.scene.reggan_faces
            column.prop(dropped, "dropped_face", text="", icon="USER", placeholder="Drop a Face")


def _draw_expression(column: Any, settings: Any) -> None:
    if settings.driven_by == "OBJECT":
        column.prop(settings, "driving_object")
        if settings.driving_object is not None:
            _draw_driving_table(column, settings.driving_object)
    elif settings.driven_by == "TAKE":
        column.prop(settings, "take")
        column.prop(settings, "take_offset")
        _draw_fit(column, settings.id_data.reggan_fit)
        row = column.row(align=True)
        draw_job_button(row, "reggan.keys_from_take", icon="KEYFRAME_HLT")
        row.operator("reggan.choose_video", icon="FILE_MOVIE")
    elif settings.driven_by == "CUES":
        _draw_cues(column, settings)
    else:
        if face_icons():
            scene = settings.id_data
            column.template_icon_view(
                scene, "reggan_face", show_labels=True, scale=6.0, scale_popup=4.0
            )
            word = column.row()
            word.alignment = "CENTER"
            word.label(text=f"{chosen_face(scene)}: click for all faces")
        single = column.row()
        single.active = not settings.blend
        single.use_property_decorate = True
        single.prop(settings, "expression")
        row = column.row(align=True)
        row.prop(settings, "blend")
        row.operator_menu_enum("reggan.add_to_blend", "expression", text="", icon="ADD")
        for at, name in enumerate([*shares_of_blend(settings)][:MOST_SLIDERS]):
            row = column.row(align=True)
            row.use_property_decorate = True
            row.prop(settings, "blend_shares", index=at, text=name.capitalize(), slider=True)
            row.operator("reggan.remove_from_blend", text="", icon="X").name = name
        column.prop(settings, "adds")


class REGGAN_UL_driving_keys(bpy.types.UIList):  # noqa: N801 - Blender asks for such names
    """Shape key, face shape, value; those that move nothing are grey."""

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
        row.active = item.shape != NOTHING
        row.label(text=item.key.rpartition(".")[2])
        row.label(text="nothing" if item.shape == NOTHING else f"{item.shape}  {item.weight:g}")


def _draw_fit(column: Any, fit: Any) -> None:
    """Draw gains and offsets of a take, and the button that adds a line."""
    column.prop(fit, "asymmetry", slider=True)
    for number, line in enumerate(fit.rows):
        row = column.row(align=True)
        row.use_property_split = False
        row.prop(line, "shape", text="")
        row.prop(line, "gain", slider=True)
        row.prop(line, "offset", slider=True)
        row.operator("reggan.remove_fit", text="", icon="X").line = number
    column.operator("reggan.add_fit", icon="ADD")


def _draw_cues(column: Any, settings: Any) -> None:
    """Draw the cues of the timeline, and the buttons that add them."""
    try:
        cues, others = cues_of(settings.id_data)
    except BridgeError as error:
        column.label(text=str(error), icon="ERROR")
        return
    row = column.row(align=True)  # above the list, which grows
    row.prop(settings, "expression", text="")
    row.operator("reggan.add_cue", icon="ADD")
    column.prop(settings, "blend_over")
    column.prop(settings, "adds")
    box = column.box().column(align=True)
    for cue in cues[:_MOST_CUES]:
        said = " + ".join(
            name if share == 1 else f"{name} {share:.2g}" for name, share in cue.shares.items()
        )
        box.label(text=f"{cue.frame}: {said or 'none'}", icon="MARKER_HLT")
    if len(cues) > _MOST_CUES:
        box.label(text=f"and {len(cues) - _MOST_CUES} more")
    if others:
        box.label(text=f"No cues: {', '.join(others)}", icon="INFO")
    if not cues:
        box.label(text="No marker is named after an expression yet")


def _draw_driving_table(column: Any, driving: Any) -> None:
    table, unknown = driving.reggan_driving, len(keys_without_shape(driving))
    known = len(key_names(driving)) - unknown
    column.label(text=f"Shape keys that move the picture: {known} of {known + unknown}")
    row = column.row()
    row.template_list("REGGAN_UL_driving_keys", "", table, "rows", table, "active_row", rows=4)
    buttons = row.column(align=True)
    buttons.operator("reggan.fill_driving_table", icon="VIEWZOOM", text="")
    lines = buttons.column(align=True)
    lines.active = bool(table.rows)
    lines.operator("reggan.add_driving_key", icon="ADD", text="")
    lines.operator("reggan.remove_driving_key", icon="REMOVE", text="")
    if table.active_row < len(table.rows):
        line = table.rows[table.active_row]
        column.prop_search(line, "key", driving.data.shape_keys, "key_blocks")
        column.prop(line, "shape")
        column.prop(line, "weight")


class FramesPanel:
    """Rendered frames."""

    bl_label = "Rendered Frames"
    bl_region_type = "UI"
    bl_category = CATEGORY
    layout: Any

    def draw(self, context: bpy.types.Context) -> None:
        """Source, face, output, and what can be done."""
        settings, column = context.scene.reggan, _column(self.layout)
        column.row().prop(settings, "frames_source", expand=True)
        if settings.frames_source == "SEQUENCE":
            column.prop(settings, "frames_path")
        else:
            _draw_shots(column, settings)
        column.separator()
        column.prop(settings, "use_rig_tracks")
        column.prop(settings, "face")
        if settings.face == "INDEX":
            column.prop(settings, "face_index")
        column.separator()
        column.prop(settings, "makes_several")
        if settings.makes_several:
            grid = column.grid_flow(columns=2, align=True)
            grid.use_property_split = False
            grid.prop(settings, "expressions")
        column.prop(settings, "output_path")
        column.prop(settings, "existing")
        column.prop(settings, "with_mask")
        if settings.frames_source == "SCENE":
            row = self.layout.row(align=True)
            name, both = "reggan.render_and_apply", {"animation": True}
            draw_job_button(row, name, both, icon="RENDER_ANIMATION")
            draw_job_button(row, name, text="", icon="RENDER_STILL")
        draw_job_button(self.layout, "reggan.render_frames", icon="RENDERLAYERS")
        self.layout.operator("reggan.add_compositor_group", icon="NODE_COMPOSITING")


def _draw_shots(column: Any, settings: Any) -> None:
    """Draw what a scene with several cameras or view layers can be asked for."""
    scene = settings.id_data
    if len(cameras_of(scene)) > 1:
        column.prop(settings, "all_cameras")
    if len(scene.view_layers) > 1:
        column.prop(settings, "each_layer")


def _column(layout: Any) -> Any:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


classes = (
    REGGAN_UL_driving_keys,
    *in_both_editors(MainPanel, ""),
    *in_both_editors(FramesPanel, "_frames"),
)
