"""Frames and tracked heads, said in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .frame_sequence import shown_number
from .projection import SeenFace, Status

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


def what_was_done(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return `8 changed, 0 untouched`, and how many were finished before or failed.

    Args:
        summaries: of `render`, as JSON.
    """
    outcomes = ("written", "copied", "skipped", "failed")
    counts = {name: sum(len(one.get(name, ())) for one in summaries) for name in outcomes}
    said = [f"{counts['written']} changed, {counts['copied']} untouched"]
    said += [
        f"{counts[name]} {words}"
        for name, words in (("skipped", "finished before"), ("failed", "failed"))
        if counts[name]
    ]
    return ", ".join(said)


_LEFT_OUT: Mapping[Status, str] = {
    "outside": "outside the picture",
    "occluded": "hidden by something before it",
    "behind": "behind the camera",
}


def account_of_faces(faces: Mapping[int, SeenFace], found_by: str) -> dict[str, Any]:
    """`summary`, one sentence, and `left_out`, lines that name frames that will not change.

    Args:
        faces: in every frame, by number.
        found_by: what told where the face is.
    """
    left_out = {
        status: [number for number, face in sorted(faces.items()) if face.status == status]
        for status in _LEFT_OUT
    }
    seen = len(faces) - sum(len(numbers) for numbers in left_out.values())
    return {
        "summary": f"Found by {found_by}: in sight in {seen} of {counted_frames(len(faces))}.",
        "left_out": [
            f"{frames_in_words(numbers)} will not change: the face is {_LEFT_OUT[status]}."
            for status, numbers in left_out.items()
            if numbers
        ],
    }


def counted_frames(count: int) -> str:
    """Return `1 frame`, `2 frames`."""
    return "1 frame" if count == 1 else f"{count} frames"
