"""A take from what was read of a clip: counted from rest, without jitter, gaps closed and named."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.curves.take import Take
from reggan_plugin.errors import Remark, UsageError
from reggan_plugin.files.sequence import format_frame_range
from reggan_plugin.frozen import frozen
from reggan_plugin.perform.face_reading import FaceReader, FaceReading
from reggan_plugin.perform.lid_and_lip_contact import (
    lids_shut,
    lips_meet,
    with_contacts,
    with_gaze_through_blinks,
)
from reggan_plugin.perform.neutral_moment import AROUND, neutral_row
from reggan_plugin.perform.read_clip import USUAL_FPS, Recording
from reggan_plugin.perform.steady_curves import steady
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

_TURNS = ("headYaw", "headPitch", "headRoll")
"""Columns of the head's turn, in radians as Live Link Face has them; no shape of ours."""
_UNEVEN = 0.05
"""Share by which steps in time differ in a clip of a variable rate."""
_FAR_DEG = 40.0
"""Turn of a head from which on readers guess half of the face."""
_LEAST, _ALIKE = 0.005, 0.1
"""Weights below it are 0: what rounding leaves. Differences of weights from which on a frame beside
the one at rest shows another expression."""


@frozen(eq=False)
class Performance:
    """A take, and how it came about.

    Attributes:
        take: the weights, and beside them the turns of the head.
        neutral: number of the frame that was taken for rest; None where nothing was taken away.
        gaps: numbers of the first and last frame of each stretch without the face.
        lids, lips: rows in which the left and the right eye are shut, and in which lips meet.
        notices: what the user should know.
    """

    take: Take
    neutral: int | None
    gaps: tuple[tuple[int, int], ...]
    lids: Bool[np.ndarray, "rows 2"]
    lips: Bool[np.ndarray, " rows"]
    notices: tuple[Remark, ...]


def performance_from_recording(
    recording: Recording,
    *,
    reader: FaceReader,
    neutral: int | str = "auto",
    smooth: float = 1.0,
    rest: Sequence[FaceReading] = (),
) -> Performance:
    """Make a take of what was read.

    Args:
        recording: with the face in one frame at least.
        reader: that read it.
        neutral: number of the frame in which the face rests, `auto` to find it, or `none` to take
            weights as they are read. A single picture has none by itself.
        smooth: how much; 0 not at all, 1 as usual.
        rest: readings of the face at rest; none are looked for then.

    Raises:
        UsageError: the face is not seen in the frame that is said to be neutral.
    """
    seen: Bool[np.ndarray, " rows"] = np.array([one is not None for one in recording.readings])
    found = [one for one in recording.readings if one is not None]
    times = recording.times_s

    def filled(values: Sequence[np.ndarray | float] | np.ndarray) -> np.ndarray:
        table = np.asarray(values, float).reshape(len(found), -1)
        columns = [np.interp(times, times[seen], column) for column in table.T]
        return np.stack(columns, axis=1)

    weights = filled([one.weights for one in found])
    turns = filled([one.turn_deg for one in found])
    lips_gap, lids_gap = (
        filled([one.lips_gap for one in found])[:, 0],
        filled([one.lids_gap for one in found]),
    )
    row = None if rest else _neutral_row(recording, neutral, weights, turns)
    if row is not None:
        # a face that moves at once is not at rest in the frames beside it
        alike = np.abs(weights - weights[row]).max(axis=1) < _ALIKE
        beside = range(max(0, row - AROUND), min(row + AROUND + 1, len(times)))
        read = [recording.readings[place] for place in beside if alike[place]]
        rest = [one for one in read if one is not None]
    rest_lips, rest_lids = 0.0, np.percentile(lids_gap, 75, axis=0)
    if rest:
        weights = filled(reader.beyond_rest(found, rest))
        rest_lips = float(np.median([one.lips_gap for one in rest]))
        rest_lids = np.median([one.lids_gap for one in rest], axis=0)
    lids = lids_shut(lids_gap, rest_lids) & seen[:, None]
    lips = lips_meet(lips_gap, rest_lips) & seen
    weights = with_gaze_through_blinks(weights, times, lids)
    weights = with_contacts(steady(weights, times, smooth), lids, lips)
    weights[weights < _LEAST] = 0.0
    gaps = _gaps(recording.numbers, seen)
    number = None if row is None else recording.numbers[row]
    return Performance(
        take=Take(
            kind=f"Performance read by {reader.name}",
            names=ARKIT_SHAPES,
            times_s=times,
            weights=weights.round(4),
            rate_fps=_rate(times) if recording.has_times else USUAL_FPS,
            frames=None if recording.has_times else np.asarray(recording.numbers, float),
            beside=dict(
                zip(_TURNS, np.radians(steady(turns, times, smooth)).round(5).T, strict=True)
            ),
        ),
        neutral=number,
        gaps=gaps,
        lids=lids,
        lips=lips,
        notices=tuple(_notices(recording, gaps, number, neutral, turns[seen])),
    )


