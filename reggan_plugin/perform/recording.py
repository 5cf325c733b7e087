"""One face followed through a clip, and what a reader says of it in each frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError, UsageError, counted
from reggan_plugin.files.frame import DEFAULT_READING, Reading, read_content
from reggan_plugin.jobs.interruption import IoTimeout
from reggan_plugin.jobs.results import unreadable_frames
from reggan_plugin.jobs.sources import Source
from reggan_plugin.perform.face_reading import Box, FaceReader, FaceReading, shown_bytes

USUAL_FPS = 24.0
"""Of a folder of pictures, which does not say it."""
_FARTHEST = 0.75
"""Widths of a face that it may move from one frame to the next."""


@dataclass(frozen=True, kw_only=True, eq=False)
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
    """Read a face in every frame of a clip, a folder or a picture.

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
        FaceNotFoundError: no frame shows a face.
        UnreadableFrameError: no frame can be read.
        UsageError: there is no face of that number.
    """
    frames, timeout = source.shot.frames, io_timeout or IoTimeout(stopped=stopped)
    readings: list[FaceReading | None] = []
    others: list[int] = []
    unreadable: dict[Path, str] = {}
    last: Box | None = None
    missed = 0
    for place, one in enumerate(frames):
        if stopped():
            break
        fault, faces = None, []
        try:
            content = timeout.call(str(one.path), partial(read_content, one.path))
            faces = reader.read(shown_bytes(reading.decode(content, one.path)))
        except UnreadableFrameError as error:
            fault = unreadable[one.path] = str(error)
        chosen = followed(faces, last, face, missed)
        last, missed = (last, missed + 1) if chosen is None else (chosen.box, 0)
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


def followed(
    faces: Sequence[FaceReading], last: Box | None, face: int = 0, missed: int = 0
) -> FaceReading | None:
    """Return the face that is followed; the one of that number where none was seen before.

    Args:
        faces: of a frame.
        last: where the face was seen last.
        face: its number by size, from 0.
        missed: frames since then in which it was not seen; so much further it may have gone.

    Raises:
        UsageError: there are not as many faces.
    """
    if not faces:
        return None
    if last is None:
        by_size = sorted(faces, key=lambda one: -_area(one.box))
        if face >= len(by_size):
            raise UsageError(
                f"There is no face {face}: the first frame with faces shows "
                f"{counted(len(by_size), 'face')}, numbered from 0, the largest first."
            )
        return by_size[face]
    nearest = min(faces, key=lambda one: _way(one.box, last))
    reach = _FARTHEST * (last[2] - last[0]) * (1 + missed)
    return nearest if _way(nearest.box, last) < reach else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _way(one: Box, other: Box) -> float:
    """Distance of two boxes' middles."""
    across, down = (one[k] + one[k + 2] - other[k] - other[k + 2] for k in (0, 1))
    return float(np.hypot(across, down)) / 2


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
