"""Linking: which faces of different frames are one face, and which gaps of its track are filled."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.motion_between_frames import Detection, unlikeness
from reggan_plugin.faces.smoothing import Points, on_the_way
from reggan_plugin.frozen import frozen

MOST_FILLED = 6
"""Frames for which a face may be lost and is then filled in: a quarter of a second. Whoever is
longer away may be hidden behind something, on which no face belongs."""


def places_in_gaps(
    stretch: Sequence[int], points: Sequence[Points], times: Sequence[int]
) -> Iterator[tuple[int, Points]]:
    """Yield the frames of a stretch without a detection, and where the face is in them.

    Args:
        stretch: places of the frames with a detection.
        points: of each of them.
        times: of all frames.
    """
    for number, (first, last) in enumerate(pairwise(stretch)):
        begin, end = times[first], times[last]
        for index in range(first + 1, last):
            share = (times[index] - begin) / (end - begin)
            yield index, on_the_way(points[number], points[number + 1], share)


CUT_CHANGE = 0.3
"""Change of the picture, 0 to 2, from which a cut is possible."""
_JUMP_CHANGE = 0.12
"""The same where another face stands in the place of the last one, as in portraits and jump cuts:
from frame to frame of a shot it is 0.003, from portrait to portrait, all alike framed, 0.15."""

Thumbnail = Float[np.ndarray, "rows columns"]


def picture_change(one: Thumbnail | None, other: Thumbnail | None) -> float:
    """1 less the correlation of two pictures: 0 if only the brightness differs, 2 for a negative.

    A picture without any contrast is unlike all others but its like. Where one of the two is not
    known, nothing has changed.
    """
    if one is None or other is None:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    sizes = float(np.sqrt((one**2).mean())), float(np.sqrt((other**2).mean()))
    if min(sizes) < 1e-3:
        return float(max(sizes) >= 1e-3)
    return 1.0 - float((one * other).mean()) / (sizes[0] * sizes[1])


_FARTHEST_SIZES, _FARTHER_EACH_FRAME = 0.6, 0.1
"""Largest distance from the expected place, in face sizes, and more for each frame missed."""
_MOST_GROWTH = 1.5
_STEADY_SIZES, _STEADY_GROWTH = 0.35, 1.25
_MOST_UNLIKE, _ANOTHER, KNOWN_AGAIN = 0.5, 0.2, 0.12
"""On rendered heads a face is unlike itself by 0.01 in the next frame, by 0.02 six frames later and
by 0.04 to 0.21 with another expression; 95 of 100 pairs of different heads are unlike by 0.2."""


@frozen(eq=False)
class FrameDetections:
    """The detections of a frame.

    Attributes:
        time: its number, or its place in the shot.
        detections: the faces.
        thumbnail: the picture, small and grey; None if it cannot be read.
        picture_px: (height, width) of it; None likewise.
    """

    time: int
    detections: tuple[Detection, ...] = ()
    thumbnail: Thumbnail | None = None
    picture_px: tuple[int, int] | None = None


@dataclass(kw_only=True, eq=False)
class FacePath:
    """One face through the shot: its detections by the place of the frame in the shot, rising."""

    detections: dict[int, Detection] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last frame so far."""
        return next(reversed(self.detections))


@frozen(eq=False)
class LinkedShot:
    """Faces and cuts: `cuts` are the places of the first frames after each."""

    cuts: tuple[int, ...]
    paths: tuple[FacePath, ...]
    """Between two cuts, those that are seen large and long come first."""


def link_faces(frames: Sequence[FrameDetections]) -> LinkedShot:
    """Follow each face from frame to frame.

    A face goes on where its last two frames lead to, at about its size and with about its looks;
    one that was lost for longer is known again by its looks alone. Where the picture changes as
    a whole and no face goes on, there is a cut, and nobody is known again. A face that is seen in
    a single frame, with frames before and after, is a mistake and left out.
    """
    cuts: list[int] = []
    finished: list[FacePath] = []
    paths: list[FacePath] = []
    shown: Thumbnail | None = None
    for index, frame in enumerate(frames):
        change = picture_change(shown, frame.thumbnail)
        going_on = _matches(paths, frames, index, change)
        had_face = any(path.last == index - 1 for path in paths)
        jumped = change > _JUMP_CHANGE and had_face and bool(frame.detections)
        if (change > CUT_CHANGE or jumped) and not going_on:
            cuts.append(index)
            finished, paths = finished + _in_order(paths), []
        for place, detection in enumerate(frame.detections):
            path = going_on.get(place) or _known_again(paths, detection, index)
            if path is None:
                path = FacePath()
                paths.append(path)
            path.detections[index] = detection
        shown = shown if frame.thumbnail is None else frame.thumbnail
    if len(frames) > 2 and 2 * len(cuts) > len(frames) - 1:
        return _each_alone(frames)
    gaps = [i for i in range(1, len(frames)) if _missed(frames, i - 1, i) > MOST_FILLED]
    starts = {0, *cuts, *gaps, len(frames)}
    kept = (
        one
        for one in finished + _in_order(paths)
        if len(one.detections) > 1 or starts & {one.last, one.last + 1}
    )
    return LinkedShot(cuts=tuple(cuts), paths=tuple(kept))


