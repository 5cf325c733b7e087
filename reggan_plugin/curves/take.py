"""A recorded take: rows of weights with the time of each, under the names that we know.

Timecodes are SMPTE's, `HH:MM:SS:FF` with parts of a frame behind a dot; `;` drops frames.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.errors import Remark, SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_TAKE_ROWS, MOST_TAKE_SECONDS
from reggan_plugin.vocabulary.expression import NAMED_EXPRESSIONS, key_of
from reggan_plugin.vocabulary.face_shapes import (
    ARKIT_SHAPES,
    HALVED_SHAPES,
    MAX_WEIGHT,
    NEUTRAL,
    mirrored_name,
    shape_from_name,
    shapes_of,
)

_FELT = 0.01
"""Weight from which on a user is told that it is left out; readers of faces write less beside."""
_PREFIX = re.compile(r"^.*[.:/|]")
"""`blendShape1.`, `head_geo:`, and the like."""
_VENDOR_PREFIX = re.compile(
    r"^((blendshapes?|face|facial|arkit|bs)_+)?(m_f\d+_\d+_\d+_)?", re.IGNORECASE
)
_POSE = re.compile(
    r"(head|(left|right)?eye)_?(yaw|pitch|roll|pos|rot|position|rotation)?_?[xyz]?"
    r"|tongueout"
)
_COUNTER = re.compile(r"blendshapecount|timecode|timestamp|trackingstatus")
_EXPRESSIONS = {
    key_of(word).replace(" ", ""): expression.name
    for expression in NAMED_EXPRESSIONS.values()
    for word in (expression.name, *expression.aliases, expression.vrm_preset or "")
    if word
}


@cache
def names_from_column(column: str) -> tuple[str, ...] | None:
    """Return the ARKit shapes or the expression that a column means.

    `shape_from_name` tells how a shape may be written; `mouthSmile` means both sides.

    Returns:
        Nothing for what is known and drives nothing here: turns of head and eyes, the tongue; None
        for what is not known.
    """
    shape = shape_from_name(column)
    if shape is not None:
        return (shape,)
    bare = _bare(column)
    if _POSE.fullmatch(bare) or _COUNTER.fullmatch(bare):
        return ()
    letters = bare.replace("_", "")
    named = _EXPRESSIONS.get(letters)
    return shapes_of(letters) or (None if named is None else (named,))


def _bare(column: str) -> str:
    word = _VENDOR_PREFIX.sub("", _PREFIX.sub("", column.strip()))
    return word.replace(" ", "").replace("-", "_").lower()


_LEAST_PERCENT, _PERCENT_SHARE = 2.0, 0.2
"""Weights are percents if this share of those that are felt is larger: a few may be glitches."""
_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;])(\d{1,3}(?:\.\d+)?)")
_RATES = (24, 25, 30, 48, 50, 60, 100, 120)
_USUAL_RATE = 60
"""Frames a second that phones count timecodes in."""
DAY_S, _HALF_DAY_S = 86400.0, 43200.0


class Timecode(NamedTuple):
    """A time of day: whole seconds, and frames on top of them.

    With `is_drop`, minutes skip numbers of frames, but for each tenth, so that a clock of 30 keeps
    to time at 29.97 frames a second. Source: SMPTE ST 12-1, drop frame.
    """

    seconds: int
    frames: float
    is_drop: bool = False

    def time_s(self, rate: float) -> float:
        """Seconds of the day, where a second counts so many frames."""
        count = round(rate)
        if not self.is_drop or count % 30:
            return self.seconds + self.frames / rate
        minutes = self.seconds // 60
        skipped = count // 15 * (minutes - minutes // 10)
        return (self.seconds * count + self.frames - skipped) * 1.001 / count


def timecode_from_text(text: str) -> Timecode | None:
    """Read a timecode; None if the text is none."""
    match = _TIMECODE.fullmatch(text.strip())
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        return None
    hours, minutes, seconds = (int(match[place]) for place in (1, 2, 3))
    whole = 3600 * hours + 60 * minutes + seconds
    return Timecode(whole, float(match[5]), is_drop=match[4] == ";")


def rate_of_timecodes(timecodes: Sequence[Timecode]) -> tuple[int, bool]:
    """Frames of a second, and whether the timecodes tell it.

    They do where the count of frames runs up to a second's end; else phones' usual rate is taken.
    """
    highest = max(int(code.frames) for code in timecodes)
    runs_over = any(
        after.seconds > before.seconds and after.frames < before.frames
        for before, after in pairwise(timecodes)
    )
    fitting = [rate for rate in _RATES if rate > highest]
    if runs_over and fitting:
        return fitting[0], True
    return (_USUAL_RATE if highest < _USUAL_RATE else next(iter(fitting), highest + 1)), False


def seconds_of(timecodes: Sequence[Timecode], rate: float) -> Float[np.ndarray, " codes"]:
    """Seconds of the day; beyond midnight they go on rising."""
    seconds = np.array([code.time_s(rate) for code in timecodes])
    days = np.cumsum(np.diff(seconds, prepend=seconds[:1]) < -_HALF_DAY_S)
    return seconds + DAY_S * days


_LONGEST_SHOWN = 80
"""Of a name, in messages."""


@frozen(eq=False)
class Take:
    """A take as its reader found it.

    Attributes:
        kind: what the file is, in words.
        names: ARKit shapes, or expressions of the table.
        times_s: of each row, ascending; the first one is 0 or the timecode of the day.
        weights: 0 to 1.5.
        rate_fps: rows a second.
        timecode_fps: frames of a second of its timecodes, where `times_s` is the time of day.
        frames: numbers of the shot's frames, where the file names these.
        beside: columns that drive nothing here and go on with the take, such as turns of the head,
            as the file has them; NaN where it holds none.
        unknown: columns that mean nothing here, as they are written.
        notes: what else the user should know.
    """

    kind: str
    names: tuple[str, ...]
    times_s: Float[np.ndarray, " rows"]
    weights: Float[np.ndarray, "rows names"]
    rate_fps: float
    timecode_fps: float | None = None
    frames: Float[np.ndarray, " rows"] | None = None
    beside: Mapping[str, Float[np.ndarray, " rows"]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_shapes(self) -> bool:
        """True if it drives single face shapes, not expressions alone."""
        return any(name in ARKIT_SHAPES for name in self.names)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices for the user, the names that mean nothing first."""
        if not self.unknown:
            return self.notes
        return f"No face shapes, left out: {', '.join(self.unknown)}.", *self.notes


