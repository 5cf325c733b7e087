"""Ask a runtime what works; make the extension an environment of its own, or remove it."""

import json
from collections.abc import Sequence

import bpy

from ..bridge.find_runtime import find_runtime, lines_of_report
from ..bridge.own_environment import note_of
from ..bridge.run_job import Job, JobRequest, Progress
from ..job_display import Internal
from ..preferences import maker_of_environments, own_environment, own_wheel, preferences_of
from .job_operator import JobOperator, new_job_folder


class RunDoctor(Internal, JobOperator, bpy.types.Operator):
    """Say what the chosen runtime has installed, and try every device with the model."""

    bl_idname = "reggan.doctor"
    bl_label = "Run Doctor"

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """One run of `doctor`."""
        context.window_manager.reggan_doctor = ""
        arguments = ("doctor", "--json")
        return [JobRequest(arguments=arguments, title="Doctor", folder=new_job_folder())]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Keep what it said for the preferences to show."""
        context.window_manager.reggan_doctor = "\n".join(lines_of_report(progress.summary))


class _EnvironmentOperator(Internal, JobOperator):
    """The common part: Blender's Python works on the folder, beside Blender."""

    _cancelled = "Cancelled. The environment is as it was before."

    def job(self, context: bpy.types.Context) -> Job:
        """Return a job of Blender's own Python."""
        return Job(maker_of_environments(), self.requests(context))


class MakeEnvironment(_EnvironmentOperator, bpy.types.Operator):
    """Fetch what a GPU, videos, and takes in USD need, and use it from now on.

    1.2 GB on the disk, 3.5 GB with an NVIDIA card. Remove Environment undoes it.
    """

    bl_idname = "reggan.make_environment"
    bl_label = "Make Environment"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        if not bpy.app.online_access:
            return "Switch on Preferences > System > Network > Allow Online Access first"
        if own_wheel() is None:
            return "This installation brought no reggan-plugin. Install the extension's zip file"
        return ""

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """Make it; the doctor tries it in the end."""
        folder, preferences = own_environment(), preferences_of(context)
        former = (note_of(folder) or {}).get("before")
        before = former or [preferences.runtime, preferences.environment]
        arguments = ("make", str(folder), "--wheel", str(own_wheel()))
        return [
            JobRequest(
                arguments=(*arguments, "--note", json.dumps({"before": before})),
                title="Making the environment",
                folder=new_job_folder(),
            )
        ]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Use it, and show what its doctor said."""
        folder, preferences = own_environment(), preferences_of(context)
        find_runtime(str(folder), None)
        preferences.runtime, preferences.environment = "ENVIRONMENT", str(folder)
        context.preferences.is_dirty = True
        context.window_manager.reggan_doctor = "\n".join(lines_of_report(progress.summary))
        self._report({"INFO"}, f"reggan-plugin {progress.summary['version']} is ready")


class RemoveEnvironment(_EnvironmentOperator, bpy.types.Operator):
    """Remove what Make Environment made, and go back to the runtime from before."""

    bl_idname = "reggan.remove_environment"
    bl_label = "Remove Environment"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        return "" if own_environment().exists() else "The extension has made no environment"

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """Use what was used before, then remove the folder."""
        folder, preferences = own_environment(), preferences_of(context)
        before = (note_of(folder) or {}).get("before", ["BUNDLED", ""])
        if preferences.environment == str(folder):
            preferences.runtime, preferences.environment = before
            context.preferences.is_dirty = True
        return [
            JobRequest(
                arguments=("remove", str(folder)),
                title="Removing the environment",
                folder=new_job_folder(),
            )
        ]

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Forget what its doctor said."""
        context.window_manager.reggan_doctor = ""
        self._report({"INFO"}, "The environment was removed")


classes = (RunDoctor, MakeEnvironment, RemoveEnvironment)
