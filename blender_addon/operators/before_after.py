"""Show what an image was made of, and what was made of it, by one button."""

import bpy

from ..scene.made_images import is_made, results_of, source_of
from ..scene.sequence_images import show


class ToggleBeforeAfter(bpy.types.Operator):
    """Show the picture before its change, or the newest result made of it."""

    bl_idname = "reggan.toggle_before_after"
    bl_label = "Before / After"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether this editor's image has a before or an after."""
        image = getattr(context, "edit_image", None)
        if image is None or (not is_made(image) and not results_of(image)):
            cls.poll_message_set("Change this image or its frames first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show the other one."""
        image = context.edit_image
        other = source_of(image) if is_made(image) else results_of(image)[0]
        if other is None:
            self.report({"INFO"}, f"What {image.name} was made of is gone")
            return {"CANCELLED"}
        show(context, other)
        return {"FINISHED"}


classes = (ToggleBeforeAfter,)
