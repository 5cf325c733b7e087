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

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from reggan_plugin.errors import document_from_said
from reggan_plugin.jobs.results import FrameResult

PROGRESS_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Started:
    """A job begins."""

    event: ClassVar[str] = "started"
    frames: int
    source: str
    out: Path
    expression: Mapping[str, float]
    model: str | None
    device: str | None
    device_reason: str | None
    processes: int = 1


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that the user should know; said once a job."""

    event: ClassVar[str] = "notice"
    message: str
    source: Path | None = None


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class FrameTracked:
    """Faces were sought in one more frame."""

    event: ClassVar[str] = "tracked"
    done: int
    frames: int
    source: Path
    faces: int
    message: str | None


@dataclass(frozen=True, kw_only=True)
class FrameChecked:
    """One more frame of a rendered shot was looked at."""

    event: ClassVar[str] = "checked"
    done: int
    frames: int
    source: Path
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FrameEncoded:
    """One more frame is in the new video, `source`."""

    event: ClassVar[str] = "encoded"
    done: int
    frames: int
    source: Path


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job is over."""

    event: ClassVar[str] = "finished"
    written: int
    copied: int
    skipped: int
    failed: int
    interrupted: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The command ends with an error."""

    event: ClassVar[str] = "error"
    message: str
    exit_code: int


OneFrame = FrameDone | FrameTracked | FrameChecked | FrameEncoded
Event = Started | Notice | OneFrame | ShotTracked | Finished | Failed
_OF_RESULT = (
    "source",
    "output",
    "outcome",
    "message",
    "frame",
    "seconds",
    "weights",
    "warnings",
)
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
