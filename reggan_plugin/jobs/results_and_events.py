"""Events of a running job: the progress lines that farms and the Blender panel read.

`--progress json`, and `--json` unless told otherwise, write one JSON object a line to stderr.
Lines that do not begin with `{` are log text and may appear anywhere. Every object has `v` (this
version, 2), `time` (UTC, ISO 8601) and `event`:

    started   frames, source, out, expression {name or ARKit shape: intensity}, model, device,
              device_reason, processes (that render)
    notice    message, source (the first frame that it is about, or null for the whole job)
    frame     done, frames, source, frame (its number or null), output, outcome, message, device,
              seconds (of work on this frame), warnings
    tracked   done, frames, source, faces (in this frame), message (null, or why it is unreadable)
    checked   done, frames, source, problems
    encoded   done, frames, source (the new video)
    shot      frames, faces (in the shot), cuts, without_face, unreadable, interrupted, seconds
    finished  written, copied, skipped, failed, interrupted, seconds
    error     message, exit_code

Beside a `message` that is an error or a notice stand its `kind`, a short word that stays when the
sentence is written better, `fields`, what the sentence names, by name (a field that is an error
itself is an object with `message`, `kind` and `fields`), and `remedy`, what to do about it on a
command line. Of any other message, and where there is none, they are null.

`tracked` and `shot` come from `track`, and from `render` where it tracks the shot first,
`checked` comes from `report`.
`outcome` is written, copied (byte for byte), skipped or failed; `message` is null for written
frames, otherwise the reason or the error. `model`, `device` and `device_reason` are null where
none is needed; the reason goes on, after `; `, with what was tried before. `frames` of a job are
all that were asked for, those already done included, so `done / frames` is the progress. `error`
comes last, after `finished` where the job ran; a fault in the options themselves is plain text with
exit code 2. New fields and events may be added under the same version: ignore what you do not know.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from reggan_plugin.errors import (
    FaceNotFoundError,
    RegganError,
    Remark,
    UnreadableFrameError,
    counted,
    document_from_said,
)
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.faces.tracks import WhichFaces
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.frame import name_of_frame
from reggan_plugin.files.sequence import NO_NUMBERS, FrameRange
from reggan_plugin.frozen import frozen

SUMMARY_VERSION = 1
"""Raised when a field of the `--json` document changes its meaning or goes away."""

_MOST_MISSING = 1000
"""Numbers that `missing` lists; `missing_range` has them all."""
_LONG_RANGE = 60
"""Letters of a range that a sentence names."""
_MOST_NAMED = 8
"""Numbers that a sentence names."""

Outcome = Literal["written", "copied", "skipped", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("written", "copied", "skipped", "failed")

NO_FACE = "no face"
EXISTS = "output exists"
CHANGED_SINCE = "changed since it was rendered"
INTENSITY_0 = "intensity 0"
TURNED_AWAY = "head turned too far"


def none_of_number(which: WhichFaces, there: Sequence[int]) -> Remark:
    """Say that no face has the number that was asked for, and which there are."""
    asked = which if isinstance(which, tuple) else (which,)
    found = f"{counted(len(there), 'face')} ({', '.join(map(str, there))})"
    numbers = ", ".join(map(str, asked))
    return Remark(f"{NO_FACE} {numbers}: found {found}", "face-number", asked=numbers, found=found)


@frozen
class FrameResult:
    """The result of one frame."""

    source: Path
    output: Path
    outcome: Outcome
    frame: int | None = None
    """Its number, if it has one."""
    message: str | None = None
    """Why it was copied, skipped or faded (beginning with a constant above), or the error."""
    warnings: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of face shapes and `neutral` that were asked for."""
    intensity_share: float = 1.0
    """Share of the asked intensity that the turn of the head left."""
    generation_loss: GenerationLoss | None = None
    """Difference that a lossy compression made beside the change."""
    seconds: float = 0.0
    """Of work on it, waiting left out."""

    @property
    def has_no_face(self) -> bool:
        """True if no face that was meant is in it."""
        return (self.message or "").startswith(NO_FACE)

    @property
    def is_on_disk(self) -> bool:
        """True if this job made the output."""
        return self.outcome in ("written", "copied")


def face_not_found(where: str, found: str | None, source: Path | None = None) -> FaceNotFoundError:
    """Return the error for pictures without a face that was meant.

    Args:
        where: the picture, or all of them.
        found: the message of its result, which tells of faces of other numbers.
        source: the picture, where one alone is meant.
    """
    if isinstance(found, Remark):
        asked, there = found.fields["asked"], found.fields["found"]
        return FaceNotFoundError(
            f"No face {asked} in {where}; found {there}.",
            kind="face-number",
            asked=asked,
            found=there,
        )
    said = f"No human-like face in {where}; {EXPECTED}."
    if source is not None:
        return FaceNotFoundError(said, kind="face-in-frame", source=source)
    return FaceNotFoundError(said, kind="face-in-no-frame")


