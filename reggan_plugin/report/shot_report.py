"""A rendered shot with all that is wrong with it."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from reggan_plugin.errors import RegganError, StalledError
from reggan_plugin.files.frame import Reading
from reggan_plugin.files.image_format import is_video
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import digest_of
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.report.flicker import Flicker, with_flicker
from reggan_plugin.report.frame_look import FrameLook, look_at
from reggan_plugin.report.report_page import ReportPage
from reggan_plugin.report.shot_check import (
    FATAL,
    PROBLEMS,
    CheckedFrame,
    Entry,
    Problem,
    ShotToCheck,
    as_altered,
    in_order,
    is_altered,
    other_content_beside,
)

REPORT_VERSION = 1
"""Raised when a field of the `--json` document changes its meaning or goes away."""
_MOST_READERS = 4
_MOST_NAMED = 8

Read = TypeVar("Read")
Tell = Callable[[CheckedFrame], None]
"""Called after each frame, in order."""


@frozen(eq=False)
class ShotReport:
    """The problems of a shot.

    Attributes:
        source: the shot, as it was named.
        out: the folder of the results.
        frame_count: of the shot, with those that are missing.
        frames: those with a problem, in order, without their records.
    """

    source: str
    out: Path
    frame_count: int
    frames: tuple[CheckedFrame, ...]

    def document(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "v": REPORT_VERSION,
            "source": self.source,
            "out": str(self.out),
            "frames": self.frame_count,
            "counts": {
                problem: _count([frame for frame in self.frames if problem in frame.problems])
                for problem in PROBLEMS
            },
            "problems": [
                {
                    "frame": frame.number,
                    "name": frame.name,
                    "count": frame.count,
                    "problems": list(frame.problems),
                    "note": frame.note,
                }
                for frame in self.frames
            ],
        }

    def raise_for_failure(self) -> None:
        """Fail if a frame is missing, failed, altered or without a record.

        Raises:
            RegganError: there are such frames; the message names them.
        """
        fatal = [frame for frame in self.frames if set(frame.problems) & set(FATAL)]
        if fatal:
            named = ", ".join(frame.name for frame in fatal[:_MOST_NAMED])
            more = ", ..." if fatal[_MOST_NAMED:] else ""
            first = f" The first: {fatal[0].note}" if fatal[0].note else ""
            is_kept = any({"altered", "no record"} & set(frame.problems) for frame in fatal)
            is_absent = all(frame.source is None for frame in fatal)
            is_of_video = any(is_video(frame.output) for frame in fatal)
            raise RegganError(
                f"{_count(fatal)} of {self.frame_count} frames are missing, failed, altered or "
                f"without a record: {named}{more}.{first}",
                kind="frames-not-in-shot"
                if is_absent
                else "video-altered"
                if is_of_video
                else "frames-altered"
                if is_kept
                else "frames-failed",
            )


def report_from_frames(source: str, out: Path, frames: Iterable[CheckedFrame]) -> ShotReport:
    """Return the report on frames that are checked one by one; of sound ones nothing is kept."""
    count, kept = 0, []
    for frame in frames:
        count += frame.count
        if frame.problems:
            kept.append(replace(frame, record=None))
    return ShotReport(source=source, out=out, frame_count=count, frames=tuple(kept))


def frames_from_records(
    shot: ShotToCheck, io_timeout: IoTimeout, seen: Tell, *, is_quick: bool
) -> Iterator[CheckedFrame]:
    """Each frame against its record; no picture is decoded.

    Args:
        shot: what to check.
        io_timeout: how long a file may take.
        seen: is told of each.
        is_quick: whether outputs are compared by size alone, not by their SHA-256.
    """
    check = partial(
        _checked, shot, io_timeout, reads_output=not is_quick, reads_beside=not is_quick
    )
    for frame in _in_order(shot, check):
        seen(frame)
        yield frame


def frames_with_pictures(
    shot: ShotToCheck, reading: Reading, io_timeout: IoTimeout, seen: Tell, page: ReportPage
) -> Iterator[CheckedFrame]:
    """Each frame with what its pictures show; they are put on the page."""

    def look(entry: Entry) -> tuple[CheckedFrame, FrameLook]:
        checked = _checked(shot, io_timeout, entry, reads_output=False, reads_beside=True)
        return checked, look_at(checked, reading, io_timeout)

    def kept() -> Iterator[tuple[CheckedFrame, FrameLook]]:
        for checked, seen_look in _in_order(shot, look):
            seen(_with_problems(checked, seen_look, None))
            yield checked, page.kept(seen_look)

    for (checked, frame_look), flicker in with_flicker(kept(), lambda one: (one[0].number, one[1])):
        frame = _with_problems(checked, frame_look, flicker)
        page.add(frame, frame_look, flicker)
        yield frame


def _checked(
    shot: ShotToCheck,
    io_timeout: IoTimeout,
    entry: Entry,
    *,
    reads_output: bool,
    reads_beside: bool,
) -> CheckedFrame:
    """Check a frame; what is read is compared with the SHA-256 in its record."""
    checked = io_timeout.call(str(shot.out), lambda: shot.check(entry))
    record, output = checked.record, checked.output
    is_known = record is not None and record.output_sha256 is not None
    if record is None or not is_known or "altered" in checked.problems:
        return checked
    try:
        if reads_output or record.output_bytes is None:  # by its size it cannot be told
            digest = io_timeout.call(str(output), lambda: digest_of(output))
            if digest is not None and is_altered(checked, digest):
                return as_altered(checked)
        note = None
        if reads_beside:
            note = io_timeout.call(str(output), lambda: other_content_beside(checked))
    except StalledError as error:
        return replace(checked, problems=in_order((*checked.problems, "failed")), note=str(error))
    return checked if note is None else as_altered(checked, note)


def _in_order(shot: Iterable[Entry], read: Callable[[Entry], Read]) -> Iterator[Read]:
    """Yield the frames as they are read, in order; a few are read at a time."""
    readers = min(_MOST_READERS, os.cpu_count() or 1)
    waiting: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(readers, thread_name_prefix="look") as pool:
        for entry in shot:
            waiting.append(pool.submit(read, entry))
            if len(waiting) > readers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _with_problems(checked: CheckedFrame, look: FrameLook, flicker: Flicker | None) -> CheckedFrame:
    found: dict[Problem, bool] = {
        "failed": look.fault is not None,
        "clipped mask": look.touches_rim,
        "flicker": flicker is not None and flicker.is_visible,
    }
    more = [problem for problem, is_there in found.items() if is_there]
    if look.is_altered:
        checked = as_altered(checked)
    return replace(
        checked, problems=in_order((*checked.problems, *more)), note=checked.note or look.fault
    )


def _count(frames: Iterable[CheckedFrame]) -> int:
    return sum(frame.count for frame in frames)
