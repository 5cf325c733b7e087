"""Panels of the head in the scene, and of this character's rig."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..head_settings import OBJECTS, POINTS
from ..job_display import draw_job_button, draw_lines
from ..scene.python_drivers import driver_that_stands_still
from ..scene.settings_for_runtime import said_of_tracks
from .expression_and_frames import TabPanel, draw_key_table, split_column


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
    text = (
        f"{owner} has a driver with Python code. This job runs in a second Blender, which runs "
        "no scripts unless you allow them: Preferences > Save & Load > Auto Run Python Scripts. "
        "Allow them only for files that you trust."
    )
    draw_lines(box, text, context)


class HeadPanel(TabPanel, bpy.types.Panel):
    """Choose the head, eyes and mouth; track them."""

    bl_idname = "REGGAN_PT_head"
    bl_label = "Head from Rig"
    bl_space_type = "VIEW_3D"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Head, eyes, mouth, number, file, button."""
        layout, settings = split_column(self.layout), context.scene.reggan_head
        _draw_place(layout, settings, "head", "bone")
        layout.prop(settings, "front")
        column = layout.column()
        for name in POINTS:
            _draw_place(column, settings, name, f"{name}_bone", placeholder="Optional")
        layout.operator("reggan.place_points", icon="EMPTY_AXIS")
        layout.prop(context.scene.reggan, "shows_points")
        layout.prop(settings, "face_number")
        layout.prop(settings, "tests_occlusion")
        layout.prop(settings, "takes_own_shapes")
        layout.prop(context.scene.reggan, "rig_tracks")
        draw_script_note(layout, context, [getattr(settings, name) for name in OBJECTS])
        draw_job_button(layout, "reggan.track_head", icon="TRACKER")
        draw_lines(layout, said_of_tracks(context.scene), context)


def _draw_place(layout: Any, settings: Any, name: str, bone: str, **look: str) -> None:
    layout.prop(settings, name, **look)
    chosen = getattr(settings, name)
    if chosen is not None and chosen.type == "ARMATURE":
        layout.prop_search(settings, bone, chosen.data, "bones", text="Bone")


_TABLE = (
    "reggan.recognise_shape_keys",
    "reggan.add_expression_key",
    "reggan.remove_expression_key",
)


class CharacterPanel(TabPanel, bpy.types.Panel):
    """Choose the mesh, check the table, write."""

    bl_idname = "REGGAN_PT_character"
    bl_label = "This Character's Rig"
    bl_space_type = "VIEW_3D"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's own way

    def draw(self, context: bpy.types.Context) -> None:
        """Mesh, table, file, button, use."""
        layout, settings = split_column(self.layout), context.scene.reggan_character
        layout.prop(settings, "mesh")
        draw_key_table(layout, settings, settings.mesh, _TABLE, ("shape", "key", "weight"))
        layout.prop(settings, "file")
        layout.prop(settings, "replaces")
        layout.operator("reggan.write_character", icon="EXPORT")
        layout.prop(settings, "uses")


classes = (HeadPanel, CharacterPanel)
