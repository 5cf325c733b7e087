"""The RegGAN tab in the sidebar of the 3D viewport."""

import bpy

from .frames import FramesPanel, MainPanel

PARENT = "REGGAN_PT_viewport"
"""`bl_parent_id` of this tab's further panels."""


class ViewportMainPanel(MainPanel, bpy.types.Panel):
    """Expression, in the 3D viewport."""

    bl_idname = PARENT
    bl_space_type = "VIEW_3D"


class ViewportFramesPanel(FramesPanel, bpy.types.Panel):
    """Rendered frames, in the 3D viewport."""

    bl_idname = "REGGAN_PT_viewport_frames"
    bl_parent_id = PARENT
    bl_space_type = "VIEW_3D"


classes = (ViewportMainPanel, ViewportFramesPanel)
