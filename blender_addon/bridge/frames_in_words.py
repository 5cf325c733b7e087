"""Frames as people read them: `frames 1001-1003, 1007`, and which of a job's stayed unchanged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .frame_sequence import shown_number

_REASONS = {
    "no face": "no face is in sight",
    "head turned too far": "the head is turned too far away",
}
"""The runtime's reasons to copy a frame that should change, in the words of a panel."""


def frames_in_words(numbers: Sequence[int]) -> str:
    """`Frame 3` or `Frames 3, 7-9`.

    Args:
        numbers: ascending, at least one.
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'Frame' if len(numbers) == 1 else 'Frames'} {named}"


def unchanged_frames(summary: Mapping[str, Any]) -> list[str]:
    """Sentences that name the frames that a job left as they were, and why.

    Args:
        summary: of `render`, as JSON.
    """
    said = []
    for reason, words in _REASONS.items():
        numbers = sorted(
            shown_number(Path(entry["source"]))
            for entry in summary.get("copied", ())
            if str(entry.get("message") or "").startswith(reason)
        )
        if numbers:
            stays = "stays as it is" if len(numbers) == 1 else "stay as they are"
            said.append(f"{frames_in_words(numbers)} {stays}: {words} there.")
    return said
