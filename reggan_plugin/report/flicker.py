"""Flicker: a change that jumps from frame to frame more than the picture under it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.report.frame_look import FrameLook

VISIBLE_LEVELS = 2.0
"""8-bit levels on average over the part of the face that is changed."""
_CHANGED = 2 / 255

View = Float[np.ndarray, "height width 3"]
Seen = TypeVar("Seen")


@dataclass(frozen=True, kw_only=True)
class Flicker:
    """Distance of a frame from the mean of its two neighbours, in 8-bit levels.

    It is the mean over the part of the face that is changed. A steady movement or fade gives 0;
    a jump, or a single odd frame, does not.
    """

    change: float
    """Of what the output adds to the input."""
    picture: float
    """Of the input itself: movement, noise and light."""

    @property
    def is_visible(self) -> bool:
        """True if the change jumps visibly, and more than the picture."""
        return self.change > max(VISIBLE_LEVELS, self.picture)


def with_flicker(
    frames: Iterable[Seen], look_of: Callable[[Seen], tuple[int | None, FrameLook]]
) -> Iterator[tuple[Seen, Flicker | None]]:
    """Each frame with its flicker; no more than three are held at a time.

    Args:
        frames: in order.
        look_of: the number of a frame, and how it looks.
    """
    before: Seen | None = None
    here: Seen | None = None
    for after in frames:
        if here is not None:
            around = None if before is None else [look_of(one) for one in (before, here, after)]
            yield here, None if around is None else _flicker_of(around)
        before, here = here, after
    if here is not None:
        yield here, None


def _flicker_of(around: Sequence[tuple[int | None, FrameLook]]) -> Flicker | None:
    """Of the frame in the middle of three."""
    numbers, looks = zip(*around, strict=True)
    changes = [look.change for look in looks if look.change is not None]
    faces = [look.face for look in looks if look.face is not None]
    if not len(changes) == len(faces) == 3 or not _are_neighbours(*numbers):
        return None
    return _flicker(changes, faces)


def _are_neighbours(before: int | None, here: int | None, after: int | None) -> bool:
    """Tell whether three frames are at equal distances, as every other one of a shot still is."""
    if before is None or here is None or after is None:
        return False
    return here - before == after - here


def _flicker(changes: Sequence[View], faces: Sequence[View]) -> Flicker:
    changed = np.max([np.abs(change).max(axis=2) for change in changes], axis=0) > _CHANGED
    if not changed.any():
        return Flicker(change=0.0, picture=0.0)
    return Flicker(
        change=float(np.abs(_jump(changes))[changed].mean()) * 255,
        picture=float(np.abs(_jump(faces))[changed].mean()) * 255,
    )


def _jump(views: Sequence[View]) -> View:
    before, here, after = views
    return here - (before + after) / 2
