"""Two looks at the frames of a shot: forward through all of them, back over a few."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from reggan_plugin.errors import RegganError
from reggan_plugin.faces.detection import Detection
from reggan_plugin.faces.linking import FrameDetections, LinkedShot
from reggan_plugin.faces.smoothing import Points
from reggan_plugin.files.frame import Frame
from reggan_plugin.files.sequence import SourceFrame
from reggan_plugin.jobs.events import FrameTracked, Report
from reggan_plugin.jobs.face_tracker import FaceTracker, Observation
from reggan_plugin.jobs.frames_between_steps import (
    FRAME_FAULTS,
    JOB_FAULTS,
    PIXELS_WHILE_TRACKING,
    room_beside,
)
from reggan_plugin.jobs.overlap import most_in_flight, run_overlapped
from reggan_plugin.limits import MOST_DENSE_FACES, MOST_DENSE_IN_FRAME
from reggan_plugin.transfer.expression_transfer import Landmarker


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
        self._tracker = FaceTracker()
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
        seen = FrameDetections(time=self._times[index])
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
