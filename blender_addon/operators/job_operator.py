"""Base of all operators that run a job beside Blender, which goes on working."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import bpy

from ..bridge.errors import BridgeError
from ..bridge.remedies import with_names_for_paths
from ..bridge.run_job import Job, JobRequest, Progress
from ..job_display import (
    Explained,
    forget_last_words,
    is_under_mouse,
    keep_last_words,
    redraw_sidebars,
)
from ..preferences import chosen_runtime

_running: list[Job] = []
"""The running job; two would fight for the processor and for the artist's attention."""
BUSY = "Another RegGAN job is running"
_INTERVAL_S = 0.2
_FOLDER_BEGINS = "reggan-"


def without_work_paths(message: str) -> str:
    """Return a message in which files of work folders stand by their names."""
    folders = list(Path(bpy.app.tempdir).glob(f"{_FOLDER_BEGINS}*"))
    return with_names_for_paths(message, folders)


def new_job_folder() -> Path:
    """Return an empty folder for a worker's output, gone when Blender ends."""
    return Path(tempfile.mkdtemp(prefix=_FOLDER_BEGINS, dir=bpy.app.tempdir))


def scene_of_job(full_name: str, remedy: str) -> bpy.types.Scene:
    """Return the scene that a job was begun for.

    Raises:
        BridgeError: it is gone, or has another name; `remedy` ends the message.
    """
    found = next((scene for scene in bpy.data.scenes if scene.name_full == full_name), None)
    if found is None:
        raise BridgeError(f"The scene {full_name} was renamed or removed meanwhile. {remedy}")
    return found


class BeginsJob(Explained):
    """Mixin of operators that begin a job: their buttons are grey while another runs."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether the button can be pressed; says why not."""
        if _running:
            cls.poll_message_set(BUSY)  # type: ignore[attr-defined]
        return not _running and super().poll(context)


class JobOperator(BeginsJob):
    """Mixin of operators that run `reggan-plugin`, before `bpy.types.Operator`.

    A subclass says `_why_not`, `requests` and `finished`. No reference to anything of Blender is
    kept from one callback to the next: undo and new files make them invalid.
    """

    bl_options: ClassVar[set[str]] = {"UNDO"}
    _cancelled = "Cancelled. What was finished before is kept."

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """Return requests to run, one after another.

        Raises:
            BridgeError: it cannot be run; the message is shown.
        """
        raise NotImplementedError

    def job(self, context: bpy.types.Context) -> Job:
        """Return the job of the requests, run by the runtime of the preferences.

        Raises:
            BridgeError: it cannot be run; the message is shown.
        """
        return Job(chosen_runtime(context), self.requests(context))

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:
        """Bring the result into Blender, once every request is done. `progress` is the last one's.

        Takes less than 20 ms: Blender waits for it.

        Raises:
            BridgeError: there is no usable result; the message is shown.
        """

    def finished_in_part(self, context: bpy.types.Context, progress: Progress) -> bool:  # noqa: ARG002
        """Bring in what the last request made before it failed; whether that is anything."""
        return False

    def clear_away(self) -> None:
        """Take away what a job left that made nothing: empty folders, say."""

    def reason(self, progress: Progress) -> str:
        """Return the error of the job, in the words of the panels."""
        return progress.message

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end: without a window, and when called from a script."""
        try:
            self._job = self._begin(context)
            try:
                return self._end(context, self._job.wait())
            finally:
                self._stop(context)
        except BridgeError as error:
            return self._refuse(error)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:  # noqa: ARG002
        """Run beside Blender, from a button."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._job = self._begin(context)
        except BridgeError as error:
            return self._refuse(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_INTERVAL_S, window=context.window)
        manager.modal_handler_add(self)
        self._show(context, Progress())
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the job whenever the timer says so; Esc stops it."""
        if (
            event.type == "ESC"
            and event.value == "PRESS"
            and not _is_for_render_view(context, event)
        ):
            self._job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            progress = self._job.poll()
            if progress.state == "running":
                self._show(context, progress)
                return {"PASS_THROUGH"}
            self._stop(context)
            return self._end(context, progress)
        except BridgeError as error:
            self._stop(context)
            return self._refuse(error)
        except Exception:  # a fault of ours: without this every button would stay grey
            self.cancel(context)
            raise

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: its window closes, or another file is opened."""
        self._job.kill()
        self._stop(context)

    def _begin(self, context: bpy.types.Context) -> Job:
        forget_last_words(context.window_manager)
        job = self.job(context)
        _running.append(job)
        return job

    def _end(self, context: bpy.types.Context, progress: Progress) -> set[str]:
        if progress.state != "done":
            self.clear_away()
        if progress.state == "failed":
            error = BridgeError(without_work_paths(self.reason(progress)))
            if not self.finished_in_part(context, progress):
                raise error
            self._refuse(error)
            return {"FINISHED"}  # there is something to undo
        if progress.state == "cancelled":
            self._report({"INFO"}, self._cancelled)
            return {"CANCELLED"}
        self.finished(context, progress)
        for notice in progress.notices:
            self._note(without_work_paths(notice))
        return {"FINISHED"}

    def _stop(self, context: bpy.types.Context) -> None:
        """Take down what shows that a job runs."""
        if self._job in _running:
            _running.remove(self._job)
        manager = context.window_manager
        if (timer := getattr(self, "_timer", None)) is not None:
            manager.event_timer_remove(timer)
            self._timer = None
        manager.reggan_job, manager.reggan_progress = "", 0.0
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        redraw_sidebars(manager)

    def _show(self, context: bpy.types.Context, progress: Progress) -> None:
        text = progress.message or self._job.title  # a sidebar has no room for both
        manager = context.window_manager
        if text != manager.reggan_job or progress.factor != manager.reggan_progress:
            manager.reggan_job, manager.reggan_progress = text, progress.factor
            context.workspace.status_text_set(f"RegGAN: {text}. Esc cancels")
            redraw_sidebars(manager)

    def _refuse(self, error: BridgeError) -> set[str]:
        keep_last_words(bpy.context.window_manager, str(error), is_failure=True)
        self._report({"ERROR"}, str(error))
        return {"CANCELLED"}

    def _note(self, message: str) -> None:
        """Say what should not be missed although nothing failed; the panel goes on saying it."""
        keep_last_words(bpy.context.window_manager, message)
        self._report({"INFO"}, message)

    def _report(self, kind: set[str], message: str) -> None:
        self.report(kind, message)  # type: ignore[attr-defined]


def _is_for_render_view(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Tell whether Esc leaves Blender's view of a render, or an editor that fills the window."""
    window = context.window
    if window is None:
        return False
    if window.screen.show_fullscreen or window.parent is not None:
        return True
    for area in window.screen.areas:
        if area.type == "IMAGE_EDITOR" and is_under_mouse(area, event):
            image = area.spaces.active.image
            return image is not None and image.type == "RENDER_RESULT"
    return False


def stop_running_jobs() -> None:
    """End every worker: the add-on is taken out, or Blender closes."""
    for job in _running:
        job.kill()
    _running.clear()


class CancelJob(Explained, bpy.types.Operator):
    """Stop the running job after the current frame; press again to stop it at once."""

    bl_idname = "reggan.cancel"
    bl_label = "Cancel"

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        return "" if _running else "No RegGAN job is running"

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Ask it to stop; its own timer sees it end."""
        for job in _running:
            job.cancel()
        return {"FINISHED"}


classes = (CancelJob,)