@frozen(eq=False)
class Columns:
    """The values that a reader found, under the names of the file.

    Attributes:
        kind: what the file is, in words.
        names: of the columns.
        times_s: of the rows, in seconds.
        values: as they stand in the file; NaN where it holds none.
        scale: by which values are multiplied; None decides it by how many are large.
        rate_fps: rows a second, where the file says it.
        timecode_fps: frames of a second of its timecodes, where `times_s` is the time of day.
        frames: numbers of the shot's frames, where the file names these.
        notes: what the user should know.
    """

    kind: str
    names: Sequence[str]
    times_s: Float[np.ndarray, " rows"]
    values: Float[np.ndarray, "rows columns"]
    scale: float | None = None
    rate_fps: float | None = None
    timecode_fps: float | None = None
    frames: Float[np.ndarray, " rows"] | None = None
    notes: tuple[str, ...] = ()


@frozen
class TakeFormat:
    """A kind of take: a module in `curves/formats/` holds one as `FORMAT`, and that is all.

    Attributes:
        name: as users write it.
        read: the columns of a file. It gets a path if the format has `suffixes`, else the text of
            the file; and the rate that the user gave, for files that hold no time.
        suffixes: which names of files end in, in lower case; empty for text, whose names say
            little.
        recognises: whether a text is of this format and of no other.
    """

    name: str
    read: Callable[[Any, float | None], Columns]
    suffixes: tuple[str, ...] = ()
    recognises: Callable[[str], bool] = lambda _: False


