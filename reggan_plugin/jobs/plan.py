"""Which frames a job reads and which files it writes, decided before any work."""

import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from reggan_plugin.errors import OutputError, OutputExistsError, UsageError
from reggan_plugin.files.sequence import (
    Sequence,
    SourceFrame,
    default_output_folder,
    find_sequence,
)


class Existing(Enum):
    """What to do about outputs that are there already."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    RESUME = "resume"


@dataclass(frozen=True, kw_only=True)
class FrameTask:
    """One frame and the file that it becomes."""

    source: SourceFrame
    output: Path
    is_done: bool = False
    """Whether an earlier run wrote the output, so that there is nothing to do."""


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """The frames of a job in order, and the shot that they are a part of."""

    source: str
    shot: Sequence
    """All frames of the source, whatever part was asked for."""
    out: Path
    tasks: tuple[FrameTask, ...]
    missing: tuple[int, ...]
    """Numbers that were asked for and are not on disk."""


def plan_job(
    source: str, frame_range: str | None, out: Path | None, label: str, existing: Existing
) -> JobPlan:
    """Decide what to read and write; nothing on disk is changed.

    Args:
        source: folder, file or pattern.
        frame_range: part of the sequence, or None for all of it.
        out: folder for the outputs; by default a sibling of the source, named with `label`.
        label: the expression.
        existing: what to do about outputs that are there already.

    Raises:
        SourceError: the source holds no frame, or more than one sequence.
        UsageError: an output would take the place of an input.
        OutputExistsError: outputs exist and `existing` refuses them.
    """
    shot = find_sequence(source, None)
    chosen = shot if frame_range is None else find_sequence(source, frame_range)
    folder = default_output_folder(source, label) if out is None else out
    outputs = [folder / frame.path.name for frame in chosen.frames]
    _refuse_inputs(shot, folder, outputs)
    there = [output.exists() for output in outputs]
    if existing is Existing.REFUSE and any(there):
        raise OutputExistsError(
            f"{sum(there)} of {len(there)} outputs exist in {folder}, first "
            f"{outputs[there.index(True)].name}. --resume writes only the others, --overwrite "
            "replaces them, --out names another folder."
        )
    tasks = tuple(
        FrameTask(source=frame, output=output, is_done=exists and existing is Existing.RESUME)
        for frame, output, exists in zip(chosen.frames, outputs, there, strict=True)
    )
    return JobPlan(source=source, shot=shot, out=folder, tasks=tasks, missing=chosen.missing)


def make_output_folder(folder: Path) -> None:
    """Create a folder and make sure that it takes files.

    Raises:
        OutputError: it cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"{folder} takes no files: {error.strerror}. Name another folder with --out, or give "
            "yourself the right to write there."
        ) from error


def _refuse_inputs(shot: Sequence, folder: Path, outputs: list[Path]) -> None:
    inputs = {frame.path.resolve() for frame in shot.frames}
    real_folder = folder.resolve()
    is_source = folder.exists() and folder.samefile(shot.folder)
    overwritten = [output for output in outputs if real_folder / output.name in inputs]
    if is_source or overwritten:
        raise UsageError(
            f"--out {folder} is where the source frames lie, and the input is never "
            "overwritten. Name another folder."
        )
