"""The manual that came in the zip, in a browser: from the panel, and from Blender's own F1."""

from pathlib import Path

import bpy

_MANUAL = Path(__file__).parents[1] / "manual.html"


class OpenManual(bpy.types.Operator):
    """Open the manual of this extension in a browser; it needs no network."""

    bl_idname = "reggan.manual"
    bl_label = "Manual"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:  # noqa: ARG003
        """Tell whether it came with this installation."""
        if not _MANUAL.is_file():
            cls.poll_message_set("The manual comes with the zip file; here it is docs/blender.md")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Open it."""
        return set(bpy.ops.wm.url_open(url=_MANUAL.as_uri()))


def _pages() -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return where Blender's Online Manual leads from buttons and fields of ours."""
    kinds = ("bpy.ops.reggan.*", "bpy.types.reggan*")
    return f"{_MANUAL.parent.as_uri()}/", tuple((kind, _MANUAL.name) for kind in kinds)


classes = (OpenManual,)


def attach() -> None:
    """Let F1 over a button lead to it."""
    bpy.utils.register_manual_map(_pages)


def detach() -> None:
    """Lead there no longer."""
    bpy.utils.unregister_manual_map(_pages)
