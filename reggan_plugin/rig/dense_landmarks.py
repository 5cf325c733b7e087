"""The dense landmarks: which there are, in which order, and which mirrors which.

Sides are the head's own. Points of a pair run from the outside to the middle; points of what lies
in the middle run from the head's own right (left in a frontal picture) to its left.
"""

from typing import Final

import numpy as np

from reggan_plugin.array_types import Int
from reggan_plugin.frozen import frozen


@frozen(kw_only=False)
class Group:
    """Points that belong together.

    Attributes:
        name: what they lie on.
        side: `right`, `left`, or `middle`.
        start, stop: their rows.
    """

    name: str
    side: str
    start: int
    stop: int

    @property
    def rows(self) -> slice:
        """Rows of the group."""
        return slice(self.start, self.stop)


SIDES: Final = ("right", "left")
_PAIRED: Final = (
    ("lid_upper", 13),  # from the outer corner to the inner one, both included
    ("lid_lower", 11),  # back from the inner corner to the outer one, without them
    ("iris", 8),  # around it, from the outer side over the top
    ("pupil", 1),
    ("brow", 9),  # along its middle line
    ("cheek", 6),
    ("temple", 2),
    ("nostril", 2),  # the wing's widest place, and where it meets the lip
)
_MIDDLE: Final = (
    ("lip_outer_upper", 13),  # corner to corner
    ("lip_outer_lower", 11),
    ("lip_inner_upper", 11),  # the opening's ends included
    ("lip_inner_lower", 9),
    ("bridge", 4),  # downwards; mirrored by themselves
    ("nose", 2),  # tip, and where it meets the lip; mirrored by themselves
    ("jaw", 15),  # from ear to ear over the chin
    ("forehead", 5),
)
_UPRIGHT: Final = ("bridge", "nose")


def _groups() -> tuple[Group, ...]:
    named = [(name, side, count) for name, count in _PAIRED for side in SIDES]
    named += [(name, "middle", count) for name, count in _MIDDLE]
    groups, start = [], 0
    for name, side, count in named:
        groups.append(Group(name, side, start, start + count))
        start += count
    return tuple(groups)


GROUPS: Final = _groups()
COUNT: Final = GROUPS[-1].stop
"""Number of landmarks."""


def rows_of(name: str, side: str = "middle") -> Int[np.ndarray, " rows"]:
    """Rows of a group.

    Raises:
        KeyError: there is no such group.
    """
    for group in GROUPS:
        if (group.name, group.side) == (name, side):
            return np.arange(group.start, group.stop)
    raise KeyError(f"{name} {side}")


def eye_rows(side: str) -> Int[np.ndarray, " rows"]:
    """Rows of an eye's lids, as a loop from the outer corner over the top."""
    return np.concatenate([rows_of("lid_upper", side), rows_of("lid_lower", side)])


def _mirror() -> Int[np.ndarray, " points"]:
    mirror = np.arange(COUNT)
    for group in GROUPS:
        if group.side == "middle":
            rows = rows_of(group.name)
            mirror[rows] = rows if group.name in _UPRIGHT else rows[::-1]
        else:
            other = "left" if group.side == "right" else "right"
            mirror[rows_of(group.name, group.side)] = rows_of(group.name, other)
    return mirror


MIRROR: Final = _mirror()
"""For each landmark the one that takes its place in a mirrored picture."""


LIP_PAIRS: Final[Int[np.ndarray, "2 pairs"]] = np.stack(
    [rows_of("lip_inner_upper")[1:-1], rows_of("lip_inner_lower")[::-1]]
)
"""Landmarks of the inner lips that touch where a mouth is shut: upper ones, lower ones."""
