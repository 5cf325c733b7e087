"""Whether the rig and the picture agree on where the face is."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .frame_sequence import shown_number
from .in_words import frames_in_words

_FARTHEST = 0.3
"""Of the face's size, brows to chin: the middles of two boxes of one face are nearer than that."""
_LARGEST_RATIO = 1.6


def disagreement(projected: Path, located: Path) -> str:
    """Message for an artist whose rig says another place than the pictures; empty if they agree.

    They also agree where the rig's face is hidden, and where the picture shows none: no locator
    finds every statue.

    Args:
        projected: tracks by the rig.
        located: tracks of rendered frames, by the locator; the file may be missing.
    """
    own, found = _boxes(projected, "given"), _boxes(located, "found")
    ways = {
        frame: (_distance(own[frame][0], nearest), _way(own[frame][0], nearest))
        for frame in sorted(own.keys() & found.keys())
        for nearest in [min(found[frame], key=lambda box: _distance(own[frame][0], box))]
        if _differ(own[frame][0], nearest)
    }
    if not ways:
        return ""
    worst = max(ways, key=lambda frame: ways[frame][0])
    frames = frames_in_words(list(ways))
    at = f"In {frames[0].lower()}{frames[1:]}"
    example = f"in frame {worst} " if len(ways) > 1 else ""
    return (
        f"{at} the rig's face is not where the picture shows one: {example}{ways[worst][1]}. "
        "Look whether Bone is the one that moves the face; or name eyes and mouth, or press Place "
        "Points and drag them onto the face. Then track it again."
    )


def _differ(own: Sequence[float], nearest: Sequence[float]) -> bool:
    ratio = max(own[2], nearest[2]) / min(own[2], nearest[2])
    return _distance(own, nearest) > _FARTHEST or ratio > _LARGEST_RATIO


def _boxes(path: Path, status: str) -> dict[int, list[Sequence[float]]]:
    """Boxes of faces by the number of the frame; none of frames without such a face."""
    try:
        frames: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["frames"]
    except (OSError, ValueError, KeyError):  # it could not look: that is no disagreement
        return {}
    boxes = {
        _number(name): [f["box"] for f in entry["faces"] if f["status"] == status]
        for name, entry in frames.items()
    }
    return {frame: found for frame, found in boxes.items() if found}


def _number(name: str) -> int:
    """Of a frame in tracks, which may be named by its file."""
    return int(name) if name.removeprefix("-").isdecimal() else shown_number(Path(f"{name}."))


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