def unreadable_frames(faults: Mapping[Path, str], frames: int) -> UnreadableFrameError:
    """Return the error for frames of a shot that cannot be read.

    Args:
        faults: why each cannot; at least one.
        frames: of the whole shot.
    """
    first = next(iter(faults.values()))
    found = f"None of {counted(frames, 'frame')} can be read"
    if len(faults) < frames:
        names = ", ".join(name_of_frame(path) for path in islice(faults, _MOST_NAMED))
        names += ", ..." if len(faults) > _MOST_NAMED else ""
        found = f"{len(faults)} of {frames} frames cannot be read and count as gaps: {names}"
    return UnreadableFrameError(f"{found}; the first: {first}", first=first)


@frozen
class ModelInUse:
    """The model of a job, where it runs, and why there."""

    name: str
    version: str
    sha256: str
    device: str
    device_reason: str


def notices_of_range(missing: FrameRange, outside: FrameRange) -> list[str]:
    """Return the notices about frames that are asked for, and not there within or beside a shot."""
    notices = []
    if missing:
        numbers = ", ".join(map(str, islice(missing, _MOST_NAMED)))
        numbers += ", ..." if len(missing) > _MOST_NAMED else ""
        are = f"{counted(len(missing), 'frame')} {'is' if len(missing) == 1 else 'are'}"
        notices.append(f"{are} missing and left out: {numbers}.")
    if outside:
        text = outside.text
        named = text if len(text) < _LONG_RANGE else f"{text[:_LONG_RANGE]}..."
        notices.append(
            f"The range names {counted(len(outside), 'frame')} before or past those of the shot, "
            f"which {'is' if len(outside) == 1 else 'are'} left out: {named}."
        )
    return notices


def notices_of_videos(left_out: Sequence[Path]) -> list[str]:
    """Return the notice about videos in folders of pictures, which are not taken, if any."""
    if not left_out:
        return []
    are = f"{counted(len(left_out), 'video')} {'is' if len(left_out) == 1 else 'are'}"
    first = "" if len(left_out) == 1 else ", the first"
    found = f"{are} left out, beside pictures{first}: {left_out[0]}."
    return [Remark(found, "videos-left-out", video=left_out[0])]


def notices_of_changed(results: Sequence[FrameResult]) -> list[str]:
    """Return the notice about outputs that somebody changed, if any."""
    names = [result.output.name for result in results if result.message == CHANGED_SINCE]
    if not names:
        return []
    named = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
    were, are = ("was", "is") if len(names) == 1 else ("were", "are")
    found = f"{counted(len(names), 'output')} {were} changed since being rendered"
    return [Remark(f"{found}, and {are} left: {named}.", "changed-since")]


def changed_and_other(output: Path) -> Remark:
    """Say that somebody changed an output which was not made as it is asked for, as far as its
    record tells.
    """
    return Remark(
        f"{output} was changed since it was rendered with other options or from another source, "
        "or its record is damaged. It is left as it is.",
        "changed-and-other",
    )


def document_of_missing(missing: FrameRange) -> dict[str, Any]:
    """Return the entry of `--json` for frames that are not on disk: a gap may have millions."""
    return {
        "missing": list(islice(missing, _MOST_MISSING)),
        "missing_range": missing.text,
        "missing_frames": len(missing),
    }


