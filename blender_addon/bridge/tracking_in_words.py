"""The outcome of *Track Head* in words: frames that will not change, and why."""

from collections.abc import Mapping
from typing import Any

from .frames_in_words import frames_in_words
from .projection import SeenFace, Status

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
        "summary": f"Found by {found_by}: in sight in {seen} of {_frames(len(faces))}.",
        "left_out": [
            f"{frames_in_words(numbers)} will not change: the face is {_LEFT_OUT[status]}."
            for status, numbers in left_out.items()
            if numbers
        ],
    }


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
