"""Change the expression in the image of the Image Editor; the result is a new image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..bridge.command_line import render_arguments
from ..bridge.errors import BridgeError
from ..bridge.remedies import with_remedy
from ..bridge.run_job import JobRequest, Progress
from ..scene.expression_choice import still_expression
from ..scene.files_from_images import ImageFile, file_of_image
from ..scene.image_origins import image_to_change
from ..scene.images_from_files import new_image, whereabouts
from ..scene.sequence_images import show
from ..scene.settings_for_runtime import face_settings, model_arguments
from .job_operator import JobOperator, new_job_folder

_UNREAD_SPACES = ("ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear DCI-P3 D65", "Linear CIE-XYZ")
_REMEDIES = {
    "face-in-frame": "Show the face larger and from the front. Where this scene holds the head, "
    "Rendered Frames can take its place from the rig."
}


@dataclass(frozen=True, kw_only=True)
class ChangedImage:
    """A change of one image.

    Attributes:
        source: the image as a file.
        made: the file that the job writes.
        label: the expression.
        request: the job.
        dropped: what is not done of what was asked, in words.
    """

    source: ImageFile
    made: Path
    label: str
    request: JobRequest
    dropped: str = ""

    def reason(self, progress: Progress) -> str:
        """Return the error of the job: of the image by its name, as its file is the add-on's."""
        failed = progress.summary.get("failed")
        message = with_remedy(failed[0], _REMEDIES) if failed else progress.message
        for name in (str(self.source.path), self.source.path.name):
            message = message.replace(name, self.source.image)
        return message

    def take(self, context: bpy.types.Context, operator: JobOperator) -> None:
        """Show the new image, and let the operator say where it is.

        Raises:
            BridgeError: there is no new file.
        """
        if not self.made.is_file():
            raise BridgeError(f"The worker ended without {self.made}. Run it again.")
        image = new_image(self.made, self.source, self.label)
        show(context, image)
        note = self.dropped
        if self.source.colour_space in _UNREAD_SPACES:
            note += (
                f"{image.name} is in {self.source.colour_space} and was changed as if it were in "
                "Linear Rec.709: colours of the change can be off a little"
            )
        if note:
            operator._note(note)
        operator._report({"INFO"}, f"{image.name} is {whereabouts(image)}")


def change_of_image(context: bpy.types.Context, image: bpy.types.Image) -> ChangedImage:
    """Return the change of an image that the panels ask for.

    Raises:
        BridgeError: the image holds no picture, or nothing is asked for.
    """
    settings, folder = context.scene.reggan, new_job_folder()
    asked = still_expression(context)
    source = file_of_image(image, folder, context.space_data)
    made = folder / "out" / source.path.name
    arguments = render_arguments(
        str(source.path),
        asked,
        face=face_settings(settings, image),
        model=model_arguments(context),
        out=made.parent,
    )
    request = JobRequest(
        arguments=[*arguments, "--on-missing-face", "fail"],
        title=f"Making {image.name} {asked.label}",
        folder=folder,
    )
    return ChangedImage(
        source=source, made=made, label=asked.label, request=request, dropped=asked.dropped
    )


class EditImage(JobOperator, bpy.types.Operator):
    """Change the expression in this image. The result is a new image; this one stays as it is"""

    bl_idname = "reggan.edit_image"
    bl_label = "Change Image"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
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
        self._change.take(context, self)


classes = (EditImage,)
