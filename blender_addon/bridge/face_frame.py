"""The axes of a face in the world, from its six landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

from .vectors import Point, cross, difference, length, middle, unit, without_part_along


@dataclass(frozen=True, kw_only=True)
class FaceFrame:
    """The axes of a face in the world, of length 1, and its middle."""

    middle: Point
    left: Point
    up: Point
    forward: Point
    eye_distance: float


def face_frame(points: Sequence[Point]) -> FaceFrame:
    """Return the axes of the face with these landmarks."""
    left_eye, right_eye, _, mouth_left, mouth_right, _ = points
    eyes, mouth = middle(left_eye, right_eye), middle(mouth_left, mouth_right)
    across = difference(left_eye, right_eye)
    left, up = unit(across), unit(without_part_along(difference(eyes, mouth), across))
    return FaceFrame(
        middle=middle(eyes, mouth),
        left=left,
        up=up,
        forward=cross(left, up),
        eye_distance=length(across),
    )
