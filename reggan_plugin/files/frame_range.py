"""Frame ranges as render managers write them: `1001-1100`, `1-9x2`, `1-9:2`, `-5--1,7`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from reggan_plugin.errors import UsageError

_NUMBER = r"(-?\d{1,18})"
_SPAN = re.compile(rf"{_NUMBER}(?:-{_NUMBER}(?:[x:]{_NUMBER})?)?")


_MOST_COUNTED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FrameRange:
    """A set of frame numbers, of any size in little memory."""

    text: str
    spans: tuple[range, ...]

    def __contains__(self, number: int) -> bool:
        return any(number in span for span in self.spans)

    def __len__(self) -> int:
        return sum(map(len, self.spans))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.spans)


NO_NUMBERS = FrameRange(text="", spans=())


def range_from_spans(spans: Iterable[range]) -> FrameRange:
    """Return the range that consists of these spans, which do not overlap, in order."""
    kept = tuple(sorted((span for span in spans if span), key=lambda span: span.start))
    return FrameRange(text=",".join(map(_text_of_span, kept)), spans=kept)


def common_numbers(gaps: FrameRange, wanted: FrameRange) -> FrameRange:
    """Return the numbers of rising spans with step 1 that are also in a range, each once."""
    rising = [span if span.step > 0 else span[::-1] for span in wanted.spans]
    spans = sorted(
        (both for gap in gaps.spans for span in rising if (both := _common(gap, span))),
        key=lambda span: span.start,
    )
    overlap = any(later.start <= earlier[-1] for earlier, later in pairwise(spans))
    if overlap and sum(map(len, spans)) <= _MOST_COUNTED:
        return parse_frame_range(format_frame_range(chain.from_iterable(spans)))
    return range_from_spans(spans)


def parse_frame_range(text: str) -> FrameRange:
    """Read a comma-separated list of numbers and spans, with a step after `x` or `:`.

    Raises:
        UsageError: the text is none, or a step is 0.
    """
    return FrameRange(text=text, spans=tuple(_parse_span(part, text) for part in text.split(",")))


def format_frame_range(numbers: Iterable[int]) -> str:
    """Return the shortest list of spans, such as `1-3,7`."""
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


def _common(gap: range, span: range) -> range:
    """Frames that two rising spans have in common; the first has step 1."""
    low, high = max(gap.start, span.start), min(gap.stop, span.stop)
    first = span.start + -(-(low - span.start) // span.step) * span.step
    return range(first, max(first, high), span.step)


def _text_of_span(span: range) -> str:
    if len(span) == 1:
        return f"{span[0]}"
    return f"{span[0]}-{span[-1]}" + (f"x{span.step}" if span.step != 1 else "")