def _each_alone(frames: Sequence[FrameDetections]) -> LinkedShot:
    """Return pictures that have nothing to do with each other: a cut before each."""
    paths = (
        path
        for index, frame in enumerate(frames)
        for path in _in_order([FacePath(detections={index: one}) for one in frame.detections])
    )
    return LinkedShot(cuts=tuple(range(1, len(frames))), paths=tuple(paths))


def _missed(frames: Sequence[FrameDetections], last: int, index: int) -> int:
    """Return the number of frames between two."""
    return frames[index].time - frames[last].time - 1


def _matches(
    paths: Sequence[FacePath], frames: Sequence[FrameDetections], index: int, change: float
) -> dict[int, FacePath]:
    """Match the frame's detections to the paths that they continue, the best fits first."""
    fits = []
    for number, path in enumerate(paths):
        for place, detection in enumerate(frames[index].detections):
            cost = _cost(path, frames, index, detection, change)
            if cost is not None:
                fits.append((cost, number, place))
    going_on: dict[int, FacePath] = {}
    taken: set[int] = set()
    for _, number, place in sorted(fits):
        if number not in taken and place not in going_on:
            going_on[place] = paths[number]
            taken.add(number)
    return going_on


def _cost(
    path: FacePath,
    frames: Sequence[FrameDetections],
    index: int,
    detection: Detection,
    change: float,
) -> float | None:
    """Cost of continuing a path with a detection; None if it cannot. `change` is the picture's."""
    last = path.detections[path.last]
    missed = _missed(frames, path.last, index)
    if missed > MOST_FILLED:
        return None
    size = last.size_px
    distance = math.dist(detection.centre_px, _expected_centre(path, frames, index)) / size
    growth = max(detection.size_px / size, size / detection.size_px)
    unlike = unlikeness(last, detection)
    if change > CUT_CHANGE:
        farthest, most_growth, most_unlike = _STEADY_SIZES, _STEADY_GROWTH, KNOWN_AGAIN
    else:
        farthest = _FARTHEST_SIZES + _FARTHER_EACH_FRAME * missed
        most_growth = _MOST_GROWTH
        most_unlike = _ANOTHER if change > _JUMP_CHANGE else _MOST_UNLIKE
    if distance > farthest or growth > most_growth or unlike > most_unlike:
        return None
    return distance / farthest + math.log(growth) / math.log(most_growth) + unlike / most_unlike


def _expected_centre(
    path: FacePath, frames: Sequence[FrameDetections], index: int
) -> Float[np.ndarray, "2"]:
    """Return expected place of a face that moves on as it did lately, for a few frames at most."""
    last = path.detections[path.last]
    lately = takewhile(lambda place: place >= path.last - MOST_FILLED, reversed(path.detections))
    *_, first = lately
    if first == path.last:
        return last.centre_px
    passed = frames[path.last].time - frames[first].time
    ahead = frames[index].time - frames[path.last].time
    way = last.centre_px - path.detections[first].centre_px
    return np.asarray(last.centre_px + way * ahead / passed)


def _known_again(paths: Sequence[FacePath], detection: Detection, index: int) -> FacePath | None:
    """Return the lost face that looks the most like this one, if it is certain."""
    lost = [path for path in paths if path.last < index]
    by_looks = [(unlikeness(path.detections[path.last], detection), path) for path in lost]
    alike = min(by_looks, key=lambda pair: pair[0], default=None)
    return alike[1] if alike is not None and alike[0] <= KNOWN_AGAIN else None


def _in_order(paths: Sequence[FacePath]) -> list[FacePath]:
    """Those that are seen large and long first."""
    return sorted(paths, key=lambda path: -sum(one.size_px for one in path.detections.values()))
