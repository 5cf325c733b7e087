"""A face before the camera, or in a clip on the page: read picture by picture, recorded as a take.

Pictures are looked at and forgotten; what stays while a recording runs are readings.
"""

import io
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.curves.csv_take import csv_of_take
from reggan_plugin.curves.retargeting import fitted_weights
from reggan_plugin.errors import SourceError, UnreadableFrameError, UsageError
from reggan_plugin.files.frame import DEFAULT_READING
from reggan_plugin.limits import MOST_CAMERA_PIXELS
from reggan_plugin.perform.face_reading import FaceReader, FaceReading, shown_bytes
from reggan_plugin.perform.lid_and_lip_contact import lids_shut, lips_meet, with_contacts
from reggan_plugin.perform.read_clip import ActorTracker, Recording, raise_without_face
from reggan_plugin.perform.read_expression import expression_of
from reggan_plugin.perform.steady_curves import OneEuroFilter
from reggan_plugin.perform.take_from_clip import performance_from_recording
from reggan_plugin.ui.open_take import CharacterFit
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, SHUT_MOUTH

MOST_RECORDED = 60 * 60 * 5
"""Readings of one recording: five minutes of 60 a second."""
_LEAST = 0.01
"""Weights below it are 0."""


class LivePerformance:
    """Reads pictures that the page sends, one after another."""

    def __init__(self, open_reader: Callable[[], FaceReader], fit: CharacterFit) -> None:
        """Take what opens a reader, which is done with the first picture, and the fit of what is
        shown; what is recorded stays the actor's own.
        """
        self._open, self._fit, self._lock = open_reader, fit, threading.Lock()
        self._reader: FaceReader | None = None
        self._tracker = ActorTracker()
        self._rest: FaceReading | None = None
        self._filter = OneEuroFilter()
        self._recorded: list[tuple[float, FaceReading | None, int]] = []

    def close(self) -> None:
        """End the reader."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def read(self, content: bytes, time_s: float, *, records: bool) -> dict[str, Any]:
        """Return what the face in a picture shows beyond its rest.

        Args:
            content: of a picture's file.
            time_s: when it was taken.
            records: whether it belongs to the recording.

        Raises:
            RegganError: there is no reader, or this is no picture.
        """
        if not math.isfinite(time_s):
            raise UsageError(f"{time_s} is no time of a picture. Load the page again.")
        _refuse_large(content)
        with self._lock:
            if self._reader is None:
                self._reader = self._open()
            picture = shown_bytes(DEFAULT_READING.decode(content, Path("camera.jpg")))
            faces = self._reader.read(picture)
            face = self._tracker.among(faces)
            if records and len(self._recorded) < MOST_RECORDED:
                self._recorded.append((time_s, face, max(0, len(faces) - 1)))
            weights = {} if face is None else self._shown(self._reader, face, time_s)
            return {
                "weights": weights,
                "faces": len(faces),
                "is_seen": face is not None,
                "has_rest": self._rest is not None,
                "recorded": len(self._recorded),
            }

    def like(self, content: bytes, name: str) -> dict[str, Any]:
        """Return the expression that a picture shows, as `--like` asks for it, and what to say.

        Raises:
            RegganError: there is no reader, this is no picture, or it shows no face.
        """
        _refuse_large(content)
        frame = DEFAULT_READING.decode(content, Path("like.jpg"))
        with self._lock:
            if self._reader is None:
                self._reader = self._open()
            weights, said = expression_of(frame, self._reader, name=name)
        return {"weights": {**weights, SHUT_MOUTH: 1.0}, "notes": [str(note) for note in said]}

    def take_rest(self) -> None:
        """Let the face that was read last be the one at rest.

        Raises:
            UsageError: none was read.
        """
        if self._tracker.last is None:
            raise UsageError("No face was seen yet. Look into the camera first.")
        self._rest, self._filter = self._tracker.last, OneEuroFilter()

    def begin(self) -> None:
        """Forget the recording before."""
        with self._lock:
            self._recorded = []

    def csv(self, start_s: float, end_s: float) -> str:
        """Return the recording as a take, made as `perform` makes one of a clip.

        Args:
            start_s: since its first picture; what is before is left out.
            end_s: likewise.

        Raises:
            UsageError: nothing was recorded in between.
            FaceNotFoundError: it shows no face.
        """
        with self._lock:
            reader = self._reader
            first = self._recorded[0][0] if self._recorded else 0.0
            rows = [one for one in self._recorded if start_s <= one[0] - first <= end_s]
        if not rows or reader is None:
            raise UsageError("Nothing was recorded there. Record first, or move the ends.")
        by_time = {time: (face, others) for time, face, others in rows}
        times = sorted(by_time)
        recording = Recording(
            name="The recording",
            numbers=tuple(range(1, len(times) + 1)),
            times_s=np.array(times) - times[0],
            has_times=True,
            readings=[by_time[time][0] for time in times],
            others=[by_time[time][1] for time in times],
        )
        raise_without_face(recording)
        made = performance_from_recording(
            recording, reader=reader, rest=() if self._rest is None else (self._rest,)
        )
        return csv_of_take(made.take)

    def _shown(self, reader: FaceReader, face: FaceReading, time_s: float) -> dict[str, float]:
        """Return weights as the sliders take them, steadied, lids and lips exact."""
        rest = self._rest
        weights = face.weights if rest is None else reader.beyond_rest([face], [rest])[0]
        steadied = self._filter.steady(weights, time_s)[None]
        lids = np.zeros((1, 2), bool)
        if rest is not None:
            lids = lids_shut(face.lids_gap[None], rest.lids_gap)
        lips = lips_meet(np.array([face.lips_gap]), 0.0 if rest is None else rest.lips_gap)
        exact = with_contacts(steadied, lids, lips)
        row = fitted_weights(exact, ARKIT_SHAPES, self._fit.fitted)[0].round(3).tolist()
        shown = zip(ARKIT_SHAPES, row, strict=True)
        return {**{name: one for name, one in shown if one >= _LEAST}, SHUT_MOUTH: 1.0}


def _refuse_large(content: bytes) -> None:
    """Refuse more pixels than the page sends, before they are decoded.

    Raises:
        UnreadableFrameError: it is no JPEG.
        SourceError: it is larger.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            pixels: float = image.width * image.height
    except Image.DecompressionBombError:
        pixels = math.inf
    except OSError:
        raise UnreadableFrameError("camera.jpg is no JPEG. Load the page again.") from None
    if pixels > MOST_CAMERA_PIXELS:
        raise SourceError(
            f"A picture of the camera has at most {MOST_CAMERA_PIXELS:,} pixels.", kind="too-large"
        )
