"""Entries in Blender's own menus, and a key in the Image Editor."""

from typing import Any

import bpy

from .picture_clicks import Clicks

_keys: Clicks = []

classes = ()


def _draw_in_image_menu(menu: Any, _context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator("reggan.edit_image", text="Change Expression", icon="USER")
    layout.operator("reggan.preview", text="Preview Expressions")
    layout.operator("reggan.toggle_before_after")
    layout.operator("reggan.split_wipe")


def _draw_in_render_menu(menu: Any, _context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    still = layout.operator("reggan.render_and_apply", text="Render Image, Change Expression")
    still.animation = False
    both = layout.operator("reggan.render_and_apply", text="Render Animation, Change Expression")
    both.animation = True
    layout.operator("reggan.render_frames", text="Change Expression in Rendered Frames")


def attach() -> None:
    """Add them; without a window there are no keys."""
    bpy.types.IMAGE_MT_image.append(_draw_in_image_menu)
    bpy.types.TOPBAR_MT_render.append(_draw_in_render_menu)
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is not None:
        keys = configuration.keymaps.new(name="Image", space_type="IMAGE_EDITOR")
        item = keys.keymap_items.new("reggan.edit_image", "E", "PRESS", ctrl=True, alt=True)
        _keys.append((keys, item))


def detach() -> None:
    """Take them away again."""
    bpy.types.IMAGE_MT_image.remove(_draw_in_image_menu)
    bpy.types.TOPBAR_MT_render.remove(_draw_in_render_menu)
    for keys, item in _keys:
        keys.keymap_items.remove(item)
    _keys.clear()
