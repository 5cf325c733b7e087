"""Several jobs, told as one: one start, one count of frames, each notice once, one end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reggan_plugin.files.frame_range import NO_NUMBERS
from reggan_plugin.jobs.events import Event, Finished, FrameDone, Notice, Report, Started
from reggan_plugin.jobs.results import FrameResult, JobSummary


class JoinedReport:
    """Takes the events of several jobs and passes them on as those of one."""

    def __init__(self, report: Report, *, source: str, out: Path) -> None:
        """Join events.

        Args:
            report: takes what is passed on.
            source: what all sources together are called.
            out: the folder that holds all results.
        """
        self._report, self._source, self._out = report, source, out
        self._frames = self._done = 0
        self._has_started = False
        self._said: set[str] = set()

    def expect(self, frames: int) -> None:
        """Count on so many frames beside those that are done."""
        self._frames = self._done + frames

    def __call__(self, event: Event) -> None:
        """Take an event of one of the jobs."""
        match event:
            case Started() if not self._has_started:
                self._has_started = True
                source, out = self._source, self._out
                self._report(replace(event, frames=self._frames, source=source, out=out))
            case FrameDone():
                self._done += 1
                self._report(replace(event, done=self._done, frames=self._frames))
            case Notice() if event.message not in self._said:
                self._said.add(event.message)
                self._report(event)
            case Started() | Notice() | Finished():
                pass
            case _:
                self._report(event)

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
            source=self._source,
            out=self._out,
            exposure_ev=None,
            results=tuple(result for summary in summaries for result in summary.results),
            missing=NO_NUMBERS,
            notices=dict(counted),
            interrupted=interrupted or any(one.interrupted for one in summaries),
            seconds=round(seconds, 3),
            parts=tuple(summaries),
        )
        count = joined.count()
        self._report(Finished(**count, interrupted=joined.interrupted, seconds=joined.seconds))
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