def _neutral_row(
    recording: Recording,
    neutral: int | str,
    weights: Float[np.ndarray, "rows shapes"],
    turns: Float[np.ndarray, "rows 3"],
) -> int | None:
    seen = [place for place, one in enumerate(recording.readings) if one is not None]
    if neutral == "none" or (neutral == "auto" and len(recording.readings) == 1):
        return None
    if neutral == "auto":
        return seen[neutral_row(weights[seen], turns[seen])]
    rows = [place for place in seen if recording.numbers[place] == neutral]
    if not rows:
        first, last = recording.numbers[0], recording.numbers[-1]
        raise UsageError(
            f"{recording.name} shows no face in frame {neutral}; its frames are {first} to {last}, "
            "and the neutral one has to be one of those that show it.",
            kind="no-neutral-frame",
        )
    return rows[0]


def _gaps(numbers: Sequence[int], seen: Bool[np.ndarray, " rows"]) -> tuple[tuple[int, int], ...]:
    """First and last number of each stretch of rows in which nothing was seen."""
    stretches = []
    for is_seen, group in groupby(zip(seen, numbers, strict=True), key=lambda one: bool(one[0])):
        own = [number for _, number in group]
        if not is_seen:
            stretches.append((own[0], own[-1]))
    return tuple(stretches)


def _rate(times_s: Float[np.ndarray, " rows"]) -> float:
    steps = np.diff(times_s)
    return round(1 / float(steps.mean()), 4) if len(steps) and steps.mean() > 0 else USUAL_FPS


def _notices(
    recording: Recording,
    gaps: Sequence[tuple[int, int]],
    number: int | None,
    asked: int | str,
    turns_deg: Float[np.ndarray, "seen 3"],
) -> Iterator[Remark]:
    """Say what was found, in the order in which it matters."""
    yield from (Remark(f"{one}.") for one in recording.notices)
    if asked == "auto" and number is not None:
        yield Remark(
            f"Frame {number} is taken for the face at rest: what it shows is taken away from "
            "all others.",
            "neutral-found",
            frame=number,
        )
    if gaps:
        missing = sum(1 for one in recording.readings if one is None)
        ranges = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in gaps[:8])
        more = f" and {len(gaps) - 8} more" if len(gaps) > 8 else ""
        damaged = len(recording.unreadable)
        found = f", {damaged} of which cannot be read" if damaged else ""
        yield Remark(
            f"{missing} of {len(recording.readings)} frames show no face{found}: {ranges}{more}"
            ". There weights go in straight lines.",
            "gaps-in-performance",
        )
    crowded = [n for n, count in zip(recording.numbers, recording.others, strict=True) if count]
    if crowded:
        yield Remark(
            f"{len(crowded)} of {len(recording.readings)} frames show more than one face "
            f"({format_frame_range(crowded[:1])} is the first). One is followed, from the "
            "largest on.",
            "other-faces-in-performance",
        )
    yield from _on_time(recording)
    far = int((np.abs(turns_deg[:, :2]).max(axis=1) > _FAR_DEG).sum())
    if far:
        yield Remark(
            f"In {far} frames the head is turned by more than {_FAR_DEG:g} degrees, where half "
            "of the face is guessed."
        )


def _on_time(recording: Recording) -> Iterator[Remark]:
    steps = np.array([b - a for a, b in pairwise(recording.times_s)])
    if not recording.has_times or not len(steps):
        return
    usual = float(np.median(steps))
    if np.ptp(steps) <= _UNEVEN * usual:
        return
    slow, fast = 1 / float(steps.max()), 1 / max(float(steps.min()), 1e-6)
    yield Remark(
        f"{recording.name} has a variable frame rate: {slow:.3g} to {fast:.3g} frames a "
        f"second, {_rate(recording.times_s):.4g} in the mean. Each row has the time of its "
        "frame.",
        "variable-frame-rate",
    )
