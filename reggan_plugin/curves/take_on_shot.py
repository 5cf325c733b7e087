"""A take laid on the frames of a shot: offset, rate, before the first and after the last row."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.curves.take import DAY_S, Take, Timecode, timecode_from_text
from reggan_plugin.errors import UsageError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import MAX_WEIGHT, SHUT_MOUTH

_PLACES = 3
"""Of a frame's number: less is what a file's rounding of times leaves."""


class TakeCurve:
    """The weights of a take by frame: straight lines between rows, the outermost rows beyond.

    In a video they are straight in time, however long its frames are shown.
    """

    def __init__(
        self,
        take: Take,
        row_frames: Float[np.ndarray, " rows"],
        names: tuple[str, ...],
        *,
        intensity: float = 1.0,
        adds: bool = False,
        notices: tuple[str, ...] = (),
        clock: "VideoClock | None" = None,
    ) -> None:
        """Lay a take on frames.

        Args:
            take: the take.
            row_frames: the frame on which each row lies, ascending.
            names: what each column drives; see `mirrored`.
            intensity: by which weights are multiplied.
            adds: whether it is laid over what the face shows; else it replaces that.
            notices: what the user should know.
            clock: by which the frames of a video are shown, where its rows lie in time.
        """
        self._frames, self._names, self._clock = row_frames, names, clock
        self._weights = np.minimum(take.weights * intensity, MAX_WEIGHT)
        self._rest = {} if adds or not take.has_shapes else {SHUT_MOUTH: min(intensity, 1.0)}
        self._adds = adds
        self._notices = notices

    def notices_on(self, _first_frame: int, _last_frame: int) -> tuple[str, ...]:
        """Return the notices of the take; `refuse_elsewhere` looks at the shot."""
        return self._notices

    @property
    def peak(self) -> ExpressionMix:
        """The most that is asked of each shape and expression."""
        return self._mix(self._weights.max(axis=0))

    def mix_at(self, frame: float) -> ExpressionMix:
        """Return the expression that is asked for at a frame."""
        after = int(np.searchsorted(self._frames, frame, side="right"))
        before, after = max(after - 1, 0), min(after, len(self._frames) - 1)
        places = np.array([frame, self._frames[before], self._frames[after]])
        here, begin, end = places if self._clock is None else self._clock.time_s(places)
        part = (here - begin) / (end - begin) if end > begin else 0.0
        part = min(max(part, 0.0), 1.0)
        row = (1.0 - part) * self._weights[before] + part * self._weights[after]
        return self._mix(np.clip(row, 0.0, MAX_WEIGHT))

    def _mix(self, row: Float[np.ndarray, " names"]) -> ExpressionMix:
        shares = {name: float(value) for name, value in zip(self._names, row, strict=True) if value}
        return ExpressionMix({**shares, **self._rest}, self._adds)


@frozen(eq=False)
class VideoClock:
    """When a video shows each of its frames; before and after them it goes on at its mean rate.

    Attributes:
        first: number of its first frame.
        shown_s: of each frame, rising; two at least.
    """

    first: int
    shown_s: Float[np.ndarray, " frames"]

    @property
    def _step_s(self) -> float:
        return float(self.shown_s[-1] - self.shown_s[0]) / (len(self.shown_s) - 1)

    def time_s(self, frames: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return when frames, and parts of frames, are shown."""
        places = frames - self.first
        inside = places.clip(0, len(self.shown_s) - 1)
        before = inside.astype(int).clip(max=len(self.shown_s) - 2)
        begin_s, end_s = self.shown_s[before], self.shown_s[before + 1]
        times_s = begin_s + (inside - before) * (end_s - begin_s)
        return times_s + (places - inside) * self._step_s

    def frames_at(self, times_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return the frames, and parts of frames, that are shown at times."""
        beyond_s = times_s - np.clip(times_s, self.shown_s[0], self.shown_s[-1])
        places = np.interp(times_s, self.shown_s, np.arange(len(self.shown_s)))
        return np.asarray((self.first + places + beyond_s / self._step_s).round(_PLACES))


def frames_of_rows(
    take: Take,
    first_frame: int,
    fps: float | None,
    offset: "float | Timecode | None",
    clock: VideoClock | None = None,
    *,
    rate: float | None = None,
) -> Float[np.ndarray, " rows"]:
    """Return the frame of the shot on which each row of a take lies.

    Args:
        take: the take.
        first_frame: the shot's first.
        fps: the shot's frames a second; None takes `clock`, or else the take's rows a second.
        offset: the frame of the take's first row, or the timecode that the take has at the shot's
            first frame; None lays the first row on the first frame, or rows that name frames on
            these.
        clock: when each frame of the shot is shown, where it is a video.
        rate: frames a second of a take whose rows name frames, if anybody says so; None takes
            `fps`, so that its frames are the shot's.

    Raises:
        UsageError: a timecode, and the take has none, or counts fewer frames of a second; or no
            frame rate.
    """
    if fps is not None and not 0 < fps < np.inf:
        raise UsageError(f"The frame rate is {fps}. Give frames a second, such as 24.")
    if take.frames is not None and fps is None and not isinstance(offset, Timecode):
        shift = 0.0 if offset is None else offset - take.frames[0]
        return take.frames + shift
    if isinstance(offset, Timecode):
        begin, times_s = float(first_frame), take.times_s - _time_of(offset, take)
    else:
        begin = float(first_frame if offset is None else offset)
        times_s = take.times_s - take.times_s[0]
    if fps is None and clock is not None:
        return clock.frames_at(clock.time_s(np.array([begin])) + times_s)
    if fps is None or (take.frames is not None and rate is None):
        return begin + times_s * take.rate_fps
    return begin + times_s * fps


def offset_from_text(text: str) -> "float | Timecode":
    """Return an offset: a timecode such as `10:20:30:12`, or a frame such as `1001`.

    Raises:
        UsageError: it is neither.
    """
    timecode = timecode_from_text(text)
    if timecode is not None:
        return timecode
    try:
        return float(int(text))
    except (ValueError, OverflowError):
        raise UsageError(
            f"The offset {text[:80]!r} is neither a frame such as 1001 nor a timecode such as "
            "10:20:30:12."
        ) from None


def refuse_elsewhere(
    row_frames: Float[np.ndarray, " rows"], first_frame: int, last_frame: int
) -> None:
    """Refuse a take that lies before or behind the whole shot: it would hold one pose.

    Raises:
        UsageError: it says where both lie.
    """
    begin, end = row_frames[0], row_frames[-1]
    if end < first_frame or begin > last_frame:
        raise UsageError(
            f"The take lies on frames {begin:.6g} to {end:.6g}, and the shot has {first_frame} to "
            f"{last_frame}: no frame would be driven by it. Give another frame or timecode for "
            "its offset, or another rate.",
            kind="take-misses-shot",
        )


def _time_of(offset: Timecode, take: Take) -> float:
    """Seconds at which the take's own clock shows a timecode, on the day of the take."""
    if take.timecode_fps is None:
        raise UsageError(
            "The offset is a timecode, and this take has none; give the frame of its first row."
        )
    if offset.frames >= take.timecode_fps:
        raise UsageError(
            f"The offset's timecode counts {offset.frames:g} frames of a second, and a second of "
            f"the take's has {take.timecode_fps:g}; expected 0 to {take.timecode_fps - 1:g}.",
            kind="timecode-past-second",
        )
    time = offset.time_s(take.timecode_fps)
    return float(time + DAY_S * round((take.times_s.mean() - time) / DAY_S))
