"""The three steps of a frame: read it, change its faces, write it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import (
    DeviceUnavailableError,
    FaceNotFoundError,
    ModelError,
    RegganError,
)
from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import Encoding, Frame, copy_frame, read_frame, write_frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.plan import FrameTask
from reggan_plugin.jobs.results import (
    EXISTS,
    INTENSITY_0,
    NO_FACE,
    TURNED_AWAY,
    FrameResult,
    Outcome,
)

MissingFace = Literal["copy", "skip", "fail"]
Step = TypeVar("Step")


class Transfer(Protocol):
    """What a job needs of `ExpressionTransfer`."""

    def find_faces(
        self, frame: Frame, choice: FaceChoice, names: tuple[str, ...]
    ) -> tuple[FaceCrop, ...]:
        """Crops of the chosen faces; none if there is no face."""
        ...

    def intensity_share(self, crop: FaceCrop) -> float:
        """What the turn of a head leaves of the intensity, 0 to 1."""
        ...

    def auto_exposure(self, frame: Frame, crops: Sequence[FaceCrop]) -> float:
        """Stops for a scene-linear frame."""
        ...

    def render(
        self, frame: Frame, mix: ExpressionMix, crops: Sequence[FaceCrop], exposure_ev: float
    ) -> Float[np.ndarray, "height width 3"]:
        """The frame's pixels with another expression."""
        ...


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """What to do with every frame of a job."""

    mix: ExpressionMix
    choice: FaceChoice = field(default_factory=FaceChoice)
    on_missing_face: MissingFace = "copy"
    exposure_ev: float | None = None
    """Stops for scene-linear frames; None measures the shot's first face."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedFrame:
    """A frame that waits to be written."""

    frame: Frame
    pixels: Float[np.ndarray, "height width 3"]
    intensity_share: float = 1.0
    """The least of its faces."""


@dataclass(frozen=True, kw_only=True)
class UnchangedFrame:
    """A frame that waits to be copied byte for byte."""

    reason: str
    intensity_share: float = 1.0


class FrameSteps:
    """Each step returns what the next one takes, or the result if the frame ends there.

    Faults that a frame can have become its result; other exceptions are bugs and go through.
    """

    def __init__(
        self, settings: RenderSettings, transfer: Transfer | None, shot: Sequence[SourceFrame]
    ) -> None:
        """Prepare the steps.

        Args:
            settings: what to do.
            transfer: may be None where the settings change nothing.
            shot: all frames of the sequence; the first with a face sets the exposure.
        """
        self._settings, self._transfer, self._shot = settings, transfer, shot
        self.exposure_ev = settings.exposure_ev
        """Of the shot; None until a scene-linear frame needed it."""

    def read(self, task: FrameTask) -> Frame | UnchangedFrame | FrameResult:
        """Decode a frame, if there is anything to be done to it."""
        if task.is_done:
            return _result(task, "skipped", EXISTS)
        if self._settings.mix.changes_nothing:
            return UnchangedFrame(reason=INTENSITY_0)
        return _unless_it_fails(task, lambda: read_frame(task.source.path))

    def change(
        self, task: FrameTask, content: Frame | UnchangedFrame | FrameResult
    ) -> ChangedFrame | UnchangedFrame | FrameResult:
        """Change the faces of a decoded frame."""
        if not isinstance(content, Frame):
            return content
        return _unless_it_fails(task, lambda: self._change(task, content))

    def write(
        self, task: FrameTask, content: ChangedFrame | UnchangedFrame | FrameResult
    ) -> FrameResult:
        """Encode a changed frame, or copy an unchanged one."""
        if isinstance(content, FrameResult):
            return content
        return _unless_it_fails(task, lambda: _write(task, content))

    def _change(self, task: FrameTask, frame: Frame) -> ChangedFrame | UnchangedFrame | FrameResult:
        assert self._transfer is not None
        crops = self._find_faces(task.source, frame)
        if not crops:
            return self._without_face(task)
        shares = [self._transfer.intensity_share(crop) for crop in crops]
        if not any(shares):
            return UnchangedFrame(reason=TURNED_AWAY, intensity_share=0.0)
        exposure_ev = 0.0
        if frame.encoding is Encoding.SCENE_LINEAR:
            if self.exposure_ev is None:
                self.exposure_ev = self._measure_exposure(task.source, frame, crops)
            exposure_ev = self.exposure_ev
        pixels = self._transfer.render(frame, self._settings.mix, crops, exposure_ev)
        return ChangedFrame(frame=frame, pixels=pixels, intensity_share=min(shares))

    def _find_faces(self, source: SourceFrame, frame: Frame) -> tuple[FaceCrop, ...]:
        assert self._transfer is not None
        names = (source.path.name, *([] if source.number is None else [str(source.number)]))
        return self._transfer.find_faces(frame, self._settings.choice, names)

    def _without_face(self, task: FrameTask) -> UnchangedFrame | FrameResult:
        match self._settings.on_missing_face:
            case "copy":
                return UnchangedFrame(reason=NO_FACE)
            case "skip":
                return _result(task, "skipped", NO_FACE)
            case "fail":
                raise FaceNotFoundError(
                    f"{task.source.path} shows no face; expected one of at least 48 pixels. Say "
                    "where it is with --face-box or --landmarks, or pass --on-missing-face copy."
                )

    def _measure_exposure(
        self, source: SourceFrame, frame: Frame, crops: Sequence[FaceCrop]
    ) -> float:
        """The exposure of the shot's first face, so that every part of the shot gets the same."""
        assert self._transfer is not None
        for earlier in self._shot:
            if earlier.path == source.path:
                break
            exposure_ev = self._exposure_of(earlier)
            if exposure_ev is not None:
                return exposure_ev
        return self._transfer.auto_exposure(frame, crops)

    def _exposure_of(self, source: SourceFrame) -> float | None:
        """The exposure of a frame's face; None if it has none, is not linear or is at fault."""
        assert self._transfer is not None
        try:
            frame = read_frame(source.path)
            if frame.encoding is not Encoding.SCENE_LINEAR:
                return None
            crops = self._find_faces(source, frame)
        except (ModelError, DeviceUnavailableError):
            raise
        except (RegganError, OSError, MemoryError):  # said of the frame when its own turn comes
            return None
        return self._transfer.auto_exposure(frame, crops) if crops else None


