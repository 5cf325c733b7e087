"""A rendered shot against its source: what is missing, and what its records say.

A video counts as one frame.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.files.image_format import is_video
from reggan_plugin.files.sequence import FrameList, FrameRange, SourceFrame, range_from_spans
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.frame_record import (
    FrameRecord,
    digest_of,
    read_record,
    record_path,
    state_of,
)
from reggan_plugin.jobs.input_files import find_shot
from reggan_plugin.jobs.results_and_events import NO_FACE
from reggan_plugin.jobs.video_job import record_of_video

Problem = Literal[
    "missing",
    "failed",
    "altered",
    "no record",
    "no face",
    "low score",
    "clipped mask",
    "flicker",
    "turned away",
]
PROBLEMS: dict[Problem, str] = {
    "missing": "There is no output, or no source.",
    "failed": "The frame could not be read, changed or written.",
    "altered": "The output is not the file that was rendered, or the source has changed since.",
    "no record": "No sound record says which file was rendered, so it may be any.",
    "no face": "No face was found, or the tracks have none here; the frame is unchanged.",
    "low score": "The locator is not sure of the face.",
    "clipped mask": "The change is cut off by the picture's edge or by the square around the face.",
    "flicker": "The change jumps more than the picture itself does.",
    "turned away": "The head is turned so far that the intensity is lowered.",
}
"""From the worst to the least."""
FATAL: tuple[Problem, ...] = ("missing", "failed", "altered", "no record")

OTHER_CONTENT = "It was changed since it was rendered: its content is another."
LOW_SCORE = 0.6
"""Faces that are there score above 0.9 as a rule; below 0.42 none is followed."""
CLIPPED_WEIGHT = 0.05
"""Of the mask at the picture's edge: less cannot be seen to end there."""


@frozen
class CheckedFrame:
    """A frame of a shot and what is wrong with it.

    Attributes:
        name: of its file, or `frame 1003` where there is none.
        number: None for loose pictures; the first of a gap.
        source: None where the shot has no such frame.
        output: where the result is, or should be.
        record: of how it was made; None without one.
        problems: from the worst to the least.
        note: what to say about it.
        count: of frames that it stands for: a gap is one entry.
    """

    name: str
    number: int | None
    source: Path | None
    output: Path
    record: FrameRecord | None
    problems: tuple[Problem, ...]
    note: str | None = None
    count: int = 1


Entry = SourceFrame | range
"""A frame, or a gap of the shot."""


@frozen
class ShotToCheck:
    """A rendered shot; nothing of its frames is read until they are checked one by one."""

    out: Path
    frames: FrameList
    gaps: FrameRange
    """Frames that are asked for, and that the shot does not have, within it or beside it."""

    def __len__(self) -> int:
        """Entries, of which a gap is one."""
        return len(self.frames) + len(self.gaps.spans)

    def __iter__(self) -> Iterator[Entry]:
        """In order of numbers, loose pictures last."""
        parts: tuple[Iterable[Entry], ...] = (self.frames, self.gaps.spans)
        return heapq.merge(*parts, key=_place)

    def check(self, entry: Entry) -> CheckedFrame:
        """Return a frame against its record; its pixels are not looked at."""
        if isinstance(entry, range):
            return _without_source(entry, self.out)
        return _check(entry, self._output_of(entry))

    def _output_of(self, frame: SourceFrame) -> Path:
        return self.out / frame.path.name if self.out.is_dir() else self.out

    def files(self) -> Iterator[Path]:
        """Yield all files that are read: sources, outputs and records."""
        for frame in self.frames:
            output = self._output_of(frame)
            yield from (frame.path, output, record_path(output))


def find_rendered_shot(source: str, frame_range: str | None, out: Path) -> ShotToCheck:
    """Return the frames of a rendered shot.

    Args:
        source: folder, file or pattern of the shot.
        frame_range: the part that should be there.
        out: the folder of the results; of one picture or video also the result itself.

    Raises:
        SourceError, UsageError: there is no such shot, or nothing of it in the range.
    """
    to_name = "Name the folder that the shot was rendered to; of one picture or video, its result."
    if not (out.is_dir() or (Path(source).is_file() and out.exists())):
        found = "is a file" if out.exists() else "does not exist"
        raise UsageError(f"{out} {found}. {to_name}")
    shot = find_shot(source, frame_range)
    if out.resolve() == shot.folder.resolve():
        raise UsageError(f"{out} holds the shot itself. {to_name}")
    if not shot.frames and not shot.missing:
        raise EmptySourceError(
            f"The frame range {frame_range} holds no frame of {source}. Leave it out to "
            "check the shot."
        )
    gaps = range_from_spans([*shot.missing.spans, *shot.outside.spans])
    return ShotToCheck(out=out, frames=shot.frames, gaps=gaps)