@frozen
class JobSummary:
    """The result of a job."""

    source: str
    out: Path
    expression: Mapping[str, float]
    model: ModelInUse | None
    """None where nothing needed a model."""
    exposure_ev: float | None
    results: tuple[FrameResult, ...]
    missing: FrameRange = NO_NUMBERS
    notices: Mapping[str, int] = field(default_factory=dict)
    """Each notice and the number of frames that it is about; 0 if about the whole job."""
    interrupted: bool = False
    seconds: float = 0.0
    whole: Path | None = None
    """The one file that all frames went into: a video."""
    is_video: bool = False
    """True if they are to go into one file, whether or not it came to that."""
    by_face: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Expressions of single faces, by their number."""
    parts: tuple["JobSummary", ...] = ()
    """Of several jobs that ran one after another, each by itself; none of a single job."""
    is_tracked: bool = False
    """True if tracks hold a face, be it hidden, or in other frames of the shot."""

    @property
    def has_no_face(self) -> bool:
        """True if no frame shows a face that was meant, and no track tells why."""
        is_seen = not all(result.has_no_face for result in self.results)
        return bool(self.results) and not is_seen and not self.is_tracked

    def count(self) -> dict[Outcome, int]:
        """Return the number of frames by outcome."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome: counts[outcome] for outcome in OUTCOMES}

    def of_outcome(self, outcome: Outcome) -> tuple[FrameResult, ...]:
        """Return the frames that came to this, in order."""
        return tuple(result for result in self.results if result.outcome == outcome)

    @property
    def faded(self) -> tuple[FrameResult, ...]:
        """The frames in which a head is turned so far that the intensity is less, in order."""
        return tuple(result for result in self.results if result.intensity_share < 1.0)

    def raise_for_failure(self, *, expects_face: bool = True) -> None:
        """Fail if a frame failed, or if no frame shows a face, though one is expected.

        Raises:
            RegganError: frames failed; the message names the first of them.
            FaceNotFoundError: there was no face in any frame, see `has_no_face`.
        """
        failed = self.of_outcome("failed")
        if failed:
            first, all_of_them = failed[0].message, len(self.results)
            found = f"{len(failed)} of {all_of_them} frames failed; the first: {first}"
            if all_of_them == 1:
                own = first if isinstance(first, Remark) else Remark(str(first), "failed")
                raise RegganError(own, kind=own.kind, **own.fields)
            raise RegganError(found, kind="frames-failed", first=first)
        if expects_face and self.has_no_face:
            only, *more = self.results
            where = f"any of {len(self.results)} frames" if more else name_of_frame(only.source)
            raise face_not_found(where, only.message)

    def document(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return {
            "v": SUMMARY_VERSION,
            "source": self.source,
            "out": str(self.whole or self.out),
            "expression": dict(self.expression),
            **({"by_face": self.by_face} if self.by_face else {}),
            "model": asdict(self.model) if self.model else None,
            "exposure_ev": self.exposure_ev,
            "counts": self.count(),
            **{
                outcome: [_entry(r, is_video=self.is_video) for r in self.of_outcome(outcome)]
                for outcome in OUTCOMES
            },
            "faded": [
                {"source": str(r.source), "intensity_share": round(r.intensity_share, 3)}
                for r in self.faded
            ],
            **document_of_missing(self.missing),
            "notices": [
                {**document_from_said(said), "frames": count}
                for said, count in self.notices.items()
            ],
            "interrupted": self.interrupted,
            "seconds": self.seconds,
            **({"jobs": [part.document() for part in self.parts]} if self.parts else {}),
        }


def _entry(result: FrameResult, *, is_video: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"source": str(result.source)}
    if result.is_on_disk and not is_video:
        entry["output"] = str(result.output)
    if result.message is not None:
        entry |= document_from_said(result.message)
    return entry


PROGRESS_VERSION = 2


@frozen
class Started:
    """A job begins."""

    event: ClassVar[str] = "started"
    frames: int
    source: str
    out: Path
    expression: Mapping[str, float] = field(default_factory=dict)
    model: str | None = None
    device: str | None = None
    device_reason: str | None = None
    processes: int = 1


@frozen
class Notice:
    """Something that the user should know; said once a job."""

    event: ClassVar[str] = "notice"
    message: str
    source: Path | None = None


@frozen
class FrameDone:
    """One more frame is dealt with."""

    event: ClassVar[str] = "frame"
    done: int
    frames: int
    result: FrameResult
    device: str | None = None

    @property
    def message(self) -> str | None:
        """The reason why it was copied, skipped or faded, or the error."""
        return self.result.message


@frozen
class FrameTracked:
    """Faces were sought in one more frame."""

    event: ClassVar[str] = "tracked"
    done: int
    frames: int
    source: Path
    faces: int
    message: str | None


@frozen
class FrameChecked:
    """One more frame of a rendered shot was looked at."""

    event: ClassVar[str] = "checked"
    done: int
    frames: int
    source: Path
    problems: tuple[str, ...]


@frozen
class FrameEncoded:
    """One more frame is in the new video, `source`."""

    event: ClassVar[str] = "encoded"
    done: int
    frames: int
    source: Path


@frozen
class ShotTracked:
    """Faces were followed through a shot."""

    event: ClassVar[str] = "shot"
    frames: int
    faces: int
    cuts: tuple[str, ...]
    without_face: int
    unreadable: int
    interrupted: bool
    seconds: float


@frozen
class Finished:
    """A job is over."""

    event: ClassVar[str] = "finished"
    written: int
    copied: int
    skipped: int
    failed: int
    interrupted: bool
    seconds: float


@frozen
class Failed:
    """The command ends with an error."""

    event: ClassVar[str] = "error"
    message: str
    exit_code: int


OneFrame = FrameDone | FrameTracked | FrameChecked | FrameEncoded
Event = Started | Notice | OneFrame | ShotTracked | Finished | Failed
_OF_RESULT = ("source", "output", "outcome", "message", "frame", "seconds", "weights", "warnings")
"""Fields of a progress line that tell a frame's result."""
SAYING = (Notice, FrameDone, FrameTracked, Failed)
"""Events with a message."""
Report = Callable[[Event], None]
"""Takes every event of a job as it happens, in the thread that runs the job."""


def document_from_event(event: Event) -> dict[str, Any]:
    """Return the JSON object of an event, less the remedy, which is the front end's."""
    values = asdict(event)
    if isinstance(event, FrameDone):
        result = values.pop("result")
        values |= {name: result[name] for name in _OF_RESULT}
    fields = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
    if isinstance(event, SAYING):
        fields |= document_from_said(event.message)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"v": PROGRESS_VERSION, "time": now, "event": event.event, **fields}
