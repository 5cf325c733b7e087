"""What a frame is between the steps of a job: read, changed, or at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from reggan_plugin.expressions import ExpressionMix
from reggan_plugin.face_edit import AnsweredFrame, CutFrame
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.files.exr.compression import GenerationLoss
from reggan_plugin.files.frame import Frame
from reggan_plugin.jobs.results import Outcome
from reggan_plugin.jobs.side_car import RecordedFace

_SAMPLES = 24
"""Points to a side by which the part of a crop in the picture is counted."""


@dataclass(frozen=True, kw_only=True)
class FrameFacts:
    """What is known of a frame so far, for its record; the fields as in `jobs/side_car.py`."""

    mix: ExpressionMix
    settings_sha256: str
    input_sha256: str | None = None
    exposure_ev: float | None = None
    batch: int | None = None
    faces: tuple[RecordedFace, ...] = ()
    warnings: tuple[str, ...] = ()
    generation_loss: GenerationLoss | None = None
    stats: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def intensity_share(self) -> float:
        """What the turn of the heads leaves of the intensity: the least of all faces."""
        return min((face.share for face in self.faces), default=1.0)

    def after(self, seconds: float) -> "FrameFacts":
        """The same with more time spent."""
        return replace(self, seconds=self.seconds + seconds)


@dataclass(frozen=True, kw_only=True, eq=False)
class WaitingFrame:
    """A frame that waits for the model."""

    frame: Frame
    cut: CutFrame
    facts: FrameFacts


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedFrame:
    """A frame that waits to be composed and written."""

    frame: Frame
    answered: AnsweredFrame
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


ReadFrame = WaitingFrame | UnchangedFrame | EndedFrame
ReadyFrame = ChangedFrame | UnchangedFrame | EndedFrame


def recorded_face(shape: tuple[int, int], crop: FaceCrop, share: float) -> RecordedFace:
    """What a record says of a face.

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
