"""The frames of a shot as Open Job Description writes them."""

from reggan_plugin.errors import EmptySourceError, UsageError
from reggan_plugin.files.frame_range import (
    common_numbers,
    format_frame_range,
    parse_frame_range,
    range_from_spans,
)
from reggan_plugin.files.sequence import find_sequence


def farm_range(source: str, frame_range: str | None) -> str:
    """Return the numbers to render, between the first and the last on disk, gaps included.

    Open Job Description writes steps with `:`, takes no number twice, and knows no frames that
    are named otherwise than by number.

    Raises:
        UsageError: the frames have no numbers, or the range cannot be read.
        EmptySourceError: none of them is in the range.
    """
    shot = find_sequence(source)
    numbers = shot.frames.numbers
    if not numbers:
        raise UsageError(
            f"The pictures of {source} are not numbered, so a farm cannot share them out. Render "
            "them without a farm, or give them numbers: name.0001.png."
        )
    whole = range_from_spans([range(numbers[0], numbers[-1] + 1)])
    chosen = whole if frame_range is None else common_numbers(whole, parse_frame_range(frame_range))
    if not chosen:
        raise EmptySourceError(
            f"The frame range {frame_range} holds no frame of {source}, which has "
            f"{format_frame_range(numbers)}. Give a range within it."
        )
    is_one_span = len(chosen.spans) == 1
    text = chosen.text if is_one_span else format_frame_range(chosen)
    return text.replace("x", ":")
