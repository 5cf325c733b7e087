"""Expression over time: cues, and keys that follow a recorded take.

From a cue's frame on the face takes its expression, by way of a blend from the one before.
"""

import csv
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BridgeError
from .expression_blend import MAX_INTENSITY, names_are_alike, shares_from_blend
from .vocabulary import ALL_EXPRESSIONS, SHAPE_NAMES

NO_EXPRESSIONS = ("none", "off")
"""Names of cues from which on the face shows what it showed."""


@dataclass(frozen=True, kw_only=True)
class Cue:
    """From this frame on, these shares of expressions; none leaves the face as it is."""

    frame: int
    shares: Mapping[str, float]


def cue_from_name(frame: int, name: str, presets: Collection[str] = ()) -> Cue | None:
    """Return the cue of a timeline marker such as `happy` or `sad:0.6+pain`; None if it is none.

    Args:
        frame: of the marker.
        name: its name.
        presets: names of one's own expressions.
    """
    if name.strip().lower() in NO_EXPRESSIONS:
        return Cue(frame=frame, shares={})
    try:
        shares = shares_from_blend(name, has_presets=bool(presets))
    except BridgeError:
        return None
    known = (*ALL_EXPRESSIONS, *SHAPE_NAMES, *presets)
    if not all(any(names_are_alike(one, other) for other in known) for one in shares):
        return None
    return Cue(frame=frame, shares=shares)


def cues_from_runs(names: Mapping[int, str]) -> list[Cue]:
    """Return a cue wherever the expression of a frame differs from that of the frame before.

    Args:
        names: by frame; empty is none.
    """
    cues: list[Cue] = []
    before: str | None = None
    for frame, name in sorted(names.items()):
        if name != before:
            cues.append(Cue(frame=frame, shares={name: 1.0} if name else {}))
            before = name
    return cues


def shares_at(cues: Sequence[Cue], frame: float, blend_over: int) -> dict[str, float]:
    """Return the shares of expressions at a frame.

    Args:
        cues: by their frames, each once.
        frame: of the scene.
        blend_over: frames from a cue's own to the first that shows all of it. The first cue is
            there at once.
    """
    shares: dict[str, float] = {}
    begun = [cue for cue in cues if cue.frame <= frame]
    for place, cue in enumerate(begun):
        until = begun[place + 1].frame if place + 1 < len(begun) else frame
        passed = until - cue.frame
        if place == 0 or passed >= blend_over:
            shares = dict(cue.shares)
        else:
            time = passed / blend_over
            part = time * time * (3 - 2 * time)  # eases in and out
            shares = {
                name: (1 - part) * shares.get(name, 0.0) + part * cue.shares.get(name, 0.0)
                for name in dict.fromkeys((*shares, *cue.shares))
            }
    return shares


def sorted_cues(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues by their frames; of two on one frame the later of the list."""
    return [cue for _, cue in sorted({cue.frame: cue for cue in cues}.items())]


Key = tuple[float, float]
"""Frame and value."""
_OFF = 0.004
"""How far a slider may be from the take between two keys."""
_MOVES = 1e-3


def _finite(text: str | None) -> float:
    """Return the number in a cell.

    Raises:
        ValueError: it is none, endless, or missing.
    """
    number = float(text or "nan")
    if not math.isfinite(number):
        raise ValueError(f"{text or 'an empty cell'} stands where a number belongs")
    return number


def keys_of_take(path: Path, *, fps: float, first_frame: int, offset: str) -> dict[str, list[Key]]:
    """Return keys by face shape, of those that move; as few as follow the take.

    Args:
        path: a CSV file with a heading such as time,jawOpen,… or frame,jawOpen,…
        fps: frames a second of the scene.
        first_frame: of the scene, at which a take without frame numbers begins.
        offset: the frame of its first row; empty to begin there.

    Raises:
        BridgeError: it cannot be read, or no face shape moves in it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        clock = next(name for name in ("frame", "time") if name in rows[0])
        times = [_finite(row[clock]) for row in rows]
        columns = {
            name: [min(max(_finite(row[name]), 0.0), MAX_INTENSITY) for row in rows]
            for name in SHAPE_NAMES
            if name in rows[0]
        }
    except (OSError, ValueError, LookupError, StopIteration) as error:
        raise BridgeError(f"The take cannot be read: {error!r}. Choose another file.") from error
    frames = times if clock == "frame" else [first_frame + time * fps for time in times]
    if offset:
        frames = [frame - frames[0] + _frame_of(offset) for frame in frames]
    moving = {name: values for name, values in columns.items() if max(values) > _MOVES}
    if not moving:
        raise BridgeError("No face shape moves in this take, so that there is nothing to key.")
    return {name: _thinned(list(zip(frames, v, strict=True))) for name, v in moving.items()}


def _frame_of(offset: str) -> int:
    try:
        return int(offset)
    except ValueError as error:
        raise BridgeError(
            f"Offset is {offset!r}; keys need the number of a frame, such as 1001."
        ) from error


def _thinned(keys: Sequence[Key]) -> list[Key]:
    """Return as few of the keys as lines between them need."""
    kept = {0, len(keys) - 1}
    waiting = [(0, len(keys) - 1)]
    while waiting:
        begin, end = waiting.pop()
        (x0, y0), (x1, y1) = keys[begin], keys[end]
        slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
        off = [abs(y0 + slope * (keys[i][0] - x0) - keys[i][1]) for i in range(begin + 1, end)]
        largest = max(off, default=0.0)
        if largest > _OFF and math.isfinite(largest):
            middle = begin + 1 + off.index(largest)
            kept.add(middle)
            waiting += [(begin, middle), (middle, end)]
    return [keys[i] for i in sorted(kept)]
