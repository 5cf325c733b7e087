"""Runs the frames of a plan and reports what becomes of them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter

from reggan_plugin.files.frame import Frame
from reggan_plugin.jobs.events import Finished, FrameDone, Notice, Report, Started
from reggan_plugin.jobs.frame_steps import FrameSteps, RenderSettings, Transfer, UnchangedFrame
from reggan_plugin.jobs.overlap import MOST_IN_FLIGHT, run_overlapped
from reggan_plugin.jobs.plan import JobPlan, make_output_folder
from reggan_plugin.jobs.results import FrameResult, JobSummary, ModelInUse

PIXELS_IN_FLIGHT = 160_000_000
"""Frames are read ahead while they have no more pixels than this together: five 4K frames, four
8K frames, and of 16k frames only the one in hand."""

UNSMOOTHED = (
    "Each frame's face is located by itself, so it may jitter from frame to frame; --landmarks "
    "gives positions that are steady."
)

FADED = (
    "The head is turned further than this model was measured to improve on its input, so the "
    "intensity fades to 0 over 10 degrees: {frames}."
)


def run_job(
    plan: JobPlan,
    settings: RenderSettings,
    transfer: Transfer | None,
    *,
    model: ModelInUse | None,
    report: Report,
    stopped: Callable[[], bool] = lambda: False,
) -> JobSummary:
    """Write the outputs of a plan; a frame that fails is named in the summary.

    Args:
        plan: what to read and write.
        settings: what to change.
        transfer: may be None where the settings change nothing.
        model: what the summary says of `transfer`.
        report: takes the progress.
        stopped: asked before each frame; once true, the frame in hand is the last one.

    Raises:
        OutputError: the output folder takes no files.
    """
    make_output_folder(plan.out)
    begin = time.perf_counter()
    expression = dict(settings.mix.intensities)
    report(
        Started(
            frames=len(plan.tasks),
            source=plan.source,
            out=plan.out,
            expression=expression,
            model=f"{model.name} {model.version}" if model else None,
            device=model.device if model else None,
            device_reason=model.device_reason if model else None,
        )
    )
    log = _ResultLog(len(plan.tasks), report)
    for message in _notices_of_job(plan, settings):
        log.note(message)
    steps = FrameSteps(settings, transfer, plan.shot.frames)
    for result in run_overlapped(
        plan.tasks,
        read=steps.read,
        process=steps.change,
        write=steps.write,
        room_beside=_room_beside,
        stopped=stopped,
    ):
        log.add(result)
    log.note_faded()
    summary = JobSummary(
        source=plan.source,
        out=plan.out,
        expression=expression,
        model=model,
        exposure_ev=steps.exposure_ev,
        results=tuple(log.results),
        missing=plan.missing,
        notices=dict(log.notices),
        interrupted=len(log.results) < len(plan.tasks),
        seconds=round(time.perf_counter() - begin, 3),
    )
    report(Finished(**summary.count(), interrupted=summary.interrupted, seconds=summary.seconds))
    return summary


class _ResultLog:
    """Collects results, and reports each of them and each new notice."""

    def __init__(self, frames: int, report: Report) -> None:
        self._frames, self._report = frames, report
        self.results: list[FrameResult] = []
        self.notices: Counter[str] = Counter()

    def note(self, message: str) -> None:
        self.notices[message] = 0
        self._report(Notice(message=message))

    def note_faded(self) -> None:
        """Name the frames in which a head is turned further than the model's card allows."""
        faded = [result.intensity_share < 1.0 for result in self.results]
        if any(faded):
            message = FADED.format(frames=_runs([r.source.name for r in self.results], faded))
            self.notices[message] = sum(faded)
            self._report(Notice(message=message))

    def add(self, result: FrameResult) -> None:
        self.results.append(result)
        for message in result.notices:
            if message not in self.notices:
                self._report(Notice(message=message, source=result.source))
            self.notices[message] += 1
        self._report(
            FrameDone(
                done=len(self.results),
                frames=self._frames,
                source=result.source,
                output=result.output,
                outcome=result.outcome,
                message=result.message,
            )
        )


def _runs(names: Sequence[str], chosen: Sequence[bool]) -> str:
    """The chosen names; those that follow each other as `first to last`."""
    runs = []
    for is_chosen, group in groupby(zip(names, chosen, strict=True), key=itemgetter(1)):
        own = [name for name, _ in group]
        if is_chosen:
            runs.append(own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}")
    return ", ".join(runs)


def _notices_of_job(plan: JobPlan, settings: RenderSettings) -> list[str]:
    notices = []
    if plan.missing:
        numbers = ", ".join(map(str, plan.missing[:8])) + (", ..." if plan.missing[8:] else "")
        notices.append(f"{len(plan.missing)} frames are not on disk and left out: {numbers}.")
    located = settings.choice.needs_locator and not settings.mix.changes_nothing
    if located and len(plan.shot.frames) > 1:
        notices.append(UNSMOOTHED)
    return notices


def _room_beside(content: Frame | UnchangedFrame | FrameResult) -> int:
    """How many frames as large as this one may be in flight beside it."""
    if isinstance(content, UnchangedFrame):
        return MOST_IN_FLIGHT - 1
    if isinstance(content, FrameResult):
        return 0  # nobody knows yet how large the next one is
    pixels = content.pixels.size // 3
    return max(0, min(MOST_IN_FLIGHT, PIXELS_IN_FLIGHT // pixels) - 1)
