"""Linking: which faces of different frames are one face, and which gaps of its track are filled."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.faces.detection import Detection, unlikeness
from reggan_plugin.faces.smoothing import Points, on_the_way

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

Thumbnail = Float[np.ndarray, "rows columns"]


def picture_change(one: Thumbnail, other: Thumbnail) -> float:
    """1 less the correlation of two pictures: 0 if only the brightness differs, 2 for a negative.

    A picture without any contrast is unlike all others but its like.
    """
    one, other = one - one.mean(), other - other.mean()
    sizes = float(np.sqrt((one**2).mean())), float(np.sqrt((other**2).mean()))
    if min(sizes) < 1e-3:
        return float(max(sizes) >= 1e-3)
    return 1.0 - float((one * other).mean()) / (sizes[0] * sizes[1])


def is_changed(shown: Thumbnail | None, thumbnail: Thumbnail | None) -> bool:
    """Tell whether the picture is another one as a whole; never where one of the two is not
    known.
    """
    if shown is None or thumbnail is None:
        return False
    return picture_change(shown, thumbnail) > CUT_CHANGE


_FARTHEST_SIZES, _FARTHER_EACH_FRAME = 0.6, 0.1
"""Largest distance from the expected place, in face sizes, and more for each frame missed."""
_MOST_GROWTH = 1.5
_STEADY_SIZES, _STEADY_GROWTH = 0.35, 1.25
_MOST_UNLIKE, KNOWN_AGAIN = 0.5, 0.12
"""On rendered heads a face is unlike itself by 0.01 in the next frame, by 0.02 six frames later and
by 0.04 to 0.21 with another expression; 95 of 100 pairs of different heads are unlike by 0.2."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameDetections:
    """The detections of a frame.

    Attributes:
        time: its number, or its place in the shot.
        detections: the faces.
        thumbnail: the picture, small and grey; None if it cannot be read.
    """

    time: int
    detections: tuple[Detection, ...] = ()
    thumbnail: Thumbnail | None = None


@dataclass(kw_only=True, eq=False)
class FacePath:
    """One face through the shot: its detections by the place of the frame in the shot, rising."""

    detections: dict[int, Detection] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last frame so far."""
        return next(reversed(self.detections))


@dataclass(frozen=True, kw_only=True, eq=False)
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
        changed = is_changed(shown, frame.thumbnail)
        going_on = _matches(paths, frames, index, is_steady=changed)
        if changed and not going_on:
            cuts.append(index)
            finished, paths = finished + _in_order(paths), []
        for place, detection in enumerate(frame.detections):
            path = going_on.get(place) or _known_again(paths, detection, index)
            if path is None:
                path = FacePath()
                paths.append(path)
            path.detections[index] = detection
        shown = shown if frame.thumbnail is None else frame.thumbnail
    ends = {0, len(frames) - 1, *cuts, *(cut - 1 for cut in cuts)}
    kept = (
        one for one in finished + _in_order(paths) if len(one.detections) > 1 or one.last in ends
    )
    return LinkedShot(cuts=tuple(cuts), paths=tuple(kept))


def _matches(
    paths: Sequence[FacePath], frames: Sequence[FrameDetections], index: int, *, is_steady: bool
) -> dict[int, FacePath]:
    """Match the frame's detections to the paths that they continue, the best fits first."""
    fits = []
    for number, path in enumerate(paths):
        for place, detection in enumerate(frames[index].detections):
            cost = _cost(path, frames, index, detection, is_steady)
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
    is_steady: bool,
) -> float | None:
    """Cost of continuing a path with a detection; None if it cannot."""
    last = path.detections[path.last]
    missed = frames[index].time - frames[path.last].time - 1
    if missed > MOST_FILLED:
        return None
    size = last.size_px
    distance = math.dist(detection.centre_px, _expected_centre(path, frames, index)) / size
    growth = max(detection.size_px / size, size / detection.size_px)
    unlike = unlikeness(last, detection)
    if is_steady:
        farthest, most_growth, most_unlike = _STEADY_SIZES, _STEADY_GROWTH, KNOWN_AGAIN
    else:
        farthest = _FARTHEST_SIZES + _FARTHER_EACH_FRAME * missed
        most_growth, most_unlike = _MOST_GROWTH, _MOST_UNLIKE
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
