"""Whether the rig and the picture agree on where the face is."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FARTHEST = 0.3
"""Of the face's size, brows to chin: the middles of two boxes of one face are nearer than that."""
_LARGEST_RATIO = 1.6


def disagreement(projected: Path, located: Path, frame: int) -> str:
    """Message for an artist whose rig says another place than the picture; empty if they agree.

    They also agree where the rig's face is hidden, and where the picture shows none: no locator
    finds every statue.

    Args:
        projected: tracks by the rig.
        located: tracks of one picture, by the locator; the file may be missing.
        frame: of that picture.
    """
    seen = _boxes(projected, str(frame), "given")
    found = _boxes(located, None, "found")
    if not seen or not found:
        return ""
    own = seen[0]
    nearest = min(found, key=lambda box: _distance(own, box))
    ratio = max(own[2], nearest[2]) / min(own[2], nearest[2])
    if _distance(own, nearest) <= _FARTHEST and ratio <= _LARGEST_RATIO:
        return ""
    return (
        f"In frame {frame} the rig's face is not where the picture shows one: "
        f"{_way(own, nearest)}. Name eyes and mouth, or press Place Points and drag "
        "them onto the face; then track it again."
    )


def _boxes(path: Path, frame: str | None, status: str) -> list[Sequence[float]]:
    try:
        frames: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["frames"]
    except (OSError, ValueError, KeyError):  # it could not look: that is no disagreement
        return []
    return [
        face["box"]
        for name, entry in frames.items()
        if frame in (None, name)
        for face in entry["faces"]
        if face["status"] == status
    ]


def _middle(box: Sequence[float]) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def _distance(own: Sequence[float], other: Sequence[float]) -> float:
    """Between the middles, in sizes of the other face."""
    return math.dist(_middle(own), _middle(other)) / other[2]


def _way(own: Sequence[float], other: Sequence[float]) -> str:
    """Return the rig's face in words, as seen from the picture's."""
    (x, y), (other_x, other_y) = _middle(own), _middle(other)
    places = [
        ("left", other_x - x),
        ("right", x - other_x),
        ("above", other_y - y),
        ("below", y - other_y),
    ]
    side, px = max(places, key=lambda place: place[1])
    if px < 0.1 * other[2]:
        size = "larger" if own[2] > other[2] else "smaller"
        return f"it is {size}, {own[2]:.0f} instead of {other[2]:.0f} pixels"
    word = side if side in ("above", "below") else f"to the {side} of"
    return f"it is {px:.0f} pixels {word} it"