def _place(entry: Entry) -> tuple[bool, int]:
    number = entry[0] if isinstance(entry, range) else entry.number
    return number is None, number or 0


def _check(frame: SourceFrame, output: Path) -> CheckedFrame:
    record = record_of_video(output) if is_video(output) else read_record(output)
    note = record.message if record else None
    problems: list[Problem] = []
    if record and record.outcome == "failed":
        problems.append("failed")
    elif not output.is_file() and not (record and record.outcome == "skipped"):
        problems.append("missing")
        note = "It was rendered, but is not there." if record else "It was never rendered."
    elif output.is_file() and not _proves(record, output):
        problems.append("no record")
        note = "It has no record, or a damaged one, so nothing says that it is what was rendered."
    if record:
        if (record.message or "").startswith(NO_FACE):  # copied, or skipped on demand
            problems.append("no face")
            note = None if note == NO_FACE else note
        other_size = _other_size(record, output)
        if other_size is not None:
            problems.append("altered")
            note = other_size
        elif record.outcome != "failed" and _other_source(record, frame.path):
            problems.append("altered")
            note = "Its source has changed since: it is not the file that was read."
        problems += _problems_of_faces(record)
    return CheckedFrame(
        name=frame.path.name,
        number=frame.number,
        source=frame.path,
        output=output,
        record=record,
        problems=in_order(problems),
        note=note,
    )


def _proves(record: FrameRecord | None, output: Path) -> bool:
    """Tell whether a record says which bytes were rendered for this very output."""
    return (
        record is not None
        and isinstance(record.output_sha256, str)
        and Path(record.output).name == output.name
    )


def _other_source(record: FrameRecord, source: Path) -> bool:
    """Tell whether a source is not the one that was read; it is read where its time differs.

    Records of videos by 0.6.1 and before do not tell, but that it was a video and not pictures.
    """
    if is_video(source) and not is_video(Path(record.source)):
        return True
    now, then = state_of(source), record.input_state
    if now is None or now == then or record.input_sha256 is None:
        return False
    return (then is not None and now.size != then.size) or digest_of(source) != record.input_sha256


def _other_size(record: FrameRecord, output: Path) -> str | None:
    """Return the notice for the first file that is not as large as it was written; None if all are.

    These are the output, of which records of texture maps do not say it, and what lies beside it.
    """
    if record.output_bytes is not None and output.is_file():
        size, was = output.stat().st_size, record.output_bytes
        if size != was:
            return f"It was changed since it was rendered: it has {size:,} bytes, not {was:,}."
    for path, file in record.files_beside(output):
        state = state_of(path)
        if state is None:
            return f"{path}, which was written with it, is not there."
        if state.size != file.state.size:
            size, was = state.size, file.state.size
            return f"{path} was changed since it was rendered: it has {size:,} bytes, not {was:,}."
    return None


def other_content_beside(checked: CheckedFrame) -> str | None:
    """Return the notice for a file beside the output with other content than was written."""
    files = () if checked.record is None else checked.record.files_beside(checked.output)
    other = next((path for path, file in files if digest_of(path) != file.sha256), None)
    return None if other is None else f"{other} was changed since it was rendered."


def as_altered(checked: CheckedFrame, note: str = OTHER_CONTENT) -> CheckedFrame:
    """Return the frame, whose output has other content than was rendered."""
    note = checked.note or note if "altered" in checked.problems else note
    return replace(checked, problems=in_order((*checked.problems, "altered")), note=note)


def is_altered(checked: CheckedFrame, content_sha256: str) -> bool:
    """Tell whether the record says that other bytes were rendered than those of this digest."""
    record = checked.record
    return (
        record is not None
        and record.output_sha256 is not None
        and record.output_sha256 != content_sha256
    )


def _problems_of_faces(record: FrameRecord) -> list[Problem]:
    scores = [face.score for face in record.faces if face.score is not None]
    found: dict[Problem, bool] = {
        "low score": min(scores, default=1.0) < LOW_SCORE,
        "clipped mask": (record.stats.get("weight_at_edge") or 0.0) > CLIPPED_WEIGHT,
        "turned away": any(face.share < 1.0 for face in record.faces),
    }
    return [problem for problem, is_there in found.items() if is_there]


def _without_source(gap: range, out: Path) -> CheckedFrame:
    """One entry for all frames of a gap, which may be millions."""
    text = range_from_spans([gap]).text
    name = f"frame {text}" if len(gap) == 1 else f"frames {text}"
    return CheckedFrame(
        name=name,
        number=gap[0],
        count=len(gap),
        source=None,
        output=out / name,
        record=None,
        problems=("missing",),
        note="The shot itself has no such frame" + ("." if len(gap) == 1 else "s."),
    )


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, from the worst to the least."""
    found = set(problems)
    return tuple(problem for problem in PROBLEMS if problem in found)
