"""Tracks a shot: every face in every frame, linked, smoothed and filled."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError
from reggan_plugin.faces.face_sizes import EXPECTED
from reggan_plugin.faces.filled_gaps import MOST_FILLED, places_in_gaps
from reggan_plugin.faces.linking import FacePath, FrameDetections, LinkedShot, link_faces
from reggan_plugin.faces.registration import face_motion
from reggan_plugin.faces.smoothing import DESCRIPTION, Points, smooth_path
from reggan_plugin.faces.tracks import TrackedFace, TrackedFrame, Tracks, face_from_landmarks
from reggan_plugin.files.reading import DEFAULT_READING, Reading
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.events import Report, ShotTracked
from reggan_plugin.jobs.stall_timeout import IoTimeout
from reggan_plugin.jobs.tracking_passes import ShotDetections
from reggan_plugin.plurals import counted


def steady_faces(
    frames: Sequence[FrameDetections], shot: LinkedShot, *, smooth: bool = True
) -> list[tuple[TrackedFace, ...]]:
    """Return the faces of every frame, numbered in the order of the shot's paths.

    A gap of at most `MOST_FILLED` frames does not interrupt a face: it is filled along a straight
    line. A frame that cannot be read is such a gap.
    """
    faces: list[list[TrackedFace]] = [[] for _ in frames]
    times = [frame.time for frame in frames]
    for number, path in enumerate(shot.paths):
        for stretch in _stretches(path, frames):
            points = _points_of(stretch, path, frames, smooth)
            for index, place in zip(stretch, points, strict=True):
                score = path.detections[index].score
                faces[index].append(face_from_landmarks(number, place, score, "found"))
            for index, place in places_in_gaps(stretch, points, times):
                faces[index].append(face_from_landmarks(number, place, 0.0, "filled"))
    return [tuple(own) for own in faces]


def _stretches(path: FacePath, frames: Sequence[FrameDetections]) -> Iterator[list[int]]:
    """Yield the places of the path's detections, divided where it is lost for too long."""
    stretch: list[int] = []
    for index in path.detections:
        if stretch and frames[index].time - frames[stretch[-1]].time - 1 > MOST_FILLED:
            yield stretch
            stretch = []
        stretch.append(index)
    yield stretch


def _points_of(
    stretch: Sequence[int], path: FacePath, frames: Sequence[FrameDetections], smooth: bool
) -> list[Points]:
    detections = [path.detections[index] for index in stretch]
    readings = [one.points for one in detections]
    if not smooth:
        return readings
    motions = [face_motion(*pair) for pair in pairwise(detections)]
    return smooth_path([frames[index].time for index in stretch], readings, motions)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackResult:
    """Tracks of the frames that were dealt with: all of them unless `interrupted`."""

    tracks: Tracks
    unreadable: dict[Path, str]
    """Frames that cannot be read, and why; their faces are filled from the neighbours."""
    interrupted: bool
    seconds: float

    def raise_for_failure(self) -> None:
        """Fail if no faces were tracked.

        Raises:
            UnreadableFrameError: no frame can be read; the message names the first.
            FaceNotFoundError: no frame shows a face.
        """
        frames = self.tracks.frames
        all_of_them = counted(len(frames), "frame")
        if self.unreadable and len(self.unreadable) == len(frames):
            first = next(iter(self.unreadable.values()))
            raise UnreadableFrameError(
                f"None of {all_of_them} can be read; the first: {first}",
                first=first,
            )
        if frames and not any(frame.faces for frame in frames.values()):
            raise FaceNotFoundError(
                f"No human-like face in any of {all_of_them}; {EXPECTED}.",
                kind="face-in-no-tracked-frame",
            )


def track_frames(
    frames: Sequence[SourceFrame],
    *,
    source: str,
    reading: Reading = DEFAULT_READING,
    smooth: bool = True,
    report: Report = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    io_timeout: IoTimeout | None = None,
) -> TrackResult:
    """Locate the faces of a shot and follow them through it; the same frames give the same tracks.

    Args:
        frames: the whole shot in order. Parts of it would be smoothed each by itself.
        source: what the tracks say that they are of.
        reading: how frames are read.
        smooth: steady the positions; else they are as they are read.
        report: takes `FrameTracked` for every frame, and `ShotTracked` at the end.
        stopped: asked before each frame; once true, the current frame is the last one.
        io_timeout: with a disk or network that stalls.
    """
    begin = time.perf_counter()
    shot = ShotDetections(frames, reading, io_timeout or IoTimeout(stopped=stopped), report)
    shot.look_forward(stopped)
    links = link_faces(shot.seen)
    if shot.look_back(links):
        links = link_faces(shot.seen)
    keys = [_key(frame) for frame in frames[: len(shot.seen)]]
    faces = steady_faces(shot.seen, links, smooth=smooth)
    tracks = Tracks(
        frames={
            key: TrackedFrame(faces=own, file=frame.path.name, note=shot.faults.get(frame.path))
            for key, frame, own in zip(keys, frames, faces, strict=False)
        },
        cuts=tuple(keys[index] for index in links.cuts),
        exposure_ev=_median_in_half_stops(shot.exposures),
        source=source,
        smoothing=DESCRIPTION if smooth else None,
    )
    result = TrackResult(
        tracks=tracks,
        unreadable=shot.faults,
        interrupted=len(keys) < len(frames),
        seconds=round(time.perf_counter() - begin, 3),
    )
    report(_event_of(result, len(links.paths)))
    return result


def _event_of(result: TrackResult, faces: int) -> ShotTracked:
    tracked = result.tracks.frames.values()
    return ShotTracked(
        frames=len(tracked),
        faces=faces,
        cuts=result.tracks.cuts,
        without_face=sum(not frame.faces for frame in tracked),
        unreadable=len(result.unreadable),
        interrupted=result.interrupted,
        seconds=result.seconds,
    )


def _key(frame: SourceFrame) -> str:
    """Name of a frame in the tracks."""
    return frame.path.name if frame.number is None else str(frame.number)


def _median_in_half_stops(stops: Sequence[float]) -> float | None:
    """One exposure for the shot, which a few frames that are lit otherwise do not change."""
    return round(2 * float(np.median(stops))) / 2 if stops else None
