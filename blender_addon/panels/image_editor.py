"""The RegGAN tab in the sidebar of the Image Editor."""

import bpy

from .frames import FramesPanel, MainPanel

PARENT = "REGGAN_PT_image"
"""`bl_parent_id` of this tab's further panels."""


class ImageMainPanel(MainPanel, bpy.types.Panel):
    """Expression, in the Image Editor."""

    bl_idname = PARENT
    bl_space_type = "IMAGE_EDITOR"


class ImageFramesPanel(FramesPanel, bpy.types.Panel):
    """Rendered frames, in the Image Editor."""

    bl_idname = "REGGAN_PT_image_frames"
    bl_parent_id = PARENT
    bl_space_type = "IMAGE_EDITOR"


classes = (ImageMainPanel, ImageFramesPanel)
