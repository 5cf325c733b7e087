"""Runs several jobs one after another as one: one progress, one summary."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from reggan_plugin.errors import OutputError, RegganError, SourceError, StalledError
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.jobs.events import Finished, Notice, Report
from reggan_plugin.jobs.frame_steps import Transfer
from reggan_plugin.jobs.joined_report import JoinedReport, in_one_file, report_of_one_file
from reggan_plugin.jobs.plan import JobPlan
from reggan_plugin.jobs.render_job import run_job, summary_of
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import EXISTS, FrameResult, JobSummary, ModelInUse, Outcome
from reggan_plugin.jobs.side_by_side import SideBySide
from reggan_plugin.jobs.stall_timeout import DEFAULT_STALL_S
from reggan_plugin.jobs.video_job import Movie


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """A plan of frames, and the change to make in them."""

    plan: JobPlan
    settings: RenderSettings
    movie: Movie | None = None
    """The video whose frames the plan has."""


def run_jobs(
    jobs: Sequence[PlannedJob],
    transfer: Transfer | None,
    *,
    model: ModelInUse | None,
    report: Report,
    stopped: Callable[[], bool] = lambda: False,
    stall_s: float = DEFAULT_STALL_S,
    track_first: bool = False,
    side: SideBySide | None = None,
    notices: Sequence[str] = (),
    refused: Sequence[tuple[Path, RegganError]] = (),
) -> JobSummary:
    """Write the outputs of all plans; see `run_job`, which one job alone is handed to.

    A job whose folder takes no files, or whose video is damaged, fails; the others go on.

    Args:
        jobs: in the order in which they run.
        transfer: as for `run_job`.
        model: as for `run_job`.
        report: takes the progress of all together.
        stopped: as for `run_job`; later jobs are not begun.
        stall_s: as for `run_job`.
        track_first: as for `run_job`.
        side: as for `run_job`; frames of videos stay in this process, which holds the video.
        notices: what to say of the request as a whole.
        refused: inputs that no job came of, which count as failed.
    """
    begin = time.perf_counter()
    _say(notices, report)
    run = partial(
        _run,
        transfer=transfer,
        model=model,
        stopped=stopped,
        stall_s=stall_s,
        track_first=track_first,
        made_tracks={},
        side=side,
    )
    if len(jobs) == 1 and not refused:
        only = run(jobs[0], report=report)
        return replace(only, notices={**dict.fromkeys(notices, 0), **only.notices})
    together = _joined(jobs, report, len(refused))
    summaries: list[JobSummary] = []
    for job in jobs:
        if stopped() and summaries:
            break
        summaries.append(_run_or_fail(run, job, model, together))
    for path, error in refused:
        none = FrameResult(source=path, output=path, outcome="failed", message=error.remark)
        together.say([none])
        summaries.append(
            replace(summaries[0], source=str(path), out=path, results=(none,), parts=())
        )
    return together.end(
        summaries,
        notices=notices,
        interrupted=len(summaries) < len(jobs) + len(refused),
        seconds=time.perf_counter() - begin,
    )


def _run_or_fail(
    run: Callable[..., JobSummary], job: PlannedJob, model: ModelInUse | None, joined: JoinedReport
) -> JobSummary:
    """Run one of several jobs; where its file cannot be read or written, all its frames fail."""
    try:
        return run(job, report=joined)
    except (OutputError, SourceError, StalledError) as error:
        summary = _not_run(job, model, "failed", error.remark)
        joined.say(summary.results)
        return summary


def _run(
    job: PlannedJob,
    *,
    transfer: Transfer | None,
    model: ModelInUse | None,
    report: Report,
    stopped: Callable[[], bool],
    stall_s: float,
    track_first: bool,
    made_tracks: dict[str, Tracks],
    side: SideBySide | None,
) -> JobSummary:
    """Run one job; of a video also write that, once all of its frames are done."""
    movie, plan = job.movie, job.plan
    key = "" if movie is None else movie.key(plan, job.settings, model)
    if (
        movie is not None
        and any(task.may_be_done for task in plan.tasks)
        and movie.is_finished(key)
    ):
        return _unchanged(job, model, report)
    summary = run_job(
        plan,
        job.settings,
        transfer,
        model=model,
        report=report if movie is None else report_of_one_file(report, movie.out),
        stopped=stopped,
        stall_s=stall_s,
        track_first=track_first,
        made_tracks=made_tracks,
        side=None if movie is not None and movie.video is not None else side,
    )
    summary = summary if movie is None else in_one_file(summary, movie.out)
    has_face = not all(result.has_no_face for result in summary.results)
    if movie is None or summary.interrupted or summary.of_outcome("failed") or not has_face:
        return summary
    said = movie.write(
        plan.tasks,
        key,
        report,
        stamp=job.settings.stamp,
        exposure_ev=summary.exposure_ev or 0.0,
    )
    notices = (*(movie.video.notices if movie.video else ()), *said)
    _say(notices, report)
    return replace(
        summary, whole=movie.out, notices={**summary.notices, **dict.fromkeys(notices, 0)}
    )


def _unchanged(job: PlannedJob, model: ModelInUse | None, report: Report) -> JobSummary:
    """Summary of a video that an earlier run finished."""
    summary = _not_run(job, model, "skipped", EXISTS)
    assert job.movie is not None, "it was found finished"
    summary = in_one_file(summary, job.movie.out)
    report(Finished(**summary.count(), interrupted=False, seconds=0.0))
    return summary


def _not_run(job: PlannedJob, model: ModelInUse | None, outcome: Outcome, why: str) -> JobSummary:
    """Return the same outcome for all frames of a job."""
    results = [
        FrameResult(
            source=task.source.path,
            output=task.output,
            outcome=outcome,
            frame=task.source.number,
            message=why,
        )
        for task in job.plan.tasks
    ]
    return summary_of(job.plan, job.settings, model, results)


def _say(notices: Iterable[str], report: Report) -> None:
    for notice in notices:
        report(Notice(message=notice))


def _joined(jobs: Sequence[PlannedJob], report: Report, refused: int) -> JoinedReport:
    """Return a report to which all jobs, and inputs that were refused, together are one."""
    plans = [job.plan for job in jobs]
    source = f"{plans[0].source} and {len(plans) - 1 + refused} more"
    joined = JoinedReport(report, source=source, out=_folder_of_all(plans))
    joined.expect(sum(len(plan.tasks) for plan in plans) + refused)
    return joined


def _folder_of_all(plans: Sequence[JobPlan]) -> Path:
    """Return the folder that holds all results."""
    places = [plan.out if plan.whole is None else plan.whole.parent for plan in plans]
    folders = {str(place.absolute()) for place in places}
    return places[0] if len(folders) == 1 else Path(_common(folders))


def _common(folders: set[str]) -> str:
    """Return the folder above all of them; the first on systems where they are on several disks."""
    try:
        return os.path.commonpath(folders)
    except ValueError:
        return min(folders)
