"""What a report marks in a shot, from when on, and which of it fails the report."""

from typing import Literal

Problem = Literal[
    "missing",
    "failed",
    "altered",
    "no record",
    "no face",
    "low score",
    "clipped mask",
    "flicker",
    "turned away",
]
PROBLEMS: dict[Problem, str] = {
    "missing": "There is no output, or no source.",
    "failed": "The frame could not be read, changed or written.",
    "altered": "The output is not the file that was rendered.",
    "no record": "No sound record says which file was rendered, so it may be any.",
    "no face": "No face was found, or the tracks have none here; the frame is unchanged.",
    "low score": "The locator is not sure of the face.",
    "clipped mask": "The change is cut off by the picture's edge or by the square around the face.",
    "flicker": "The change jumps more than the picture itself does.",
    "turned away": "The head is turned so far that the intensity is lowered.",
}
"""From the worst to the least."""
FATAL: tuple[Problem, ...] = ("missing", "failed", "altered", "no record")

OTHER_CONTENT = "Its content is not what was rendered."
LOW_SCORE = 0.6
"""Faces that are there score above 0.9 as a rule; below 0.42 none is followed."""
CLIPPED_WEIGHT = 0.05
"""Of the mask at the picture's edge: less cannot be seen to end there."""
