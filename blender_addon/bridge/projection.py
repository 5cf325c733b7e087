"""Projection of points of the world into a rendered picture, and the test whether a face shows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .face_points import PROPORTIONS
from .vectors import Point

Status = Literal["given", "occluded", "outside", "behind"]
Pixel = tuple[float, float]
Box = tuple[float, float, float, float]
Matrix = Sequence[Sequence[float]]

FACE_BOX_IN_EYE_DISTANCES = 2.6
"""Side of the square around eyes and mouth, which reaches from the brows to below the chin."""
MOST_HIDDEN = 3
"""Of six points. A face in profile hides two; one seen from behind hides all."""
_MOUTH_DOWN = PROPORTIONS["mouth_left"][1]


@dataclass(frozen=True, kw_only=True)
class CameraView:
    """The camera of one frame.

    Attributes:
        clip_from_world: 4x4, rows first; the camera's projection times its view.
        depth_from_world: four factors of (x, y, z, 1); the distance in front of the camera's plane.
        width_px: of the whole picture, pixel aspect left out.
        height_px: of the whole picture.
        crop_px: left, top, width and height of the part that is written; all of it by default.
    """

    clip_from_world: Matrix
    depth_from_world: Sequence[float]
    width_px: int
    height_px: int
    crop_px: tuple[int, int, int, int] | None = None

    @property
    def written_px(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the file's picture in the whole one."""
        return self.crop_px or (0, 0, self.width_px, self.height_px)


@dataclass(frozen=True, kw_only=True)
class SeenFace:
    """A face in one frame.

    Attributes:
        status: as in a tracks file.
        landmarks: pixels from the top left corner of the file's picture, centres of pixels at
            halves; None behind the camera.
        score: share of the points that can be seen; 1 where nothing was tested.
    """

    status: Status
    landmarks: tuple[Pixel, ...] | None
    score: float = 1.0


def pixel_from_world(view: CameraView, point: Point) -> Pixel | None:
    """Project a point; None behind the camera."""
    if _applied(view.depth_from_world, point) <= 0:
        return None
    x, y, _, w = (_applied(row, point) for row in view.clip_from_world)
    left, top, _, _ = view.written_px
    return (x / w + 1) / 2 * view.width_px - left, (1 - y / w) / 2 * view.height_px - top


def face_in_view(
    view: CameraView, points: Sequence[Point], hidden: Sequence[bool] = ()
) -> SeenFace:
    """Return the face as a frame shows it.

    Args:
        view: of the frame.
        points: the six landmarks in the world.
        hidden: for each point, whether something stands before it; empty if nobody looked.
    """
    pixels = [pixel_from_world(view, point) for point in points]
    landmarks = tuple(pixel for pixel in pixels if pixel is not None)
    if len(landmarks) < len(points):
        return SeenFace(status="behind", landmarks=None)
    status: Status = "given"
    if not _touches(face_box(landmarks), view.written_px):
        status = "outside"
    elif sum(hidden) > MOST_HIDDEN:
        status = "occluded"
    return SeenFace(status=status, landmarks=landmarks, score=1 - sum(hidden) / len(points))


def face_box(landmarks: Sequence[Pixel]) -> Box:
    """x, y, width and height of the face, brows to below the chin, in pixels.

    Seen from the side the eyes are close to each other: the way to the mouth is then the measure.
    """
    left_eye, right_eye, _, mouth_left, mouth_right, _ = landmarks
    eyes, mouth = _middle(left_eye, right_eye), _middle(mouth_left, mouth_right)
    eye_distance = max(math.dist(left_eye, right_eye), math.dist(eyes, mouth) / _MOUTH_DOWN)
    side = FACE_BOX_IN_EYE_DISTANCES * eye_distance
    x, y = _middle(eyes, mouth)
    return x - side / 2, y - side / 2, side, side


def _middle(one: Pixel, other: Pixel) -> Pixel:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _applied(row: Sequence[float], point: Point) -> float:
    return row[0] * point[0] + row[1] * point[1] + row[2] * point[2] + row[3]


def _touches(box: Box, written_px: tuple[int, int, int, int]) -> bool:
    x, y, width, height = box
    _, _, picture_width, picture_height = written_px
    return x < picture_width and y < picture_height and x + width > 0 and y + height > 0
