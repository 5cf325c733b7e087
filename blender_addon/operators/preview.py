"""Show one frame with every expression, as a contact sheet."""

from collections.abc import Sequence

import bpy

from ..bridge.command_line import sheet_arguments
from ..bridge.job import JobRequest
from ..bridge.progress import Progress
from ..scene.image_files import file_of_image
from ..scene.made_images import image_to_change
from ..scene.rendered_frames import asked_frames
from ..scene.sequence_images import show_whole
from ..scene.settings import face_by_choice, face_settings, model_settings
from ..scene.sheets import packed_sheet
from .job_operator import JobOperator, new_job_folder

SHEET_NAME = "RegGAN preview"


class Preview(JobOperator, bpy.types.Operator):
    """Show every expression on the image of this editor, or else on the current frame"""

    bl_idname = "reggan.preview"
    bl_label = "Preview Expressions"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The reason why the button is grey."""
        settings = context.scene.reggan
        nothing_chosen = settings.frames_source == "SEQUENCE" and not settings.frames_path
        if image_to_change(context) is None and nothing_chosen:
            return "Open an image, or choose a rendered sequence first"
        return ""

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`sheet`."""
        scene, folder = context.scene, new_job_folder()
        image = image_to_change(context)
        if image is None:
            face = face_settings(scene.reggan)
            frame = asked_frames(scene).sequence.nearest(scene.frame_current)
        else:
            frame = file_of_image(image, folder, context.space_data).path
            face = face_by_choice(scene.reggan)
        self._source = None if image is None else image.name
        self._sheet = folder / "sheet.png"
        arguments = sheet_arguments(frame, self._sheet, face, model_settings(context))
        title = f"Drawing expressions of {frame.name}"
        return [JobRequest(arguments=tuple(arguments), title=title, folder=folder)]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Open the sheet in place of the last one."""
        sheet = packed_sheet(
            self._sheet, SHEET_NAME, self._source and bpy.data.images.get(self._source)
        )
        if not show_whole(context, sheet):
            self._report({"INFO"}, f"{SHEET_NAME} is ready: open it in an Image Editor")


classes = (Preview,)
