"""Runs several jobs one after another as one: one progress, one summary; and lets no two jobs write
the same file.

A note beside a folder's records says which files a job writes while it runs. Chunks of a farm share
a folder: they write other files of it. A note is touched by its job again and again, so that one
that was killed is known by its age, on this machine at once by its process. A new note is not
settled until its job has looked at the others', so that no clock decides who was first.
"""

import os
import platform
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from reggan_plugin.errors import (
    OutputError,
    RegganError,
    Remark,
    SourceError,
    StalledError,
    counted,
)
from reggan_plugin.files.sequence import NO_NUMBERS
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.finished_frames import FinishedFrames
from reggan_plugin.jobs.frame_record import RECORD_FOLDER
from reggan_plugin.jobs.plan import JobPlan
from reggan_plugin.jobs.render_job import RenderRun, run_job, summary_of
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import (
    CHANGED_SINCE,
    EXISTS,
    Event,
    Finished,
    FrameDone,
    FrameResult,
    JobSummary,
    ModelInUse,
    Notice,
    Outcome,
    Report,
    Started,
    changed_and_other,
    notices_of_changed,
)
from reggan_plugin.jobs.signals_and_timeouts import DEFAULT_STALL_S, IoTimeout
from reggan_plugin.jobs.video_job import Movie
from reggan_plugin.json_and_toml import json_text, read_json

_SUFFIX = ".running"
_TOUCHED_EACH_S, _STALE_S = 20.0, 180.0
_MOST_UNSETTLED_S, _LOOK_EACH_S = 10.0, 0.1


@contextmanager
def held_outputs(plan: JobPlan, stall_s: float = DEFAULT_STALL_S) -> Iterator[None]:
    """Hold the files that a plan writes, also beside its outputs, until the end of the block.

    A folder that takes no note is not held: what is wrong with it is said where it is written to.

    Raises:
        OutputError: another job that is running writes some of them.
        StalledError: a folder does not answer in `stall_s`.
    """
    beside = plan.names_beside
    names = [*(task.output.name for task in plan.tasks), *beside.pop(plan.out, [])]
    places = [(plan.out, names, plan.out / RECORD_FOLDER)]
    places += [(out, own, out) for out, own in beside.items()]  # one more would be taken for layers
    io_timeout = IoTimeout(stall_s)
    with ExitStack() as held:
        for out, own, folder in places:
            io_timeout.call(str(out), partial(held.enter_context, _held(out, own, folder)))
        yield


@contextmanager
def _held(out: Path, names: Sequence[str], folder: Path) -> Iterator[None]:
    """Hold files of one folder, `out`, by a note in `folder`."""
    host = _plain(platform.node())
    own = folder / f".{host}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
    note = {"host": host, "pid": os.getpid(), "since": time.time(), "files": names}
    ended = threading.Event()
    try:
        if folder != out and folder.is_symlink():
            raise OSError
        folder.mkdir(parents=True, exist_ok=True)
        _write_note(own, {**note, "settled": False})
    except OSError:
        yield
        return
    try:
        last = time.monotonic() + _MOST_UNSETTLED_S
        while _waits(folder, own, note, out, is_late=time.monotonic() > last):
            time.sleep(_LOOK_EACH_S)
        with suppress(OSError):  # others wait for it, and then refuse theirs
            _write_note(own, {**note, "settled": True})
        threading.Thread(target=_keep_fresh, args=(own, ended), daemon=True).start()
        yield
    finally:
        ended.set()
        own.unlink(missing_ok=True)


def _write_note(own: Path, note: dict[str, Any]) -> None:
    begun = own.with_suffix(".begun")  # whoever reads a note finds it whole
    begun.write_text(json_text(note), encoding="utf-8")
    begun.replace(own)


def _waits(folder: Path, own: Path, note: dict[str, Any], out: Path, *, is_late: bool) -> bool:
    """Look at the notes of others once; tell whether one has yet to yield or settle.

    A job yields to each that has settled, and to an unsettled one whose note comes first. For one
    that comes later it waits: that one either yields, or had settled before it saw this note.
    Source: Lamport, "A new solution of Dijkstra's concurrent programming problem" (1974).

    Raises:
        OutputError: another job holds some of the files.
    """
    waits = False
    now = own.stat().st_mtime  # by the clock of the disk, as the others' is
    for path in folder.glob(f"*{_SUFFIX}"):
        if path == own:
            continue
        try:
            other = read_json(path)
            host, pid, since = _plain(str(other["host"])), int(other["pid"]), float(other["since"])
            both = sorted(set(map(str, other["files"])) & set(note["files"]))
            yields = other.get("settled") is False and (since, path.name) > (
                note["since"],
                own.name,
            )
            age_s = now - path.stat().st_mtime
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue  # it has just ended, or is none of ours
        if age_s > _STALE_S or (host == note["host"] and not _is_alive(pid)):
            with suppress(OSError):
                path.unlink()
        elif both and yields and not is_late:
            waits = True
        elif both:
            begun = time.strftime("%H:%M:%S", time.localtime(min(since, note["since"])))
            raise OutputError(
                f"{out}: another job is writing {counted(len(both), 'file')} of these, such as "
                f"{both[0]}: process {pid} on {host}, since {begun}. Wait until it has ended, stop "
                "it, or write into another folder.",
                kind="output-held",
            )
    return waits


