"""Entries in Blender's own menus, a key in the Image Editor, and the manual."""

from pathlib import Path
from typing import Any

import bpy

from ..job_display import Explained, Internal


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
    layout.operator("reggan.render_and_apply", text="Render Image, Change Expression")
    both = layout.operator("reggan.render_and_apply", text="Render Animation, Change Expression")
    both.animation = True
    layout.operator("reggan.render_frames", text="Change Expression in Rendered Frames")


_MANUAL = Path(__file__).parents[1] / "manual.html"


class OpenManual(Internal, Explained, bpy.types.Operator):
    """Open the manual of this extension in a browser; it needs no network."""

    bl_idname = "reggan.manual"
    bl_label = "Manual"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        is_there = _MANUAL.is_file()
        return "" if is_there else "The manual comes with the zip file; here it is docs/blender.md"

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Open it."""
        return set(bpy.ops.wm.url_open(url=_MANUAL.as_uri()))


def _pages() -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return where Blender's Online Manual leads from buttons and fields of ours."""
    kinds = ("bpy.ops.reggan.*", "bpy.types.reggan*")
    return f"{_MANUAL.parent.as_uri()}/", tuple((kind, _MANUAL.name) for kind in kinds)


classes = (OpenManual,)
entries = (
    (bpy.types.IMAGE_MT_image, "append", _draw_in_image_menu),
    (bpy.types.TOPBAR_MT_render, "append", _draw_in_render_menu),
)
keys = (("IMAGE", "reggan.edit_image", "E", "PRESS", {"ctrl": True, "alt": True}),)


def attach() -> None:
    """Let F1 over a button lead to the manual."""
    bpy.utils.register_manual_map(_pages)


def detach() -> None:
    """Lead there no longer."""
    bpy.utils.unregister_manual_map(_pages)
