"""The frames of a shot as Open Job Description writes them."""

from itertools import pairwise

from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.files.frame_range import format_frame_range, parse_frame_range
from reggan_plugin.files.sequence import find_sequence


def farm_range(source: str, frame_range: str | None) -> str:
    """The numbers to render, between the first and the last on disk, gaps included.

    Open Job Description writes steps with `:`, takes no number twice, and knows no frames that
    are named otherwise than by number.

    Raises:
        UsageError: the frames have no numbers, or the range cannot be read.
        EmptySourceError: none of them is in the range.
    """
    shot = find_sequence(source)
    numbers = [frame.number for frame in shot.frames if frame.number is not None]
    if not numbers:
        raise UsageError(
            f"The pictures of {source} are not numbered, so a farm cannot share them out. Render "
            "them without a farm, or give them numbers: name.0001.png."
        )
    wanted = parse_frame_range(frame_range or f"{numbers[0]}-{numbers[-1]}")
    chosen = [number for number in range(numbers[0], numbers[-1] + 1) if number in wanted]
    if not chosen:
        raise EmptySourceError(
            f"The frame range {frame_range} holds no frame of {source}, which has "
            f"{format_frame_range(numbers)}. Give a range within it."
        )
    steps = {later - earlier for earlier, later in pairwise(chosen)}
    if len(steps) == 1 and steps != {1}:
        return f"{chosen[0]}-{chosen[-1]}:{steps.pop()}"
    return format_frame_range(chosen)
