"""Linked detections as tracked faces: smoothed, and gaps filled."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from reggan_plugin.faces.filled_gaps import MOST_FILLED, places_in_gaps
from reggan_plugin.faces.linking import FacePath, FrameDetections, LinkedShot
from reggan_plugin.faces.registration import face_motion
from reggan_plugin.faces.smoothing import Points, smooth_path
from reggan_plugin.faces.tracks import TrackedFace, face_from_landmarks


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
