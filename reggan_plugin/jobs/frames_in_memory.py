"""How many frames may be in memory at once: at most so many pixels of them together."""

PIXELS_WHILE_RENDERING = 160_000_000
"""Five 4K frames, four 8K frames, and of 16k frames only the current one."""
PIXELS_WHILE_TRACKING = 100_000_000
"""Frames that are only looked at."""


def room_beside(pixels: int, most: int, pixels_in_all: int) -> int:
    """Return the number of frames of so many pixels that may be in memory beside one, of `most` in
    all.
    """
    return max(0, min(most, pixels_in_all // pixels) - 1)