def take_from_columns(columns: Columns, source: str) -> Take:
    """Bring columns under our names, into our range and into the order of time.

    Raises:
        SourceError: no row, or no column that means anything here.
    """
    known: dict[str, list[int]] = {}
    unknown, rest, beside = [], [], []
    for place, column in enumerate(columns.names):
        names = names_from_column(column)
        if names is None:
            unknown.append(column)
        elif names == (NEUTRAL,):
            rest.append(place)
        elif not names and _POSE.fullmatch(_bare(column)):
            beside.append(place)
        else:
            for name in names:
                known.setdefault(name, []).append(place)
    if not known:
        some = ", ".join(str(name)[:_LONGEST_SHOWN] for name in columns.names[:8])
        raise SourceError(
            f"{source} names no face shape; it has {some}. "
            "Expected ARKit's names, such as jawOpen.",
            kind="no-shape-in-take",
            source=source,
        )
    if not 0 < len(columns.times_s) <= MOST_TAKE_ROWS:
        raise SourceError(
            f"{source} holds {len(columns.times_s)} rows of weights; expected 1 to "
            f"{MOST_TAKE_ROWS}. Record or export the take again."
        )
    if not (np.abs(columns.times_s) <= MOST_TAKE_SECONDS).all():  # also false for NaN
        raise SourceError(
            f"{source} has times that are no numbers, or beyond {MOST_TAKE_SECONDS:g} s. Check its "
            "frames a second, and export the take again."
        )
    order = np.argsort(columns.times_s, kind="stable")
    back = int((np.diff(columns.times_s) <= 0).sum())
    values = columns.values[order]
    merged = [_merged(values[:, places]) for places in known.values()]
    missing = sum(int(np.isnan(column).sum()) for column in merged)
    weights = np.stack([_without_gaps(column) for column in merged], axis=1)
    scale = columns.scale
    notes = list(columns.notes)
    large, felt = int((weights > _LEAST_PERCENT).sum()), int((weights > _FELT).sum())
    if scale is None:
        scale = 0.01 if large > _PERCENT_SHARE * felt else 1.0
        told = f"{large} of its {felt} weights are above {_LEAST_PERCENT:g}: they"
        if scale < 1:
            notes.append(f"{told} are read as percents.")
        elif large:
            notes.append(Remark(f"{told} are not read as percents.", "few-percents"))
    weights, slack = weights * scale, 1e-3  # what rounding and filters leave
    clamped = int(((weights < -slack) | (weights > MAX_WEIGHT + slack)).sum())
    weights = np.clip(weights, 0.0, MAX_WEIGHT)
    times_s = columns.times_s[order]
    if missing:
        notes.append(
            f"{missing} of its weights are blank, nan or infinite, and filled in straight lines; a "
            "column without any weight is 0."
        )
    for name, places in known.items():
        if len(places) > 1 and name not in HALVED_SHAPES:
            same = " and ".join(str(columns.names[place])[:_LONGEST_SHOWN] for place in places[:8])
            notes.append(f"{same} all name {name}; the largest weight counts.")
    if (np.nan_to_num(columns.values[:, rest]) * scale > _FELT).any():
        notes.append(
            "Its weights of neutral are left out: in a take they say how much of a face rests. "
            "The expression `neutral` takes away what a frame shows."
        )
    if back:
        notes.append(f"{back} rows are no later than the row before; they are put in order.")
    if clamped:
        notes.append(f"{clamped} weights are below 0 or above {MAX_WEIGHT} and are clamped.")
    return Take(
        kind=columns.kind,
        names=tuple(known),
        times_s=times_s,
        weights=weights,
        rate_fps=columns.rate_fps or _rate_of(times_s),
        timecode_fps=columns.timecode_fps,
        frames=None if columns.frames is None else columns.frames[order],
        beside={
            columns.names[place]: values[:, place]
            * (scale if "tongue" in columns.names[place].lower() else 1.0)
            for place in beside
        },
        unknown=tuple(unknown),
        notes=tuple(notes),
    )


def mirrored(take: Take, *, mouth_alone: bool = False) -> tuple[str, ...]:
    """Return the take's names with left and right exchanged: of all shapes, or of mouthLeft and
    Right.
    """
    swapped = ("mouthLeft", "mouthRight")
    return tuple(
        mirrored_name(name) if name in swapped or not mouth_alone else name for name in take.names
    )


def _merged(values: Float[np.ndarray, "rows same"]) -> Float[np.ndarray, " rows"]:
    """One column of several that mean the same, such as both sides of browInnerUp: the larger. What
    is no number, or infinite, is NaN.
    """
    filled = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return np.where(np.isinf(filled), np.nan, filled)


def _without_gaps(column: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    missing: Bool[np.ndarray, " rows"] = np.isnan(column)
    if not missing.any() or missing.all():
        return np.nan_to_num(column)
    rows = np.arange(len(column))
    return np.interp(rows, rows[~missing], column[~missing])


_SHORTEST_STEP_S = 1e-6
"""Between rows; below it, times differ by rounding alone."""


def _rate_of(times_s: Float[np.ndarray, " rows"]) -> float:
    """Rows a second: the mean, unless rows were dropped, of which the median knows nothing."""
    steps = np.diff(times_s)
    steps = steps[steps > _SHORTEST_STEP_S]
    if not len(steps):
        return 24.0
    usual = float(np.median(steps))
    whole = steps[steps < 1.5 * usual]
    return round(float(1 / whole.mean()), 4)
