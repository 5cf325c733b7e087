"""Renders pictures as they land in a folder, until it is told to stop.

Each look at the folder makes one job of the pictures that have landed since the one before. What is
finished is known by the records beside the results, so a run that was ended or killed goes on.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import (
    OutputError,
    OutputExistsError,
    Remark,
    SourceError,
    StalledError,
    UsageError,
)
from reggan_plugin.files.sequence import NO_NUMBERS, numbered_groups, picture_names, sequences_of
from reggan_plugin.files.sequence import Sequence as Shot
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import FileState, state_of
from reggan_plugin.jobs.plan import (
    FrameTask,
    JobPlan,
    OutputRequest,
    plan_outputs,
    refuse_existing,
    refuse_plans,
    refuse_source_folder,
)
from reggan_plugin.jobs.render_job import RenderRun, summary_of
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import FrameResult, JobSummary, Notice
from reggan_plugin.jobs.several_renders import JoinedReport, PlannedJob, run_jobs
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout


@frozen
class _Sight:
    """A file as it was seen, and since when it has been like this."""

    state: FileState
    since_s: float


class LandingFolder:
    """Looks at a folder again and again; a picture has landed once its size and time stay.

    An empty file is the mark by which a renderer claims a frame, and has not landed.
    """

    def __init__(
        self, folder: Path, settle_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Know of no file yet.

        Args:
            folder: what is looked at; the folders within it are not.
            settle_s: how long size and time of a file must stay.
            clock: seconds; those of the disk may run differently and are only compared with
                each other.
        """
        self.folder = folder
        self._settle_s, self._clock = settle_s, clock
        self._sights: dict[str, _Sight] = {}
        self._dealt_with: dict[str, FileState] = {}

    def look(self) -> None:
        """List the folder and the state of every picture in it.

        Raises:
            SourceError: it cannot be listed.
        """
        now_s, sights = self._clock(), {}
        for name in picture_names(self.folder):
            state = state_of(self.folder / name)
            if state is not None and state.size:
                before = self._sights.get(name)
                if before is None or before.state != state:
                    before = _Sight(state=state, since_s=now_s)
                sights[name] = before
        self._sights = sights

    @property
    def landed(self) -> set[str]:
        """Names of the pictures that are complete."""
        now_s = self._clock()
        sights = self._sights.items()
        return {name for name, sight in sights if now_s - sight.since_s >= self._settle_s}

    @property
    def waiting(self) -> set[str]:
        """Those that are complete and have not been dealt with as they are now."""
        done = self._dealt_with
        return {name for name in self.landed if done.get(name) != self._sights[name].state}

    def set_aside(self, names: Iterable[str]) -> None:
        """Deal with pictures no more unless they change."""
        self._dealt_with |= {name: self._sights[name].state for name in names}


LOOK_EVERY_S = 1.0
_LOOKS_SHARE = 0.1
"""Of the time, at most; a folder of a hundred thousand files is looked at less often."""
_PASSING_FAULTS = (SourceError, UsageError, OutputError, StalledError)
"""A folder that is gone for a moment: said, then looked at again."""


