"""Left clicks on a picture in the Image Editor, before Blender's own tools take them."""

import bpy

_KEYMAPS = (
    {"name": "Image", "space_type": "IMAGE_EDITOR"},
    # its tool goes first from Blender 5 on
    {"name": "Image Editor Tool: Sample", "space_type": "IMAGE_EDITOR", "tool": True},
)
Clicks = list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]]
"""What was bound."""


def bind_clicks(operator: str) -> Clicks:
    """Let a click call an operator, which passes on what is not for it.

    Args:
        operator: its `bl_idname`.

    Returns:
        What to give to `unbind_clicks`; without a window there is nothing.
    """
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:
        return []
    keymaps = [configuration.keymaps.new(**keymap) for keymap in _KEYMAPS]
    return [(keys, keys.keymap_items.new(operator, "LEFTMOUSE", "PRESS")) for keys in keymaps]


def unbind_clicks(clicks: Clicks) -> None:
    """Take the clicks away again."""
    for keys, item in clicks:
        keys.keymap_items.remove(item)
    clicks.clear()
