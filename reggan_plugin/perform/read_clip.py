"""One face followed through a clip, and what a reader says of it in each frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError, UsageError, counted
from reggan_plugin.files.frame import DEFAULT_READING, Reading, read_content
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.input_files import Source
from reggan_plugin.jobs.results_and_events import unreadable_frames
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.perform.face_reading import FaceReader, FaceReading, largest_first, shown_bytes

USUAL_FPS = 24.0
"""Of a folder of pictures, which does not say it."""
_FARTHEST = 0.75
"""Widths of a face that it may move from one frame to the next."""


@frozen(eq=False)
class Recording:
    """What was read of one face, frame by frame.

    Attributes:
        name: of the clip.
        numbers: of the frames; a video's are counted from 1.
        times_s: of the frames.
        has_times: whether the clip says its times; else `USUAL_FPS` is taken.
        readings: None where the face was not seen.
        others: for each frame, how many other faces it shows.
        unreadable: frames that cannot be read, and why.
        notices: what the user should know of the file.
    """

    name: str
    numbers: tuple[int, ...]
    times_s: Float[np.ndarray, " rows"]
    has_times: bool
    readings: list[FaceReading | None]
    others: list[int]
    unreadable: dict[Path, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def record(
    source: Source,
    reader: FaceReader,
    *,
    face: int = 0,
    reading: Reading = DEFAULT_READING,
    io_timeout: IoTimeout | None = None,
    done: Callable[[int, Path, int, str | None], None] = lambda *_: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Recording:
    """Read a face in every frame of a clip, a folder or a picture; it may be in none of them.

    Args:
        source: the frames.
        reader: reads each.
        face: which one where there are several: 0 is the largest of the first frame that shows
            any. It is followed from there.
        reading: how frames are read.
        io_timeout: with a disk that stalls.
        done: told the number of frames done, the file, its faces, and why it cannot be read.
        stopped: asked before each frame; once true, nothing more is read.

    Raises:
        UnreadableFrameError: no frame can be read.
        UsageError: there is no face of that number.
    """
    frames, timeout = source.shot.frames, io_timeout or IoTimeout(stopped=stopped)
    readings: list[FaceReading | None] = []
    others: list[int] = []
    unreadable: dict[Path, str] = {}
    tracker = ActorTracker(number=face)
    for place, one in enumerate(frames):
        if stopped():
            break
        fault, faces = None, []
        try:
            content = timeout.call(str(one.path), partial(read_content, one.path))
            faces = reader.read(shown_bytes(reading.decode(content, one.path)))
        except UnreadableFrameError as error:
            fault = unreadable[one.path] = str(error)
        chosen = tracker.among(faces)
        readings.append(chosen)
        others.append(len(faces) - (chosen is not None))
        done(place + 1, one.path, len(faces), fault)
    if unreadable and len(unreadable) == len(readings):
        raise unreadable_frames(unreadable, len(readings))
    numbers = tuple(
        place if one.number is None else one.number for place, one in enumerate(frames, start=1)
    )
    if source.video is None:
        times = np.asarray(numbers, float) / USUAL_FPS
    else:
        times = source.video.times_s - source.video.times_s[0]
    seen = len(readings)
    return Recording(
        name=source.text,
        numbers=numbers[:seen],
        times_s=times[:seen],
        has_times=source.video is not None,
        readings=readings,
        others=others,
        unreadable=unreadable,
        notices=() if source.video is None else (*source.video.notices, *_turned(source)),
    )


def _turned(source: Source) -> tuple[str, ...]:
    """Say that a clip is stored on its side or mirrored."""
    if source.video is None or not source.video.is_turned:
        return ()
    name = source.video.path.name
    return (f"{name} is stored turned or mirrored and is read as players show it",)


@dataclass(kw_only=True)
class ActorTracker:
    """Tracks one face from picture to picture.

    Attributes:
        number: by size, from 0, of the faces of the first picture that shows any.
        last: as it was seen last.
        missed: pictures since then in which it was not; so much further it may have gone.
    """

    number: int = 0
    last: FaceReading | None = None
    missed: int = 0

    def among(self, faces: Sequence[FaceReading]) -> FaceReading | None:
        """Return the face among those of the next picture.

        Raises:
            UsageError: there are not as many faces.
        """
        found = self._nearest(faces, self.last) if faces and self.last else None
        if faces and self.last is None:
            if self.number >= len(faces):
                raise UsageError(
                    f"There is no face {self.number}: the first frame with faces shows "
                    f"{counted(len(faces), 'face')}, numbered from 0, the largest first."
                )
            found = largest_first(faces)[self.number]
        self.last, self.missed = found or self.last, 0 if found else self.missed + 1
        return found

    def _nearest(self, faces: Sequence[FaceReading], last: FaceReading) -> FaceReading | None:
        ways = [float(np.linalg.norm(one.middle - last.middle)) for one in faces]
        way, place = min(zip(ways, range(len(faces)), strict=True))
        return faces[place] if way < _FARTHEST * last.size[0] * (1 + self.missed) else None


def raise_without_face(recording: Recording) -> None:
    """Fail if no frame shows the face.

    Raises:
        FaceNotFoundError: none does.
    """
    if not any(recording.readings):
        raise FaceNotFoundError(
            f"{recording.name} shows no face in {counted(len(recording.readings), 'frame')}; "
            "expected one that looks towards the camera and is at least a tenth of the picture "
            "high. Cut the picture closer around the head, or make it brighter.",
            kind="face-in-no-performance",
            source=recording.name,
        )
