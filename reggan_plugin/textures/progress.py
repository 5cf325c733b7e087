"""How much of a texture job is done, told to whoever draws a bar."""

from collections.abc import Callable

Advance = Callable[[float], object]
"""Takes the share that is done, 0 to 1."""


def say_nothing(_: float) -> None:
    """Tell nobody."""


def part_of(advance: Advance, place: int, count: int) -> Advance:
    """Return what tells of one of `count` equal parts of a job."""
    return lambda share: advance((place + share) / count)
