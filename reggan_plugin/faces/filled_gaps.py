"""Gaps of a track: up to how many frames are filled, and where the face is in them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from reggan_plugin.faces.smoothing import Points, on_the_way

MOST_FILLED = 6
"""Frames for which a face may be lost and is then filled in: a quarter of a second. Whoever is
longer away may be hidden behind something, on which no face belongs."""


def places_in_gaps(
    stretch: Sequence[int], points: Sequence[Points], times: Sequence[int]
) -> Iterator[tuple[int, Points]]:
    """Yield the frames of a stretch without a detection, and where the face is in them.

    Args:
        stretch: places of the frames with a detection.
        points: of each of them.
        times: of all frames.
    """
    for number, (first, last) in enumerate(pairwise(stretch)):
        begin, end = times[first], times[last]
        for index in range(first + 1, last):
            share = (times[index] - begin) / (end - begin)
            yield index, on_the_way(points[number], points[number + 1], share)
