"""Tracks a shot: every face in every frame, linked, smoothed and filled."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.errors import FRAME_FAULTS, FaceNotFoundError, RegganError, counted
from reggan_plugin.faces.face_in_shot import FaceInShot
from reggan_plugin.faces.faces_across_frames import (
    CUT_CHANGE,
    MOST_FILLED,
    FacePath,
    FrameDetections,
    LinkedShot,
    Thumbnail,
    link_faces,
    picture_change,
    places_in_gaps,
)
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.faces.locator import LEAST_FOLLOWED_SCORE, FaceLocator
from reggan_plugin.faces.motion_between_frames import (
    Detection,
    face_motion,
    patch_around,
    patch_crop,
)
from reggan_plugin.faces.smoothing import DESCRIPTION, Points, smooth_path
from reggan_plugin.faces.tracks import TrackedFace, TrackedFrame, Tracks, face_from_landmarks
from reggan_plugin.files.frame import DEFAULT_READING, Encoding, Frame, Reading, read_content
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_plugin.imaging.crop import crop_around_face, face_centre_px, face_size_px, region_of
from reggan_plugin.jobs.frame_steps import JOB_FAULTS, PIXELS_WHILE_TRACKING, room_beside
from reggan_plugin.jobs.frames_in_flight import most_in_flight, run_overlapped
from reggan_plugin.jobs.results_and_events import (
    FrameTracked,
    Report,
    ShotTracked,
    unreadable_frames,
)
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout
from reggan_plugin.limits import MOST_DENSE_FACES, MOST_DENSE_IN_FRAME
from reggan_plugin.transfer.display_picture import display_picture, exposure_of, gray_picture
from reggan_plugin.transfer.expression_transfer import Landmarker

SEARCH_EVERY = 12
"""Frames from one search of the whole picture to the next: half a second."""
_SEARCH_WITHOUT_FACE = 3
"""As long as no face is known: a shot may fade in, or its first frame be damaged."""
_AROUND = 1.6
"""Side of what is looked at near a face, in sides of its patch."""
_LONGEST_NEAR_PX = 512
_ONE_PLACE_SIZES = 0.5
_THUMBNAIL = (32, 18)
_THUMBNAIL_SOURCE_PX = 128


@frozen(eq=False)
class Observation:
    """The faces of one frame; points are in pixels of the picture as displayed."""

    detections: tuple[Detection, ...]
    thumbnail: Thumbnail
    searched: bool
    """True if the whole picture was searched, so that no face can have been missed."""
    exposure_ev: float | None
    """Of the largest face, in stops; None without one, or if the frame is not scene-linear."""


@frozen(eq=False)
class _Known:
    """The last position of a face, and its age in frames."""

    points: Points
    missed: int = 0


class FaceTracker:
    """Looks at the frames of a shot in order."""

    def __init__(self, *, is_exact: bool = True) -> None:
        """Open the locator; `is_exact` unless dense landmarks tell how faces move."""
        self._locator, self._is_exact = FaceLocator(), is_exact
        self._known: list[_Known] = []
        self._shown: Thumbnail | None = None
        self._since_search = self._found_nothing = 0

    def observe(self, frame: Frame) -> Observation:
        """Find the faces of the next frame."""
        thumbnail = thumbnail_of(frame)
        is_other = picture_change(self._shown, thumbnail) > CUT_CHANGE
        places = [] if is_other else [known.points for known in self._known]
        near = self.look_near(frame, places)
        expected = sum(known.missed == 0 for known in self._known)
        every = SEARCH_EVERY if self._known else min(self._found_nothing, _SEARCH_WITHOUT_FACE)
        is_due = self._shown is None or self._since_search + 1 >= every
        searched = is_due or is_other or len(near) < expected
        detections = self._search(frame, near) if searched else near
        self._shown = thumbnail
        self._since_search = 0 if searched else self._since_search + 1
        self._found_nothing = 0 if detections else self._found_nothing + searched
        self._remember(detections)
        return Observation(
            detections=detections,
            thumbnail=thumbnail,
            searched=searched,
            exposure_ev=_exposure(frame, detections),
        )

    def look_near(
        self, frame: Frame, places: Iterable[Points], beside: Sequence[Detection] = ()
    ) -> tuple[Detection, ...]:
        """Return the faces that are about where other frames show them, each once.

        `beside` are those that are known already; they are not among the result.
        """
        seen = (self._read(frame, points) for points in places)
        return _each_once((one for one in seen if one is not None), beside)

    def _search(self, frame: Frame, near: Sequence[Detection]) -> tuple[Detection, ...]:
        image, factor = gray_picture(frame)
        origin = _origin(frame)
        found = (face.points * factor + origin for face in self._locator.locate(image))
        others = [
            points for points in found if not any(_is_one_place(points, one.points) for one in near)
        ]
        return (*near, *self.look_near(frame, others, beside=near))

    def _read(self, frame: Frame, points: Points) -> Detection | None:
        """Return the face near `points`, read from the part of the frame around it."""
        origin = _origin(frame)
        crop = patch_crop(points - origin)
        around = crop.resized(round(_AROUND * crop.side_px))
        region = region_of(around, *frame.pixels.shape[:2])
        corner = np.array([region[1].start, region[0].start])
        if frame.pixels[region].size == 0:
            return None
        image, factor = display_picture(frame, region, _LONGEST_NEAR_PX)
        place = (points - origin - corner) / factor
        face = self._locator.read_near(image, place, is_exact=self._is_exact)
        if face is None or face.score < LEAST_FOLLOWED_SCORE:
            return None
        return Detection(
            points=face.points * factor + corner + origin,
            score=face.score,
            patch=patch_around(image, face.points),
        )

    def _remember(self, detections: Sequence[Detection]) -> None:
        """Keep where faces are, and for a few frames where lost ones were."""
        lost = [
            _Known(points=known.points, missed=known.missed + 1)
            for known in self._known
            if known.missed < MOST_FILLED
            and not any(_is_one_place(known.points, one.points) for one in detections)
        ]
        self._known = [*(_Known(points=one.points) for one in detections), *lost]


def thumbnail_of(frame: Frame) -> Thumbnail:
    """Return the whole picture in a few cells, grey."""
    step = max(1, max(frame.pixels.shape[:2]) // _THUMBNAIL_SOURCE_PX)
    image, _ = display_picture(frame, (slice(None, None, step), slice(None, None, step)))
    gray = Image.fromarray(image @ np.array(LUMA_WEIGHTS, dtype=np.float32))
    return np.asarray(gray.resize(_THUMBNAIL, Image.Resampling.BOX), dtype=np.float32)


def _each_once(seen: Iterable[Detection], beside: Sequence[Detection]) -> tuple[Detection, ...]:
    """Of those in one place, the most certain one; none where one of `beside` is."""
    kept: list[Detection] = []
    for one in sorted(seen, key=lambda detection: -detection.score):
        if not any(_is_one_place(one.points, other.points) for other in (*beside, *kept)):
            kept.append(one)
    return tuple(kept)


def _is_one_place(one: Points, other: Points) -> bool:
    crops = crop_around_face(one), crop_around_face(other)
    distance = np.hypot(*(face_centre_px(crops[0]) - face_centre_px(crops[1])))
    return bool(distance < _ONE_PLACE_SIZES * max(map(face_size_px, crops)))


def _exposure(frame: Frame, detections: Sequence[Detection]) -> float | None:
    if frame.encoding is not Encoding.SCENE_LINEAR or not detections:
        return None
    largest = max(detections, key=lambda detection: detection.size_px)
    region = region_of(patch_crop(largest.points - _origin(frame)), *frame.pixels.shape[:2])
    return exposure_of(frame, region)


def _origin(frame: Frame) -> Float[np.ndarray, "2"]:
    """(x, y) of the first pixel in the picture as displayed."""
    return np.array(frame.origin_px[::-1], dtype=np.float64)


class ShotDetections:
    """The faces seen in a shot; memory grows by a few kilobytes for each face in each frame.

    Attributes:
        seen: what each frame shows, those that cannot be read included.
        exposures: of the largest face of every scene-linear frame, in stops.
        faults: why frames cannot be read.
    """

    def __init__(
        self,
        frames: Sequence[SourceFrame],
        read: Callable[[SourceFrame], Frame],
        report: Report,
        landmarker: Landmarker | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            frames: the whole shot in order.
            read: returns the picture of one; may raise what a frame's reader raises.
            report: takes `FrameTracked` for every frame.
            landmarker: finds dense landmarks, too.
        """
        self._frames, self._picture_of, self._report = frames, read, report
        self._landmarker, self._with_landmarks = landmarker, 0
        self._tracker = FaceTracker(is_exact=landmarker is None)
        self._times = _times(frames)
        self._searched: list[bool] = []
        self.seen: list[FrameDetections] = []
        self.exposures: list[float] = []
        self.faults: dict[Path, str] = {}

    def look_forward(self, stopped: Callable[[], bool]) -> None:
        """Find the faces of all frames in order; the next ones are read meanwhile."""
        for seen in run_overlapped(
            self._frames,
            read=self._read,
            process=lambda pairs: [self._observe(*pair) for pair in pairs],
            write=lambda _, seen: seen,
            room_beside=_room_beside,
            stopped=stopped,
        ):
            self.seen.append(seen)

    def look_back(self, links: LinkedShot) -> bool:
        """Track faces backwards from their first frame, through frames that were not searched.

        Returns:
            Whether any was there before, so that all must be linked anew.
        """
        coming_in: dict[int, list[Points]] = defaultdict(list)
        for path in links.paths:
            for index, detection in path.detections.items():
                if index - 1 not in path.detections and index not in links.cuts:
                    coming_in[index].append(detection.points)
        found_any = False
        for index in range(len(self.seen) - 2, -1, -1):
            places = coming_in.get(index + 1)
            if not places or self._searched[index]:
                continue
            content = self._read(self._frames[index])
            if isinstance(content, str):
                continue
            before = self._tracker.look_near(content, places, beside=self.seen[index].detections)
            before = self._with_dense(content, before)
            coming_in[index] += [detection.points for detection in before]
            own = self.seen[index]
            self.seen[index] = replace(own, detections=(*own.detections, *before))
            found_any |= bool(before)
        return found_any

    def _read(self, source: SourceFrame) -> Frame | str:
        """Return the frame, or why it cannot be read."""
        try:
            return self._picture_of(source)
        except FRAME_FAULTS as error:
            return _fault(source, error)

    def _observe(self, source: SourceFrame, content: Frame | str) -> FrameDetections:
        observed = content if isinstance(content, str) else self._look_at(source, content)
        index = len(self._searched)
        self._searched.append(isinstance(observed, str) or observed.searched)
        size = None if isinstance(content, str) else content.display_px
        seen = FrameDetections(time=self._times[index], picture_px=size)
        if isinstance(observed, str):
            self.faults[source.path] = observed
        else:
            seen = replace(seen, detections=observed.detections, thumbnail=observed.thumbnail)
            if observed.exposure_ev is not None:
                self.exposures.append(observed.exposure_ev)
        self._report(
            FrameTracked(
                done=index + 1,
                frames=len(self._frames),
                source=source.path,
                faces=len(seen.detections),
                message=observed if isinstance(observed, str) else None,
            )
        )
        return seen

    def _look_at(self, source: SourceFrame, frame: Frame) -> Observation | str:
        try:
            seen = self._tracker.observe(frame)
            return replace(seen, detections=self._with_dense(frame, seen.detections))
        except JOB_FAULTS:
            raise
        except FRAME_FAULTS as error:
            return _fault(source, error)

    def _with_dense(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Detection, ...]:
        """Return detections with the dense landmarks of their faces, where a model finds them."""
        if self._landmarker is None:
            return tuple(detections)
        by_size = sorted(range(len(detections)), key=lambda place: -detections[place].size_px)
        room = max(0, MOST_DENSE_FACES - self._with_landmarks)
        meant = by_size[: min(MOST_DENSE_IN_FRAME, room)]
        found = self._landmarker(frame, [detections[place].points for place in meant])
        self._with_landmarks += len(meant)
        dense = dict(zip(meant, found, strict=True))
        return tuple(replace(one, in_shot=dense.get(place)) for place, one in enumerate(detections))


