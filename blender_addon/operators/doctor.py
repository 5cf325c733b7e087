"""Ask the chosen runtime what is installed and which devices work."""

from collections.abc import Sequence

import bpy

from ..bridge.job import JobRequest
from ..bridge.progress import Progress
from ..bridge.runtime import lines_of_report
from .job_operator import JobOperator, new_job_folder


class RunDoctor(JobOperator, bpy.types.Operator):
    """Say what the chosen runtime has installed, and try every device with the model."""

    bl_idname = "reggan.doctor"
    bl_label = "Run Doctor"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """One run of `doctor`."""
        context.window_manager.reggan_doctor = ""
        arguments = ("doctor", "--json")
        return [JobRequest(arguments=arguments, title="Doctor", folder=new_job_folder())]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Keep what it said for the preferences to show."""
        context.window_manager.reggan_doctor = "\n".join(lines_of_report(progress.summary))


classes = (RunDoctor,)
