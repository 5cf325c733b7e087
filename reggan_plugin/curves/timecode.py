"""SMPTE timecodes, `HH:MM:SS:FF` with parts of a frame behind a dot, as seconds."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from reggan_plugin.array_types import Float

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[:;](\d{1,3}(?:\.\d+)?)")
_RATES = (24, 25, 30, 48, 50, 60, 100, 120)
USUAL_RATE = 60
"""Frames a second that phones count timecodes in."""
DAY_S, _HALF_DAY_S = 86400.0, 43200.0


class Timecode(NamedTuple):
    """A time of day: whole seconds, and frames on top of them."""

    seconds: int
    frames: float


def timecode_from_text(text: str) -> Timecode | None:
    """Read a timecode; None if the text is none."""
    match = _TIMECODE.fullmatch(text.strip())
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        return None
    hours, minutes, seconds = (int(match[place]) for place in (1, 2, 3))
    return Timecode(3600 * hours + 60 * minutes + seconds, float(match[4]))


def rate_of_timecodes(timecodes: Sequence[Timecode]) -> tuple[int, bool]:
    """Frames of a second, and whether the timecodes tell it.

    They do where the count of frames runs up to a second's end; else phones' usual rate is taken.
    """
    highest = max(int(code.frames) for code in timecodes)
    runs_over = any(
        after.seconds > before.seconds and after.frames < before.frames
        for before, after in pairwise(timecodes)
    )
    fitting = [rate for rate in _RATES if rate > highest]
    if runs_over and fitting:
        return fitting[0], True
    return (USUAL_RATE if highest < USUAL_RATE else next(iter(fitting), highest + 1)), False


def seconds_of(timecodes: Sequence[Timecode], rate: float) -> Float[np.ndarray, " codes"]:
    """Seconds of the day; beyond midnight they go on rising."""
    seconds = np.array([code.seconds + code.frames / rate for code in timecodes])
    days = np.cumsum(np.diff(seconds, prepend=seconds[:1]) < -_HALF_DAY_S)
    return seconds + DAY_S * days