@frozen
class WatchedFolder:
    """Folder that pictures land in, and what becomes of them.

    Attributes:
        folder: is looked at; the folders within it are not.
        out: takes the results.
        settings: the same for every picture: what depends on where a shot ends is not known.
        asked: of the results.
        settle_s: how long size and time of a file must stay before it is taken.
        inputs: further files that are read.
    """

    folder: Path
    out: Path
    settings: RenderSettings
    asked: OutputRequest
    settle_s: float
    inputs: Sequence[Path] = ()

    def plans(self, landing: LandingFolder) -> "tuple[list[JobPlan], list[_Refused]]":
        """Of the pictures that wait, by sequence, and those that are refused; a shot is all of it
        that has landed.

        Raises:
            UsageError: a result would take the place of an input.
        """
        waiting, landed = landing.waiting, landing.landed
        plans: list[JobPlan] = []
        refused: list[_Refused] = []
        if not waiting:
            return plans, refused
        twice = _numbered_twice(landed)
        shots = sequences_of(self.folder, landed - twice)
        for text, shot in shots:
            kept: list[FrameTask] = []
            left: list[FrameTask] = []
            plan = self._plan(text, shot, waiting)
            for task in plan.tasks:
                (kept if self.refusal([task]) is None else left).append(task)
            plans += [replace(plan, tasks=tuple(kept))] if kept else []
            if left and (why := self.refusal(left)) is not None:
                refused.append(_Refused(plan=replace(plan, tasks=tuple(left)), why=why.remark))
        for name in sorted(twice & waiting):
            [(text, shot)] = sequences_of(self.folder, [name])
            why_twice = Remark(
                f"{self.folder / name} has the number of another picture. Rename one."
            )
            refused.append(_Refused(plan=self._plan(text, shot, waiting), why=why_twice))
        read = [task.source.path for plan in plans for task in plan.tasks]
        refuse_plans(plans, (*read, *self.inputs), self.asked.existing)
        return plans, refused

    def _plan(self, text: str, shot: Shot, waiting: set[str]) -> JobPlan:
        """Return the plan of those pictures of a shot that wait."""
        frames = shot.frames.named(waiting)
        return plan_outputs(
            text,
            shot,
            replace(shot, frames=frames, missing=NO_NUMBERS),
            [self.out / frame.path.name for frame in frames],
            self.out,
            self.asked,
        )

    def refusal(self, tasks: Sequence[FrameTask]) -> OutputExistsError | None:
        """Return why pictures are refused, if they are: their results exist."""
        try:
            beside = [path for task in tasks for path in task.beside]
            refuse_existing([task.output for task in tasks], self.asked.existing, beside)
        except OutputExistsError as error:
            return error
        return None


@frozen
class _Refused:
    """Pictures that wait, and cannot be begun."""

    plan: JobPlan
    why: Remark

    def results(self) -> list[FrameResult]:
        """Return what became of them, at the end."""
        tasks = self.plan.tasks
        whys = [self.why.after(f"{task.source.path.name} was not begun: ") for task in tasks]
        return [task.result("failed", why) for task, why in zip(tasks, whys, strict=True)]


def _numbered_twice(names: set[str]) -> set[str]:
    """Return the pictures of sequences that share their number with another one."""
    found: set[str] = set()
    for group in numbered_groups(names).values():
        counts = Counter(number for number, _ in group)
        found.update(name for number, name in group if counts[number] > 1)
    return found


def watch_folder(
    watched: WatchedFolder, run: RenderRun, on_batch: Callable[[JobSummary], None]
) -> JobSummary | None:
    """Render what lands until the run is stopped; None if nothing did.

    `on_batch` takes the summary of each job, once its results are on disk.

    Raises:
        UsageError: results would go where the pictures land.
    """
    refuse_source_folder(watched.folder, watched.out)
    landing = LandingFolder(watched.folder, watched.settle_s)
    joined = JoinedReport(run.report, source=str(watched.folder), out=watched.out)
    io_timeout = IoTimeout(run.stall_s, run.stopped)
    begin, summaries = time.perf_counter(), []
    refused: list[_Refused] = []
    while not run.stopped():
        look_begin = time.perf_counter()
        try:
            io_timeout.call(str(watched.folder), landing.look)
            plans, refused = io_timeout.call(str(watched.out), lambda: watched.plans(landing))
            frames = [task.source for plan in plans for task in plan.tasks]
            watched.settings.picture.refuse_impossible(frames)
            jobs = [PlannedJob(plan=plan, settings=watched.settings) for plan in plans]
            look_s = time.perf_counter() - look_begin
            for one in refused:
                joined(Notice(message=one.why))
            if jobs:
                joined.expect(sum(len(job.plan.tasks) for job in jobs))
                summary = run_jobs(jobs, replace(run, report=joined))
                landing.set_aside(result.source.name for result in summary.results)
                summaries.append(summary)
                on_batch(summary)
        except _PASSING_FAULTS as error:
            look_s = time.perf_counter() - look_begin
            joined(Notice(message=error.remark))
        end = time.monotonic() + max(LOOK_EVERY_S, look_s / _LOOKS_SHARE)
        while not run.stopped() and time.monotonic() < end:
            time.sleep(0.1)
    for one in refused:
        left = one.results()
        joined.expect(len(left))
        joined.say(left)
        summaries.append(summary_of(one.plan, watched.settings, run.model, left))
    if not summaries:
        return None
    joint = joined.end(summaries, interrupted=True, seconds=time.perf_counter() - begin)
    return replace(joint, parts=())
