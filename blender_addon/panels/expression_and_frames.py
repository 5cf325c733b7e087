"""The RegGAN tab in the sidebars of the Image Editor and the 3D viewport: expression, frames."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..bridge.errors import BridgeError
from ..bridge.expression_blend import MOST_SLIDERS
from ..job_display import draw_job_button, draw_status
from ..panel_settings import shares_of_blend
from ..scene.expression_choice import cues_of, keys_without_shape
from ..scene.expression_icons import chosen_face, face_icons
from ..scene.shots import cameras_of
from ..shape_settings import NOTHING, key_names

IMAGE_EDITOR = "REGGAN_PT_image"
_TABS = {"IMAGE_EDITOR": IMAGE_EDITOR, "VIEW_3D": "REGGAN_PT_viewport"}
"""`bl_idname` of each tab's first panel, the parent of its others, by the editor."""
_MOST_CUES = 8
"""That are listed."""


class TabPanel:
    """Mixin of the tab's panels, before `bpy.types.Panel`."""

    bl_region_type = "UI"
    bl_category = "RegGAN"
    layout: Any


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


class MainPanel(TabPanel):
    """The expression, on top of all other panels of the tab."""

    bl_label = "RegGAN"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Draw the manual's button."""
        self.layout.operator("reggan.manual", icon="HELP", text="", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        """Progress, expression, intensity."""
        draw_status(self.layout, context)
        settings, column = context.scene.reggan, split_column(self.layout)
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
            name, scene = "reggan_dropped_face", context.scene
            column.prop(scene, name, text="", icon="USER", placeholder="Drop a Face")


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


class REGGAN_UL_keys(bpy.types.UIList):  # noqa: N801 - Blender asks for such names
    """Shape keys and face shapes: a sidebar is too narrow to edit them in one line.

    Those that move nothing are grey.
    """

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
        for text in item.texts(item.key.rpartition(".")[2]):  # a maker's prefix would fill the line
            row.label(text=text)


def draw_key_table(
    layout: Any, table: Any, mesh: Any, operators: Sequence[str], fields: Sequence[str]
) -> None:
    """Draw a table of shape keys, its buttons, and the fields of the chosen line.

    Args:
        layout: of the panel.
        table: with `rows` and `active_row`.
        mesh: the object with the keys; None where none is chosen.
        operators: that fill it, add a line and remove one.
        fields: of a line, in the order in which they are edited.
    """
    row = layout.row()
    row.template_list("REGGAN_UL_keys", operators[0], table, "rows", table, "active_row", rows=4)
    buttons = row.column(align=True)
    for operator, icon in zip(operators, ("VIEWZOOM", "ADD", "REMOVE"), strict=True):
        buttons.operator(operator, icon=icon, text="")
    if table.active_row < len(table.rows):
        column, line = layout.column(align=True), table.rows[table.active_row]
        for field in fields:
            if field == "key" and mesh is not None and mesh.data.shape_keys is not None:
                column.prop_search(line, "key", mesh.data.shape_keys, "key_blocks")
            else:
                column.prop(line, field)


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
    operators = ("reggan.fill_driving_table", "reggan.add_driving_key", "reggan.remove_driving_key")
    draw_key_table(column, table, driving, operators, ("key", "shape", "weight"))


class FramesPanel(TabPanel):
    """Rendered frames."""

    bl_label = "Rendered Frames"

    def draw(self, context: bpy.types.Context) -> None:
        """Source, face, output, and what can be done."""
        scene, settings, column = context.scene, context.scene.reggan, split_column(self.layout)
        column.row().prop(settings, "frames_source", expand=True)
        if settings.frames_source == "SEQUENCE":
            column.prop(settings, "frames_path")
        else:
            if len(cameras_of(scene)) > 1:
                column.prop(settings, "all_cameras")
            if len(scene.view_layers) > 1:
                column.prop(settings, "each_layer")
        column.separator()
        column.prop(settings, "use_rig_tracks")
        draw_face_choice(column, settings)
        column.separator()
        draw_several(column, settings)
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


def draw_face_choice(layout: Any, settings: Any) -> None:
    """Draw which of the faces in a picture is meant."""
    layout.prop(settings, "face")
    if settings.face == "INDEX":
        layout.prop(settings, "face_index")


def draw_several(column: Any, settings: Any) -> None:
    """Draw the choice of several expressions in place of the one on top of the tab."""
    column.prop(settings, "makes_several")
    if settings.makes_several:
        grid = column.grid_flow(columns=2, align=True)
        grid.use_property_split = False
        grid.prop(settings, "expressions")


def split_column(layout: Any) -> Any:
    """Return a column of fields beside their names, without dots that set keyframes."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


classes = (
    REGGAN_UL_keys,
    *in_both_editors(MainPanel, ""),
    *in_both_editors(FramesPanel, "_frames"),
)