def _fault(source: SourceFrame, error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"{source.path} does not fit into the memory that is free. Close other programs."
    return error.remark if isinstance(error, RegganError) else str(error)


def _times(frames: Sequence[SourceFrame]) -> list[int]:
    """Frame numbers; places in the shot if there are pictures without a number."""
    numbers = [frame.number for frame in frames if frame.number is not None]
    return numbers if len(numbers) == len(frames) else list(range(len(frames)))


def _room_beside(content: Frame | str) -> int:
    """Return the number of frames as large as this one that may be in flight beside it."""
    if isinstance(content, str):
        return 0  # nobody knows how large the next one is
    pixels = content.pixels.size // 3
    return room_beside(pixels, most_in_flight(1), PIXELS_WHILE_TRACKING)


def steady_faces(
    frames: Sequence[FrameDetections], shot: LinkedShot, *, smooth: bool = True
) -> list[tuple[TrackedFace, ...]]:
    """Return the faces of every frame, numbered in the order of the shot's paths.

    A gap of at most `MOST_FILLED` frames does not interrupt a face: it is filled along a straight
    line. A frame that cannot be read is such a gap, one of another size is not. Dense landmarks go
    the same way, where the detections have them and faces are smoothed.
    """
    faces: list[list[TrackedFace]] = [[] for _ in frames]
    times = [frame.time for frame in frames]
    for number, path in enumerate(shot.paths):
        dense = _dense_of(path, frames) if smooth else {}
        for stretch in _stretches(path, frames):
            seen = [path.detections[index] for index in stretch]
            points = [one.points for one in seen]
            if smooth:
                motions = [_motion_between(*pair) for pair in pairwise(seen)]
                points = smooth_path([times[index] for index in stretch], points, motions)
            for index, place in zip(stretch, points, strict=True):
                score = path.detections[index].score
                own = face_from_landmarks(number, place, score, "found")
                faces[index].append(_with_dense(own, dense.get(index)))
            size = frames[stretch[0]].picture_px
            for index, place in places_in_gaps(stretch, points, times):
                if frames[index].picture_px not in (None, size):
                    continue  # its pixels are others
                own = face_from_landmarks(number, place, 0.0, "filled")
                faces[index].append(_with_dense(own, dense.get(index)))
    return [tuple(own) for own in faces]


def _dense_of(path: FacePath, frames: Sequence[FrameDetections]) -> dict[int, FaceInShot]:
    """Return the dense landmarks of one character, gaps filled, by the place of the frame."""
    detections = path.detections
    if all(one.in_shot is None for one in detections.values()):
        return {}
    from reggan_plugin.rig.steady_landmarks import between, steady_in_shot, usual_mouth

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
    from reggan_plugin.rig.steady_landmarks import is_of_landmarks

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


def _motion_between(one: Detection, other: Detection) -> Float[np.ndarray, "3 3"]:
    """Return how a face moves, by its dense landmarks or, without them, by its pixels."""
    if one.in_shot is None or other.in_shot is None:
        return face_motion(one, other)
    from reggan_plugin.rig.steady_landmarks import motion_between

    return motion_between(one.in_shot, other.in_shot)


@frozen(eq=False)
class TrackResult:
    """Tracks of the frames that were dealt with: all of them unless `interrupted`."""

    tracks: Tracks
    unreadable: dict[Path, str]
    """Frames that cannot be read, and why; their faces are filled from the neighbours."""
    interrupted: bool
    seconds: float

    def raise_for_failure(self) -> None:
        """Fail if a frame is damaged, or no faces were tracked.

        Raises:
            UnreadableFrameError: frames cannot be read; the message names them.
            FaceNotFoundError: no frame shows a face.
        """
        frames = self.tracks.frames
        if self.unreadable:
            raise unreadable_frames(self.unreadable, len(frames))
        if frames and not any(frame.faces for frame in frames.values()):
            raise FaceNotFoundError(
                f"No human-like face in any of {counted(len(frames), 'frame')}; {EXPECTED}.",
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
    stops = shot.exposures
    tracks = Tracks(
        frames={
            key: TrackedFrame(faces=own, file=frame.path.name, note=shot.faults.get(frame.path))
            for key, frame, own in zip(keys, frames, faces, strict=False)
        },
        cuts=tuple(keys[index] for index in links.cuts),
        # which a few frames that are lit otherwise do not change
        exposure_ev=round(2 * float(np.median(stops))) / 2 if stops else None,
        source=source,
        smoothing=DESCRIPTION if smooth else None,
    )
    result = TrackResult(
        tracks=tracks,
        unreadable=shot.faults,
        interrupted=len(keys) < len(frames),
        seconds=round(time.perf_counter() - begin, 3),
    )
    report(
        ShotTracked(
            frames=len(tracks.frames),
            faces=len(links.paths),
            cuts=tracks.cuts,
            without_face=sum(not frame.faces for frame in tracks.frames.values()),
            unreadable=len(result.unreadable),
            interrupted=result.interrupted,
            seconds=result.seconds,
        )
    )
    return result


def _key(frame: SourceFrame) -> str:
    """Name of a frame in the tracks."""
    return frame.path.name if frame.number is None else str(frame.number)
