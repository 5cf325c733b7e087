"""Flicker: how far a changed face jumps from what its neighbours in time show."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from reggan_plugin.frozen import frozen
from reggan_plugin.report.frame_look import FrameLook

VISIBLE_LEVELS = 2.0
"""8-bit levels on average over the part of the face that is changed."""
_CHANGED = 2 / 255

Seen = TypeVar("Seen")


@frozen
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
    """Of the frame in the middle of three; None unless all are at equal distances and show a face.

    So are those of a shot of which every other frame is there.
    """
    (before, _), (here, _), (after, _) = around
    if before is None or here is None or after is None or here - before != after - here:
        return None
    changes = [look.change for _, look in around if look.change is not None]
    faces = [look.face for _, look in around if look.face is not None]
    if not len(changes) == len(faces) == 3:
        return None
    changed = np.max([np.abs(change).max(axis=2) for change in changes], axis=0) > _CHANGED
    if not changed.any():
        return Flicker(change=0.0, picture=0.0)
    jumps = (one[1] - (one[0] + one[2]) / 2 for one in (changes, faces))
    change, picture = (float(np.abs(jump)[changed].mean()) * 255 for jump in jumps)
    return Flicker(change=change, picture=picture)
