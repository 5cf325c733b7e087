"""The whole shot as a job, in a thread of its own: the job code of `render`, with its resume."""

import threading
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Literal

from reggan_plugin.errors import RegganError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import Existing, OutputRequest, plan_sources, refuse_plans
from reggan_plugin.jobs.render_job import RenderRun
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import (
    Event,
    FrameDone,
    FrameTracked,
    ModelInUse,
    Notice,
    Started,
)
from reggan_plugin.jobs.several_renders import PlannedJob, run_jobs
from reggan_plugin.jobs.video_job import Movie
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.open_files import OpenShot, frames_of

OpenModel = Callable[[], tuple[ExpressionTransfer, ModelInUse]]
JobState = Literal["idle", "tracking", "rendering", "stopping", "finished", "stopped", "failed"]
_GOING: tuple[JobState, ...] = ("tracking", "rendering", "stopping")


@frozen
class JobProgress:
    """Progress of the job.

    Attributes:
        state: what it does, or how it ended.
        done: frames of the present pass that are dealt with.
        frames: all of them.
        failed: frames that failed.
        out: folder of the results.
        message: why it failed, or what it said last.
    """

    state: JobState = "idle"
    done: int = 0
    frames: int = 0
    failed: int = 0
    out: str = ""
    message: str = ""

    @property
    def is_going(self) -> bool:
        """True if it is at work."""
        return self.state in _GOING


@frozen
class ShotRequest:
    """A request to render a shot.

    Attributes:
        shot: its frames.
        change: the expression.
        choice: which face.
        existing: what to do about results that are there.
        out: folder for results of uploads and samples, which have no place of their own.
    """

    shot: OpenShot
    change: SliderValues
    choice: FaceChoice
    existing: Existing = Existing.REFUSE
    out: Path = field(default_factory=Path)

    @property
    def folder(self) -> Path | None:
        """Folder for results; None for beside the source."""
        if self.shot.is_users_own:
            return None
        return self.out / f"{self.shot.source.stem}_{self.change.mix.label}"


def _planned(request: ShotRequest, settings: RenderSettings) -> PlannedJob:
    """Plan the frames of a shot, or of a clip, which become one again.

    Raises:
        RegganError: as `plan_sources` and `refuse_plans`.
    """
    source, existing = frames_of(request.shot.source), request.existing
    asked = OutputRequest(out=request.folder, out_is_folder=True, existing=existing)
    (plan,) = plan_sources([source], asked, settings.mix.label, is_chunk=source.video is None)
    refuse_plans([plan], [task.source.path for task in plan.tasks], existing)
    movie = None
    if plan.whole is not None:
        movie = Movie(video=source.video, out=plan.whole)
        movie.refuse_impossible(settings)
    return PlannedJob(plan=plan, settings=settings, movie=movie)


class ShotJob:
    """One job at a time, beside the page."""

    def __init__(self, open_model: OpenModel) -> None:
        """Be ready; the job opens a model of its own, so that the page stays quick."""
        self._open_model = open_model
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = JobProgress()

    @property
    def progress(self) -> JobProgress:
        """Progress now."""
        return self._progress

    def start(self, request: ShotRequest) -> JobProgress:
        """Begin a job.

        Raises:
            UsageError: one is running, or the face is a box, which no whole shot has.
            RegganError: it cannot be planned.
        """
        mix = request.change.mix
        with self._lock:
            if self._progress.is_going:
                raise UsageError("A job is running. Wait until it is done, or cancel it.")
            if mix.changes_nothing:
                raise UsageError("Nothing is asked for yet: choose an expression first.")
            job = _planned(request, RenderSettings(mix=mix, choice=request.choice))
            plan = job.plan
            self._stop.clear()
            self._progress = JobProgress(
                state="rendering",
                frames=len(plan.tasks),
                out=str((plan.whole or plan.out).absolute()),
            )
            self._thread = threading.Thread(target=self._run, args=(job,), daemon=True)
            self._thread.start()
        return self._progress

    def stop(self) -> JobProgress:
        """Cancel after the current frame; what is finished is kept."""
        with self._lock:
            if self._progress.is_going:
                self._stop.set()
                self._progress = replace(self._progress, state="stopping")
        return self._progress

    def close(self) -> None:
        """Cancel, and wait for the current frame."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self, job: PlannedJob) -> None:
        try:
            transfer, model = self._open_model()
            run = RenderRun(
                transfer=transfer,
                model=model,
                report=self._hear,
                stopped=self._stop.is_set,
                track_first=True,
            )
            summary = run_jobs([job], run)
            summary.raise_for_failure()
            self._end("stopped" if summary.interrupted else "finished", "")
        except RegganError as error:
            self._end("failed", str(error))
        except MemoryError:
            self._end("failed", "This does not fit into the memory that is free.")

    def _hear(self, event: Event) -> None:
        with self._lock:
            now = self._progress
            changes: dict[str, Any] = {}
            match event:
                case Started():
                    changes = {"frames": event.frames}
                case FrameTracked():
                    changes = {"state": "tracking", "done": event.done}
                case FrameDone():
                    failed = now.failed + (event.result.outcome == "failed")
                    changes = {"state": "rendering", "done": event.done, "failed": failed}
                case Notice():
                    changes = {"message": str(event.message)}
            if now.state == "stopping":
                changes.pop("state", None)
            self._progress = replace(now, **changes)

    def _end(self, state: JobState, message: str) -> None:
        with self._lock:
            said = message or self._progress.message
            self._progress = replace(self._progress, state=state, message=said)