def _plain(host: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in host)[:40]


def _is_alive(pid: int) -> bool:
    """Tell whether a process of this machine runs; True where asking would end it."""
    if os.name == "nt" or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError, IndexError):  # of one that was killed, its parent may not know yet
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in b"ZX"
    return True


def _keep_fresh(path: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCHED_EACH_S):
        with suppress(OSError):
            os.utime(path)


@dataclass(eq=False)
class JoinedReport:
    """Takes the events of several jobs and passes them on as those of one.

    Attributes:
        report: takes what is passed on.
        source: what all sources together are called.
        out: the folder that holds all results.
    """

    report: Report
    source: str
    out: Path
    _frames: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)
    _has_started: bool = field(default=False, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    def expect(self, frames: int) -> None:
        """Count on so many frames beside those that are done."""
        self._frames = self._done + frames

    def __call__(self, event: Event) -> None:
        """Take an event of one of the jobs."""
        match event:
            case Started() if not self._has_started:
                self._has_started = True
                self.report(replace(event, frames=self._frames, source=self.source, out=self.out))
            case FrameDone():
                self._done += 1
                self.report(replace(event, done=self._done, frames=self._frames))
            case Notice() if event.message not in self._said:
                self._said.add(event.message)
                self.report(event)
            case Started() | Notice() | Finished():
                pass
            case _:
                self.report(event)

    def say(self, results: Sequence[FrameResult]) -> None:
        """Report frames that no job came to."""
        for result in results:
            self(FrameDone(done=0, frames=0, result=result))

    def end(
        self,
        summaries: Sequence[JobSummary],
        *,
        notices: Sequence[str] = (),
        interrupted: bool,
        seconds: float,
    ) -> JobSummary:
        """Report the end, and return one summary of all jobs; at least one has run.

        Args:
            summaries: of the jobs; what they miss and at which exposure stands in `parts` alone.
            notices: about all of them.
            interrupted: whether jobs were left out.
            seconds: that all took.
        """
        counted = Counter(dict.fromkeys(notices, 0))
        for summary in summaries:
            counted.update(summary.notices)
        joined = replace(
            summaries[0],
            source=self.source,
            out=self.out,
            exposure_ev=None,
            results=tuple(result for summary in summaries for result in summary.results),
            missing=NO_NUMBERS,
            notices=dict(counted),
            interrupted=interrupted or any(one.interrupted for one in summaries),
            seconds=round(seconds, 3),
            parts=tuple(summaries),
            is_tracked=any(one.is_tracked for one in summaries),
        )
        count = joined.count()
        self.report(Finished(**count, interrupted=joined.interrupted, seconds=joined.seconds))
        return joined


def report_of_one_file(report: Report, out: Path) -> Report:
    """Return the same report; a job and its frames are said to write `out`, not what is between.

    Args:
        report: takes the events.
        out: what the user gets.
    """

    def said(event: Event) -> None:
        if isinstance(event, Started):
            event = replace(event, out=out)
        elif isinstance(event, FrameDone):
            event = replace(event, result=replace(event.result, output=out))
        report(event)

    return said


def in_one_file(summary: JobSummary, out: Path) -> JobSummary:
    """Return the summary of frames that go into one file, which is yet to be written."""
    results = tuple(replace(result, output=out) for result in summary.results)
    return replace(summary, out=out, results=results, is_video=True)


@frozen
class PlannedJob:
    """A plan of frames, and the change to make in them."""

    plan: JobPlan
    settings: RenderSettings
    movie: Movie | None = None
    """The video whose frames the plan has."""


def run_jobs(
    jobs: Sequence[PlannedJob],
    run: RenderRun,
    *,
    notices: Sequence[str] = (),
    refused: Sequence[tuple[Path, RegganError]] = (),
) -> JobSummary:
    """Write the outputs of all plans; see `run_job`, which one job alone is handed to.

    A job whose folder takes no files, or whose video is damaged, fails; the others go on. Frames of
    videos stay in this process, which holds the video.

    Args:
        jobs: in the order in which they run.
        run: once stopped, later jobs are not begun.
        notices: what to say of the request as a whole.
        refused: inputs that no job came of, which count as failed.
    """
    begin = time.perf_counter()
    _say(notices, run.report)
    if len(jobs) == 1 and not refused:
        only = _run(jobs[0], run)
        return replace(only, notices={**dict.fromkeys(notices, 0), **only.notices})
    together = _joined(jobs, run.report, len(refused))
    summaries: list[JobSummary] = []
    for job in jobs:
        if run.stopped() and summaries:
            break
        try:
            summaries.append(_run(job, replace(run, report=together)))
        except (OutputError, SourceError, StalledError) as error:  # which meets all of its frames
            summaries.append(_not_run(job, run.model, "failed", error.remark))
            together.say(summaries[-1].results)
    for path, why in refused:
        none = FrameResult(source=path, output=path, outcome="failed", message=why.remark)
        together.say([none])
        refusal = replace(summaries[0], source=str(path), out=path, whole=None, notices={})
        summaries.append(replace(refusal, results=(none,), parts=()))
    return together.end(
        summaries,
        notices=notices,
        interrupted=len(summaries) < len(jobs) + len(refused),
        seconds=time.perf_counter() - begin,
    )


def _run(job: PlannedJob, run: RenderRun) -> JobSummary:
    """Run one job; of a video also write that, once all of its frames are done."""
    movie, plan, report = job.movie, job.plan, run.report
    if movie is None:
        with held_outputs(plan, run.stall_s):
            return run_job(plan, job.settings, run)
    key = movie.key(plan, job.settings, run.model)
    if plan.existing.keeps_finished:
        if movie.is_finished(plan, key):
            return _unchanged(job, movie, run, EXISTS)
        earlier = FinishedFrames(job.settings, run.model, IoTimeout(run.stall_s))
        layers = filter(None, map(earlier.changed_file, plan.tasks))
        changed = movie.out if movie.changed_since() else next(layers, None)
        if changed is not None:
            why = CHANGED_SINCE if movie.is_as_asked(key) else changed_and_other(changed)
            return _unchanged(job, movie, run, why)
        movie.refuse_another(plan)
    of_frames = replace(
        run,
        report=report_of_one_file(report, movie.out),
        side=run.side if movie.video is None else None,
    )
    with held_outputs(plan, run.stall_s):
        record = movie.record_before(plan, key)
        summary = in_one_file(run_job(plan, job.settings, of_frames), movie.out)
        if summary.interrupted or summary.of_outcome("failed") or summary.has_no_face:
            return summary
        said = movie.write(
            plan, record, report, job.settings, exposure_ev=summary.exposure_ev or 0.0
        )
    notices = (*(movie.video.notices if movie.video else ()), *said)
    _say(notices, report)
    return replace(
        summary, whole=movie.out, notices={**summary.notices, **dict.fromkeys(notices, 0)}
    )


def _unchanged(job: PlannedJob, movie: Movie, run: RenderRun, why: str) -> JobSummary:
    """Summary of a video that an earlier run finished, or that somebody changed since."""
    outcome: Outcome = "failed" if isinstance(why, Remark) else "skipped"
    summary = in_one_file(_not_run(job, run.model, outcome, why), movie.out)
    notices = notices_of_changed(summary.results[:1])
    _say(notices, run.report)
    summary = replace(summary, notices=dict.fromkeys(notices, 0))
    run.report(Finished(**summary.count(), interrupted=False, seconds=0.0))
    return summary


def _not_run(job: PlannedJob, model: ModelInUse | None, outcome: Outcome, why: str) -> JobSummary:
    """Return the same outcome for all frames of a job."""
    results = [task.result(outcome, why) for task in job.plan.tasks]
    return summary_of(job.plan, job.settings, model, results)


def _say(notices: Iterable[str], report: Report) -> None:
    for notice in notices:
        report(Notice(message=notice))


def _joined(jobs: Sequence[PlannedJob], report: Report, refused: int) -> JoinedReport:
    """Return a report to which all jobs, and inputs that were refused, together are one."""
    plans = [job.plan for job in jobs]
    source = f"{plans[0].source} and {len(plans) - 1 + refused} more"
    places = [plan.out if plan.whole is None else plan.whole.parent for plan in plans]
    folders = {str(place.absolute()) for place in places}
    out = places[0]
    if len(folders) > 1:
        try:
            out = Path(os.path.commonpath(folders))
        except ValueError:  # on systems where they may be on several disks
            out = Path(min(folders))
    joined = JoinedReport(report, source=source, out=out)
    joined.expect(sum(len(plan.tasks) for plan in plans) + refused)
    return joined