def _write(task: FrameTask, content: ChangedFrame | UnchangedFrame) -> FrameResult:
    if isinstance(content, UnchangedFrame):
        copy_frame(task.source.path, task.output)
        return _result(task, "copied", content.reason, share=content.intensity_share)
    write_frame(content.frame, content.pixels, task.output)
    share = content.intensity_share
    faded = None if share == 1.0 else f"{TURNED_AWAY}: {share:.0%} of the intensity"
    return _result(task, "written", faded, notices=content.frame.notices, share=share)


def _unless_it_fails(task: FrameTask, step: Callable[[], Step]) -> Step | FrameResult:
    """What `step` returns, or the failure of the frame."""
    try:
        return step()
    except (ModelError, DeviceUnavailableError):
        raise  # which every other frame would meet, too
    except RegganError as error:
        return _result(task, "failed", str(error))
    except OSError as error:
        return _result(task, "failed", f"{task.source.path}: {error}.")
    except MemoryError:
        return _result(
            task,
            "failed",
            f"{task.source.path} does not fit into the memory that is free. Close other programs, "
            "or give --face-box so that no face has to be searched for.",
        )


def _result(
    task: FrameTask,
    outcome: Outcome,
    message: str | None = None,
    notices: tuple[str, ...] = (),
    share: float = 1.0,
) -> FrameResult:
    return FrameResult(
        source=task.source.path,
        output=task.output,
        outcome=outcome,
        message=message,
        notices=notices,
        intensity_share=share,
    )
