"""Frame ranges as render managers write them: `1001-1100`, `1-9x2`, `1-9:2`, `-5--1,7`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reggan_plugin.errors import UsageError

_NUMBER = r"(-?\d{1,18})"
_SPAN = re.compile(rf"{_NUMBER}(?:-{_NUMBER}(?:[x:]{_NUMBER})?)?")


@dataclass(frozen=True, kw_only=True)
class FrameRange:
    """A set of frame numbers."""

    text: str
    spans: tuple[range, ...]

    def __contains__(self, number: int) -> bool:
        return any(number in span for span in self.spans)


def parse_frame_range(text: str) -> FrameRange:
    """Read a comma-separated list of numbers and spans, with a step after `x` or `:`.

    Raises:
        UsageError: the text is none, or a step is 0.
    """
    return FrameRange(text=text, spans=tuple(_parse_span(part, text) for part in text.split(",")))


def format_frame_range(numbers: Iterable[int]) -> str:
    """The shortest list of spans, such as `1-3,7`."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def _parse_span(part: str, text: str) -> range:
    match = _SPAN.fullmatch(part.strip())
    first, last, step = match.groups() if match else (None, None, None)
    if first is None or (step is not None and int(step) == 0):
        raise UsageError(
            f"{text[:80]!r} is not a frame range: {part.strip()[:80]!r} is neither a number nor a "
            "span. Write it like 1001-1100, 1001-1100x2 or 1,5,10-20."
        )
    start, stop = int(first), int(last if last is not None else first)
    step_sign = 1 if stop >= start else -1
    return range(start, stop + step_sign, abs(int(step or 1)) * step_sign)
