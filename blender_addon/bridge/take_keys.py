"""Keys for the sliders of the face shapes, from a take that `curves --csv` has written."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from .errors import BridgeError
from .expression_blend import MAX_INTENSITY
from .vocabulary import SHAPE_NAMES

Key = tuple[float, float]
"""Frame and value."""
_OFF = 0.004
"""How far a slider may be from the take between two keys."""
_MOVES = 1e-3


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
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        clock = next(name for name in ("frame", "time") if name in rows[0])
        times = [float(row[clock]) for row in rows]
        columns = {
            name: [min(max(float(row[name]), 0.0), MAX_INTENSITY) for row in rows]
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
