"""A rendered shot with all that is wrong with it, and its page."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from reggan_plugin.errors import OutputExistsError, RegganError, StalledError, UsageError
from reggan_plugin.files.picture_settings import Reading
from reggan_plugin.jobs.fingerprint import digest_of
from reggan_plugin.jobs.patience import Patience
from reggan_plugin.report.flicker import Flicker, flicker_of_shot
from reggan_plugin.report.frame_look import FrameLook, look_at
from reggan_plugin.report.shot_check import (
    FATAL,
    PROBLEMS,
    CheckedFrame,
    Problem,
    as_altered,
    in_order,
    is_altered,
)
from reggan_plugin.web_page import html_from_parts

_OWN_MARKS = (b'content="reggan-plugin report"', b"<title>Shot report</title>")
"""Of a page of ours; 0.2.0 wrote the second alone."""
_HEAD_BYTES = 65536
REPORT_VERSION = 1
"""Raised when a field of the `--json` document changes its meaning or goes away."""
_MOST_READERS = 4
_MOST_NAMED = 8

Seen = TypeVar("Seen")


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportedFrame:
    """A frame, how it looks, and its flicker; the last two only where pixels were looked at."""

    checked: CheckedFrame
    look: FrameLook | None = None
    flicker: Flicker | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ShotReport:
    """All frames of a shot, in order."""

    source: str
    out: Path
    frames: tuple[ReportedFrame, ...]

    def of_problem(self, problem: Problem) -> list[CheckedFrame]:
        """The frames that have it."""
        return [one.checked for one in self.frames if problem in one.checked.problems]

    def document(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return {
            "v": REPORT_VERSION,
            "source": self.source,
            "out": str(self.out),
            "frames": len(self.frames),
            "counts": {problem: len(self.of_problem(problem)) for problem in PROBLEMS},
            "problems": [
                {
                    "frame": one.checked.number,
                    "name": one.checked.name,
                    "problems": list(one.checked.problems),
                    "note": one.checked.note,
                }
                for one in self.frames
                if one.checked.problems
            ],
        }

    def page(self) -> str:
        """The report as one HTML file that needs no network."""
        seconds = sum(one.checked.record.seconds for one in self.frames if one.checked.record)
        devices = {one.checked.record.device for one in self.frames if one.checked.record}
        facts = [
            f"{len(self.frames)} frames of {self.source}",
            f"{seconds:.0f} s of work",
            *sorted(device for device in devices if device),
        ]
        return html_from_parts(
            Path(__file__).parent / "shot_page",
            {
                "title": self.out.name,
                "facts": facts,
                "problems": PROBLEMS,
                "fatal": FATAL,
                "frames": [_frame_of_page(one) for one in self.frames],
            },
        )

    def raise_for_failure(self) -> None:
        """Do nothing if every frame is there.

        Raises:
            RegganError: frames are missing, failed or altered; the message names them.
        """
        fatal = [one.checked for one in self.frames if set(one.checked.problems) & set(FATAL)]
        if fatal:
            named = ", ".join(frame.name for frame in fatal[:_MOST_NAMED])
            more = ", ..." if fatal[_MOST_NAMED:] else ""
            first = f" The first: {fatal[0].note}" if fatal[0].note else ""
            raise RegganError(
                f"{len(fatal)} of {len(self.frames)} frames are missing, failed or altered: "
                f"{named}{more}.{first}",
                kind="frames-failed",
            )


def refuse_foreign_page(path: Path) -> None:
    """Do nothing for a new .html file, or for a page that a report wrote.

    Raises:
        UsageError: the name ends otherwise.
        OutputExistsError: what is there is something else.
    """
    if path.suffix.lower() != ".html":
        raise UsageError(f"{path} is the name of another kind of file. Let it end in .html.")
    if not path.exists():
        return
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    if not any(mark in head for mark in _OWN_MARKS):
        raise OutputExistsError(
            f"{path} exists and is no report of reggan-plugin's, so it is not replaced. Name "
            "another file, or move it away.",
            kind="foreign-page",
        )


def report_from_records(source: str, out: Path, frames: Iterable[CheckedFrame]) -> ShotReport:
    """A report of what the records say; no picture is decoded."""
    return ShotReport(
        source=source, out=out, frames=tuple(ReportedFrame(checked=one) for one in frames)
    )


def with_contents_compared(
    frames: Sequence[CheckedFrame], patience: Patience, seen: Callable[[CheckedFrame], None]
) -> Iterator[CheckedFrame]:
    """The frames, each output compared with the SHA-256 in its record; in order."""
    compared = _in_order(frames, partial(_compared, patience=patience))
    for frame in compared:
        seen(frame)
        yield frame


def _compared(checked: CheckedFrame, patience: Patience) -> CheckedFrame:
    record, output = checked.record, checked.output
    if record is None or record.output_sha256 is None or "altered" in checked.problems:
        return checked
    try:
        digest = patience.call(str(output), lambda: digest_of(output))
    except StalledError as error:
        return replace(checked, problems=in_order((*checked.problems, "failed")), note=str(error))
    is_other = digest is not None and is_altered(checked, digest)
    return as_altered(checked) if is_other else checked


def report_with_pictures(
    source: str,
    out: Path,
    frames: Sequence[CheckedFrame],
    reading: Reading,
    patience: Patience,
    seen: Callable[[CheckedFrame], None],
) -> ShotReport:
    """A report for which every frame is read; `seen` is called after each, in order."""
    looks = []
    found = _in_order(frames, partial(look_at, reading=reading, patience=patience))
    for checked, look in zip(frames, found, strict=True):
        looks.append(look)
        seen(_with_problems(checked, look, None))
    flickers = flicker_of_shot([one.number for one in frames], looks)
    return ShotReport(
        source=source,
        out=out,
        frames=tuple(
            ReportedFrame(
                checked=_with_problems(checked, look, flicker), look=look, flicker=flicker
            )
            for checked, look, flicker in zip(frames, looks, flickers, strict=True)
        ),
    )


def _in_order(
    frames: Iterable[CheckedFrame], read: Callable[[CheckedFrame], Seen]
) -> Iterator[Seen]:
    """What is read of the frames, in order; a few are read at a time."""
    readers = min(_MOST_READERS, os.cpu_count() or 1)
    waiting: deque[Future[Seen]] = deque()
    with ThreadPoolExecutor(readers, thread_name_prefix="look") as pool:
        for frame in frames:
            waiting.append(pool.submit(read, frame))
            if len(waiting) > readers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _with_problems(checked: CheckedFrame, look: FrameLook, flicker: Flicker | None) -> CheckedFrame:
    found: dict[Problem, bool] = {
        "failed": look.fault is not None,
        "clipped mask": look.touches_ring,
        "flicker": flicker is not None and flicker.is_visible,
    }
    more = [problem for problem, is_there in found.items() if is_there]
    if look.is_altered:
        checked = as_altered(checked)
    return replace(
        checked,
        problems=in_order((*checked.problems, *more)),
        note=checked.note or look.fault,
    )


def _frame_of_page(one: ReportedFrame) -> dict[str, Any]:
    look, flicker = one.look or FrameLook(), one.flicker
    return {
        "name": one.checked.name,
        "problems": one.checked.problems,
        "note": one.checked.note,
        "before": look.before,
        "after": look.after,
        "numbers": _numbers(one),
        "flicker": flicker and [round(flicker.change, 3), round(flicker.picture, 3)],
    }


def _numbers(one: ReportedFrame) -> list[str]:
    """What is known of a frame, in words."""
    record = one.checked.record
    if record is None:
        return []
    words = [" ".join(f"{name} {value:g}" for name, value in record.expression.items())]
    for face in record.faces:
        parts = [f"face {face.face} {face.status}"]
        parts += [] if face.score is None else [f"score {face.score:.2f}"]
        parts += [] if face.yaw_deg is None else [f"yaw {face.yaw_deg:+.0f}°"]
        parts += [] if face.share == 1.0 else [f"{face.share:.0%} of the intensity"]
        words.append(", ".join(parts))
    if one.flicker is not None:
        words.append(f"flicker {one.flicker.change:.1f} (picture {one.flicker.picture:.1f})")
    return [*words, f"{record.seconds:.1f} s", *record.warnings]
