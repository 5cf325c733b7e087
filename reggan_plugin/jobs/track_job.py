"""Tracks a shot: every face in every frame, linked, smoothed and filled."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FaceNotFoundError, UnreadableFrameError
from reggan_plugin.faces.detection import Detection
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.face_sizes import EXPECTED
from reggan_plugin.faces.linking import (
    MOST_FILLED,
    FacePath,
    FrameDetections,
    LinkedShot,
    link_faces,
    places_in_gaps,
)
from reggan_plugin.faces.registration import face_motion
from reggan_plugin.faces.smoothing import DESCRIPTION, Points, smooth_path
from reggan_plugin.faces.tracks import TrackedFace, TrackedFrame, Tracks, face_from_landmarks
from reggan_plugin.files.frame import Frame, read_content
from reggan_plugin.files.reading import DEFAULT_READING, Reading
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.events import Report, ShotTracked
from reggan_plugin.jobs.stall_timeout import IoTimeout
from reggan_plugin.jobs.tracking_passes import ShotDetections
from reggan_plugin.plurals import counted
from reggan_plugin.transfer.expression_transfer import Landmarker


def steady_faces(
    frames: Sequence[FrameDetections], shot: LinkedShot, *, smooth: bool = True
) -> list[tuple[TrackedFace, ...]]:
    """Return the faces of every frame, numbered in the order of the shot's paths.

    A gap of at most `MOST_FILLED` frames does not interrupt a face: it is filled along a straight
    line. A frame that cannot be read is such a gap. Dense landmarks go the same way, where the
    detections have them and faces are smoothed.
    """
    faces: list[list[TrackedFace]] = [[] for _ in frames]
    times = [frame.time for frame in frames]
    for number, path in enumerate(shot.paths):
        dense = _dense_of(path, frames) if smooth else {}
        for stretch in _stretches(path, frames):
            points = _points_of(stretch, path, frames, smooth)
            for index, place in zip(stretch, points, strict=True):
                score = path.detections[index].score
                own = face_from_landmarks(number, place, score, "found")
                faces[index].append(_with_dense(own, dense.get(index)))
            for index, place in places_in_gaps(stretch, points, times):
                own = face_from_landmarks(number, place, 0.0, "filled")
                faces[index].append(_with_dense(own, dense.get(index)))
    return [tuple(own) for own in faces]


def _dense_of(path: FacePath, frames: Sequence[FrameDetections]) -> dict[int, FaceInShot]:
    """Return the dense landmarks of one character, gaps filled, by the place of the frame."""
    detections = path.detections
    if all(one.in_shot is None for one in detections.values()):
        return {}
    from reggan_plugin.rig.in_shot import between, steady_in_shot, usual_mouth

    dense: dict[int, FaceInShot] = {}
    for stretch in _stretches(path, frames):
        seen = ((index, detections[index].in_shot) for index in stretch)
        read = [(index, face) for index, face in seen if face is not None]
        times = [frames[index].time for index, _ in read]
        steady = steady_in_shot(times, [face for _, face in read])
        dense.update((index, face) for (index, _), face in zip(read, steady, strict=True))
        for (first, _), (last, _) in pairwise(read):
            begin, end = frames[first].time, frames[last].time
            for index in range(first + 1, last):
                share = (frames[index].time - begin) / (end - begin)
                dense[index] = between(dense[first], dense[last], share)
    mouth = usual_mouth([one.in_shot for one in detections.values() if one.in_shot])
    return {index: replace(face, mouth=mouth) for index, face in dense.items()}


def _with_dense(face: TrackedFace, dense: FaceInShot | None) -> TrackedFace:
    """Return a face with its dense landmarks, where they are of the same face."""
    if dense is None or face.landmarks is None:
        return face
    from reggan_plugin.rig.in_shot import is_of_landmarks

    return replace(face, in_shot=dense) if is_of_landmarks(dense, face.landmarks) else face


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
    motions = [_motion_between(*pair) for pair in pairwise(detections)]
    return smooth_path([frames[index].time for index in stretch], readings, motions)


def _motion_between(one: Detection, other: Detection) -> Float[np.ndarray, "3 3"]:
    """Return how a face moves, by its dense landmarks or, without them, by its pixels."""
    if one.in_shot is None or other.in_shot is None:
        return face_motion(one, other)
    from reggan_plugin.rig.in_shot import motion_between

    return motion_between(one.in_shot, other.in_shot)


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
    landmarker: Landmarker | None = None,
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
        landmarker: finds dense landmarks, too; they are kept where positions are smoothed.
    """
    waiting = io_timeout or IoTimeout(stopped=stopped)

    def read(source: SourceFrame) -> Frame:
        content = waiting.call(str(source.path), lambda: read_content(source.path))
        return reading.decode(content, source.path)

    return _tracked(
        frames,
        read,
        source=source,
        smooth=smooth,
        report=report,
        stopped=stopped,
        landmarker=landmarker,
    )


def track_pictures(
    pictures: Sequence[Frame],
    *,
    report: Report = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    landmarker: Landmarker | None = None,
) -> TrackResult:
    """Do what `track_frames` does for a shot in memory, whose frames are numbered from 0 on."""
    frames = [SourceFrame(path=Path(str(i)), number=i) for i in range(len(pictures))]
    return _tracked(
        frames,
        lambda source: pictures[source.number or 0],
        source="",
        smooth=True,
        report=report,
        stopped=stopped,
        landmarker=landmarker,
    )


def _tracked(
    frames: Sequence[SourceFrame],
    read: Callable[[SourceFrame], Frame],
    *,
    source: str,
    smooth: bool,
    report: Report,
    stopped: Callable[[], bool],
    landmarker: Landmarker | None,
) -> TrackResult:
    begin = time.perf_counter()
    shot = ShotDetections(frames, read, report, landmarker if smooth else None)
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
