"""Change the expression in the image of the Image Editor; the result is a new image."""

from collections.abc import Sequence

import bpy

from ..bridge.job import JobRequest
from ..bridge.progress import Progress
from ..scene.made_images import image_to_change
from .changed_image import change_of_image
from .job_operator import JobOperator


class EditImage(JobOperator, bpy.types.Operator):
    """Change the expression in this image. The result is a new image; this one stays as it is"""

    bl_idname = "reggan.edit_image"
    bl_label = "Change Image"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """Return the reason why the button is grey."""
        image = image_to_change(context)
        if image is None and getattr(context, "edit_image", None) is not None:
            return "What this image was made of is gone: open that first, or another image"
        if image is None:
            return "Open an image in the Image Editor first"
        if image.source == "TILED":
            return "A set of tiles is changed on its head: select that, and use Texture Map"
        return ""

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`render` of one file."""
        self._change = change_of_image(context, image_to_change(context))
        return [self._change.request]

    def reason(self, progress: Progress) -> str:
        """Of the image by its name."""
        return self._change.reason(progress)

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Show the new image."""
        where, note = self._change.take(context)
        if note:
            self._note(note)
        self._report({"INFO"}, where)


classes = (EditImage,)
