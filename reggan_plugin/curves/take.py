"""A recorded take: rows of weights with the time of each, under the names that we know.

Weights in percent are known by a number above 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.curves.column_names import UNUSED, name_from_column
from reggan_plugin.curves.percents import scale_of
from reggan_plugin.errors import SourceError
from reggan_plugin.limits import MOST_TAKE_ROWS, MOST_TAKE_SECONDS
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, MAX_WEIGHT, mirrored_name

_LONGEST_SHOWN = 80
"""Of a name, in messages."""


@dataclass(frozen=True, kw_only=True, eq=False)
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
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_shapes(self) -> bool:
        """True if it drives single face shapes, not expressions alone."""
        return any(name in ARKIT_SHAPES for name in self.names)


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """The values that a reader found, under the names of the file.

    Attributes:
        kind: what the file is, in words.
        names: of the columns.
        times_s: of the rows, in seconds.
        values: as they stand in the file; NaN where it holds none.
        scale: by which values are multiplied; None decides it by the largest of them.
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


@dataclass(frozen=True, kw_only=True)
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
    unknown = []
    for place, column in enumerate(columns.names):
        name = name_from_column(column)
        if name is None:
            unknown.append(column)
        elif name != UNUSED:
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
    weights = np.stack([_merged(values[:, places]) for places in known.values()], axis=1)
    scale = columns.scale
    if scale is None:
        scale = scale_of(weights)
    weights, clamped = _clamped(weights * scale)
    times_s = columns.times_s[order]
    notes = list(columns.notes)
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
    """One column of several that mean the same, such as both sides of browInnerUp: the larger."""
    filled = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return _without_gaps(np.where(np.isinf(filled), np.nan, filled))


def _without_gaps(column: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    missing: Bool[np.ndarray, " rows"] = np.isnan(column)
    if not missing.any() or missing.all():
        return np.nan_to_num(column)
    rows = np.arange(len(column))
    return np.interp(rows, rows[~missing], column[~missing])


def _clamped(
    weights: Float[np.ndarray, "rows names"],
) -> tuple[Float[np.ndarray, "rows names"], int]:
    """Weights in our range, and how many were not."""
    slack = 1e-3  # what rounding and filters leave
    outside = int(((weights < -slack) | (weights > MAX_WEIGHT + slack)).sum())
    return np.clip(weights, 0.0, MAX_WEIGHT), outside


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
