"""The squares of a picture that the landmark network looks at.

First the whole face; from the landmarks that are found there each eye, each brow and the mouth.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.rig.layout import eye_rows, rows_of

PARTS: Final = ("face", "eye_right", "eye_left", "brow_right", "brow_left", "mouth")
INPUT_PX: Final = {"face": 64, "eye": 64, "brow": 64, "mouth": 96}
"""Side of the network's input, by kind of part."""
FACE_SIDE: Final = 3.25
"""Side of the face's square, in eye distances."""
FACE_CENTRE: Final = (0.0, 0.55)
"""Its middle, in eye distances to the right and down from the middle between the eyes."""
PART_SIDES: Final = {
    "eye": (1.6, 1.9, 0.55, 2.0),
    "brow": (1.45, 0.0, 0.7, 1.9),
    "mouth": (1.7, 1.45, 0.8, 2.6),
}
"""Sides of the squares of parts: factors on their width and height; least and most, in eye
distances."""
LAYOUT: Final = np.array(
    [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.62], [-0.40, 1.10], [0.40, 1.10], [0.0, 1.80]]
)
"""Eyes, nose tip, corners of the mouth and chin of a mean face, in eye distances."""
LAYOUT_WEIGHTS: Final = np.array([1.0, 1.0, 0.5, 0.6, 0.6, 0.25])


@dataclass(frozen=True, kw_only=True, eq=False)
class FacePlacement:
    """Place, size and roll of a face in a picture.

    Attributes:
        origin: the middle between the eyes, pixels.
        eye_px: pixels of an eye distance, as if the head were not turned.
        roll: radians, clockwise as one sees it.
    """

    origin: Float[np.ndarray, "2"]
    eye_px: float
    roll: float

    @property
    def axes(self) -> Float[np.ndarray, "2 2"]:
        """Columns: to the face's right in the picture, and down, unit length."""
        c, s = math.cos(self.roll), math.sin(self.roll)
        return np.array([[c, -s], [s, c]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Square:
    """A square of a picture: its middle and side in pixels, its roll in radians."""

    centre: Float[np.ndarray, "2"]
    side_px: float
    roll: float

    def wider(self, factor: float) -> "Square":
        """Make the same square larger."""
        return Square(centre=self.centre, side_px=self.side_px * factor, roll=self.roll)

    def to_pixels(self, side: int) -> Float[np.ndarray, "2 3"]:
        """Map pixels of the picture to those of the square, drawn `side` pixels wide."""
        scale = side / self.side_px
        c, s = math.cos(self.roll) * scale, math.sin(self.roll) * scale
        linear = np.array([[c, s], [-s, c]])
        shift = side / 2 - linear @ self.centre
        return np.column_stack([linear, shift])


def face_frame(points: Float[np.ndarray, "points 2"]) -> FacePlacement:
    """Fit a mean face to landmarks: a similarity, by weighted least squares."""
    seen = np.stack(
        [
            points[eye_rows("right")].mean(axis=0),
            points[eye_rows("left")].mean(axis=0),
            points[rows_of("nose")[0]],
            points[rows_of("lip_outer_upper")[0]],
            points[rows_of("lip_outer_upper")[-1]],
            points[rows_of("jaw")[7]],
        ]
    )
    weight = LAYOUT_WEIGHTS / LAYOUT_WEIGHTS.sum()
    start, end = weight @ LAYOUT, weight @ seen
    a, b = LAYOUT - start, seen - end
    real = (weight * (a * b).sum(axis=1)).sum()
    turn = (weight * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])).sum()
    size = float(np.hypot(real, turn) / (weight * (a**2).sum(axis=1)).sum())
    roll = math.atan2(turn, real)
    c, s = math.cos(roll), math.sin(roll)
    origin = end - size * np.array([[c, -s], [s, c]]) @ start
    return FacePlacement(origin=origin, eye_px=size, roll=roll)


def face_square(frame: FacePlacement) -> Square:
    """Return the square of the whole face."""
    centre = frame.origin + frame.axes @ np.array(FACE_CENTRE) * frame.eye_px
    return Square(centre=centre, side_px=FACE_SIDE * frame.eye_px, roll=frame.roll)


def part_square(name: str, points: Float[np.ndarray, "points 2"], frame: FacePlacement) -> Square:
    """Return the square of one of `PARTS` around landmarks."""
    kind, _, side = name.partition("_")
    if kind == "face":
        return face_square(frame)
    if kind == "mouth":
        rows = np.concatenate([rows_of("lip_outer_upper"), rows_of("lip_outer_lower")])
    else:
        rows = eye_rows(side) if kind == "eye" else rows_of("brow", side)
    along = (points[rows] - frame.origin) @ frame.axes
    low, high = along.min(axis=0), along.max(axis=0)
    wide, tall = (high - low) / frame.eye_px
    by_width, by_height, least, most = PART_SIDES[kind]
    eyes = min(max(by_width * wide, by_height * tall, least), most)
    centre = frame.origin + frame.axes @ ((low + high) / 2)
    return Square(centre=centre, side_px=eyes * frame.eye_px, roll=frame.roll)
