"""Change the expression in the image of the Image Editor; the result is a new image."""

from collections.abc import Sequence

import bpy

from ..bridge.command_line import RenderRequest, render_arguments
from ..bridge.errors import BridgeError
from ..bridge.job import JobRequest
from ..bridge.progress import Progress
from ..bridge.remedies import with_remedy
from ..scene.asked_expression import still_expression
from ..scene.image_files import file_of_image
from ..scene.made_images import image_to_change
from ..scene.results import new_image, whereabouts
from ..scene.sequence_images import show
from ..scene.settings import face_by_choice, face_settings, model_settings
from .job_operator import JobOperator, new_job_folder

_UNREAD_SPACES = ("ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear DCI-P3 D65", "Linear CIE-XYZ")


_REMEDIES = {
    "face-in-frame": "Show the face larger and from the front. Where this scene holds the head, "
    "Rendered Frames can take its place from the rig."
}


class EditImage(JobOperator, bpy.types.Operator):
    """Change the expression in this image. The result is a new image; this one stays as it is"""

    bl_idname = "reggan.edit_image"
    bl_label = "Change Image"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The reason why the button is grey."""
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
        image, settings, folder = image_to_change(context), context.scene.reggan, new_job_folder()
        asked = still_expression(context)
        self._source = file_of_image(image, folder, context.space_data)
        self._made = folder / "out" / self._source.path.name
        self._label = asked.label
        is_of_the_shot = image.type == "RENDER_RESULT" or image.source == "SEQUENCE"
        job = RenderRequest(
            frames=str(self._source.path),
            asked=asked,
            face=face_settings(settings) if is_of_the_shot else face_by_choice(settings),
            model=model_settings(context),
            out=self._made.parent,
        )
        arguments = (*render_arguments(job), "--on-missing-face", "fail")
        return [
            JobRequest(
                arguments=arguments, title=f"Making {image.name} {asked.label}", folder=folder
            )
        ]

    def reason(self, progress: Progress) -> str:
        """Of the image by its name: its file is the add-on's, and the only frame of the job."""
        failed = progress.summary.get("failed")
        message = with_remedy(failed[0], _REMEDIES) if failed else progress.message
        return message.replace(str(self._source.path), self._source.image)

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Show the new image."""
        if not self._made.is_file():
            raise BridgeError(f"The worker ended without {self._made}. Run it again.")
        image = new_image(self._made, self._source, self._label)
        if self._source.colour_space in _UNREAD_SPACES:
            self._note(
                f"{image.name} is in {self._source.colour_space} and was changed as if it were in "
                "Linear Rec.709: colours of the change can be off a little",
            )
        self._report({"INFO"}, f"{image.name} is {whereabouts(image)}")
        show(context, image)


classes = (EditImage,)
