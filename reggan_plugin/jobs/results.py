"""Results of the frames of a job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from reggan_plugin.errors import FaceNotFoundError, RegganError, Remark, document_from_said
from reggan_plugin.faces.face_sizes import EXPECTED
from reggan_plugin.faces.tracks import WhichFaces
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.frame_range import NO_NUMBERS, FrameRange
from reggan_plugin.plurals import counted

SUMMARY_VERSION = 1
"""Raised when a field of the `--json` document changes its meaning or goes away."""

_MOST_MISSING = 1000
"""Numbers that `missing` lists; `missing_range` has them all."""
_MOST_NAMED = 8
"""Numbers that a sentence names."""

Outcome = Literal["written", "copied", "skipped", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("written", "copied", "skipped", "failed")

NO_FACE = "no face"
EXISTS = "output exists"
INTENSITY_0 = "intensity 0"
TURNED_AWAY = "head turned too far"


def none_of_number(which: WhichFaces, there: Sequence[int]) -> Remark:
    """Say that no face has the number that was asked for, and which there are."""
    asked = which if isinstance(which, tuple) else (which,)
    found = f"{counted(len(there), 'face')} ({', '.join(map(str, there))})"
    numbers = ", ".join(map(str, asked))
    return Remark(f"{NO_FACE} {numbers}: found {found}", "face-number", asked=numbers, found=found)


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class ModelInUse:
    """The model of a job, where it runs, and why there."""

    name: str
    version: str
    sha256: str
    device: str
    device_reason: str


def notices_of_missing(missing: FrameRange) -> list[str]:
    """Return the notice about frames that are not there, if any."""
    if not missing:
        return []
    numbers = ", ".join(map(str, islice(missing, _MOST_NAMED)))
    numbers += ", ..." if len(missing) > _MOST_NAMED else ""
    are = f"{counted(len(missing), 'frame')} {'is' if len(missing) == 1 else 'are'}"
    return [f"{are} not on disk and left out: {numbers}."]


def document_of_missing(missing: FrameRange) -> dict[str, Any]:
    """Return the entry of `--json` for frames that are not on disk: a gap may have millions."""
    return {
        "missing": list(islice(missing, _MOST_MISSING)),
        "missing_range": missing.text,
        "missing_frames": len(missing),
    }


@dataclass(frozen=True, kw_only=True)
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

    def raise_for_failure(self) -> None:
        """Fail if a frame failed, or no frame shows a face.

        Raises:
            RegganError: frames failed; the message names the first of them.
            FaceNotFoundError: there was no face in any frame.
        """
        failed = self.of_outcome("failed")
        if failed:
            first, all_of_them = failed[0].message, len(self.results)
            found = f"{len(failed)} of {all_of_them} frames failed; the first: {first}"
            if all_of_them == 1:
                own = first if isinstance(first, Remark) else Remark(str(first), "failed")
                raise RegganError(own, kind=own.kind, **own.fields)
            raise RegganError(found, kind="frames-failed", first=first)
        if self.results and all(result.has_no_face for result in self.results):
            only, *more = self.results
            where = f"any of {len(self.results)} frames" if more else only.source.name
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
