"""A frame between the steps of a job: its file is read, it is changed, or at its end.

Which faults end it alone, and how many frames may be in memory at once: at most so many pixels of
them together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from reggan_plugin.change.picture import FrameCrops
from reggan_plugin.change.pipeline import FrameAnswers
from reggan_plugin.errors import DeviceUnavailableError, ModelError, RegganError, Remark
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.jobs.frame_record import FileState, FrameFacts, RecordedFace, sha256_of, state_of
from reggan_plugin.jobs.interruption import IoTimeout
from reggan_plugin.jobs.plan import FrameTask
from reggan_plugin.jobs.results import Outcome

_SETTLED_S = 2.0
"""A file that was written later than this before it is read may still be in work."""
_SAMPLES = 24
"""Points to a side by which the part of a crop in the picture is counted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameInput:
    """A frame as it goes to the model: cropped, with what is known of it."""

    frame: Frame
    cut: FrameCrops
    facts: FrameFacts


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedFrame:
    """A frame that waits to be composed and written."""

    frame: Frame
    answered: FrameAnswers
    facts: FrameFacts


@dataclass(frozen=True, kw_only=True, eq=False)
class UnchangedFrame:
    """A file that waits to be copied byte for byte."""

    content: bytes
    reason: str
    facts: FrameFacts


@dataclass(frozen=True, kw_only=True)
class EndedFrame:
    """A frame that gets no output: an earlier run finished it, or it is skipped or failed."""

    outcome: Outcome
    message: str
    facts: FrameFacts | None
    """None where the record of an earlier run stays."""


ReadFrame = FrameInput | UnchangedFrame | EndedFrame
ReadyFrame = ChangedFrame | UnchangedFrame | EndedFrame


def recorded_face(shape: tuple[int, int], crop: FaceCrop, share: float) -> RecordedFace:
    """Return a face as it stands in a record.

    Args:
        shape: (height, width) of the picture.
        crop: where the face lies in it.
        share: what the turn of its head leaves of the intensity.
    """
    middles = (np.arange(_SAMPLES) + 0.5) * crop.side_px / _SAMPLES
    points = crop.place(np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2))
    inside = ((points >= 0) & (points < shape[::-1])).all(axis=1)
    corners = crop.corners().round(2)
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    return RecordedFace(
        face=crop.face,
        score=crop.score,
        status=crop.status,
        yaw_deg=None if crop.yaw_deg is None else round(crop.yaw_deg, 2),
        share=round(share, 4),
        inside=round(float(inside.mean()), 3),
        box_px=(left, top, round(right - left, 2), round(bottom - top, 2)),
    )


def read_input(io_timeout: IoTimeout, path: Path, facts: FrameFacts) -> tuple[bytes, FrameFacts]:
    """Return the bytes of a frame's file, and the facts with what tells it from other files.

    Raises:
        UnreadableFrameError: it cannot be read.
        StalledError: its folder does not answer.
    """

    def read() -> tuple[FileState | None, bytes]:
        return state_of(path, settled_s=_SETTLED_S), read_content(path)

    state, content = io_timeout.call(str(path), read)
    return content, replace(facts, input_sha256=sha256_of(content), input_state=state)


Step = TypeVar("Step")

FRAME_FAULTS = (RegganError, OSError, MemoryError)
"""Other exceptions are bugs."""
JOB_FAULTS = (ModelError, DeviceUnavailableError)
"""Of the first kind, but every other frame would meet them, too."""


def unless_it_fails(
    task: FrameTask, facts: FrameFacts, step: Callable[[], Step]
) -> Step | EndedFrame:
    """Run a step; an error ends its frame alone."""
    try:
        return step()
    except JOB_FAULTS:
        raise
    except RegganError as error:
        message: str = error.remark
    except OSError as error:
        message = f"{task.source.path}: {error}."
    except MemoryError:
        path = task.source.path
        message = Remark(
            f"{path} does not fit into the memory that is free. Close other programs, or say where "
            "the face is, so that it need not be searched for.",
            "out-of-memory",
            source=path,
        )
    return EndedFrame(outcome="failed", message=message, facts=facts)


PIXELS_WHILE_RENDERING = 18_000_000
"""Two 4K frames: a third one takes half a gigabyte more of memory, and a frame is read while
another one is changed and written anyway."""
_PAIRS_UP_TO = 8192 * 4320
"""Pixels of a frame that is never alone where several may be: it is read while one is changed."""
PIXELS_WHILE_TRACKING = 100_000_000
"""Frames that are only looked at."""


def room_beside(pixels: int, most: int, pixels_in_all: int) -> int:
    """Return the number of frames of so many pixels that may be in memory beside one, of `most` in
    all.
    """
    least = 2 if pixels <= _PAIRS_UP_TO else 1
    return min(most, max(least, pixels_in_all // pixels)) - 1
