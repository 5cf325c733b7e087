"""Points of a face in the world, their projection into a picture, and whether the face shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .errors import BridgeError

Point = tuple[float, float, float]


def mixed(factors: Sequence[float], points: Sequence[Sequence[float]]) -> Point:
    """Return the sum of points, each times its factor."""
    x, y, z = (sum(f * p[i] for f, p in zip(factors, points, strict=True)) for i in range(3))
    return x, y, z


def middle(a: Point, b: Point) -> Point:
    """Half-way between two points."""
    return mixed((0.5, 0.5), (a, b))


def difference(a: Point, b: Point) -> Point:
    """Return the way from `b` to `a`."""
    return mixed((1, -1), (a, b))


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the scalar product."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def length(a: Point) -> float:
    """Length of a vector."""
    return math.sqrt(dot(a, a))


def unit(a: Point) -> Point:
    """Return the same direction, of length 1."""
    return mixed((1 / length(a),), (a,))


def cross(a: Point, b: Point) -> Point:
    """Return the vector product: at right angles to both."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def without_part_along(a: Point, axis: Point) -> Point:
    """Return the part of `a` at right angles to `axis`, which may have any length but 0."""
    return mixed((1, -dot(a, axis) / dot(axis, axis)), (a, axis))


LANDMARK_NAMES = ("left_eye", "right_eye", "nose_tip", "mouth_left", "mouth_right", "chin")
"""Their order here and their names in a tracks file."""
PROPORTIONS: Mapping[str, Point] = {
    "left_eye": (0.50, 0.00, 0.00),
    "right_eye": (-0.50, 0.00, 0.00),
    "nose_tip": (0.00, 0.66, 0.49),
    "mouth_left": (0.39, 1.18, 0.12),
    "mouth_right": (-0.39, 1.18, 0.12),
    "chin": (0.00, 1.86, 0.00),
}
"""A face in distances of its eyes: to its left, down, forward. The same as the runtime's canonical
face, but for the nose, which stands out there for lack of perspective."""
_MOUTH_DOWN, _MOUTH_FORWARD = PROPORTIONS["mouth_left"][1:]

EYES_BELOW_CROWN, MOUTH_BELOW_CROWN = 0.475, 0.776
"""In heights of the box around a head."""
EYE_DISTANCE_IN_WIDTHS = 0.338
"""Of the box with its ears. Like the two above the mean over 40 heads of the training room's
generator, without hair. On 20 others a box is off by 0.14 eye distances at the eyes and 0.09 at the
mouth, by 0.36 at worst: name eyes and mouth where they are known."""
_CHIN_BELOW_EYES = PROPORTIONS["chin"][1]
CHIN_BELOW_CROWN = EYES_BELOW_CROWN + (MOUTH_BELOW_CROWN - EYES_BELOW_CROWN) * (
    _CHIN_BELOW_EYES / _MOUTH_DOWN
)
"""In heights of the box, as those above."""
_WIDTH_IN_HEIGHTS, _LEEWAY = 0.76, 1.4
"""Usual, and how far a box may be off before hair, a collar or a neck is taken out of it."""
_MOST_UNUSUAL = 3.0
"""A box that many times higher or lower than its width says is no head's: a bone lies elsewhere."""

FRONTS: Mapping[str, tuple[Point, Point]] = {
    "-Y": ((0, -1, 0), (0, 0, 1)),
    "+Y": ((0, 1, 0), (0, 0, 1)),
    "+X": ((1, 0, 0), (0, 0, 1)),
    "-X": ((-1, 0, 0), (0, 0, 1)),
    "+Z": ((0, 0, 1), (0, 1, 0)),
    "-Z": ((0, 0, -1), (0, 1, 0)),
}
"""Which way a head may look, and where its crown then is: Z up, or Y up for the last two."""


def points_from_eyes_and_mouth(left_eye: Point, right_eye: Point, mouth: Point) -> list[Point]:
    """Return the landmarks of a face whose eyes and middle of the mouth are known.

    Width follows from the eyes and height from the mouth, so that long and broad faces are met.

    Raises:
        BridgeError: the three points are on one line.
    """
    eyes = middle(left_eye, right_eye)
    across = difference(left_eye, right_eye)
    distance = length(across)
    to_mouth = difference(mouth, eyes)
    if distance > 0:
        to_mouth = without_part_along(to_mouth, across)
    drop = length(to_mouth)
    if distance <= 0 or drop < 0.05 * distance:
        raise BridgeError(
            "Left eye, right eye and mouth lie on one line, expected a triangle. Choose another "
            "object or bone for each of them."
        )
    # In units of the proportions: to the left, down, forward.
    axes = (
        across,
        mixed((1 / _MOUTH_DOWN,), (to_mouth,)),
        mixed((1 / drop,), (cross(to_mouth, across),)),
    )
    return [
        # The plane through the three points leans forward as far as a mouth stands out.
        mixed((1, x, y, z - y * _MOUTH_FORWARD / _MOUTH_DOWN), (eyes, *axes))
        for x, y, z in PROPORTIONS.values()
    ]


def facing_out(
    left_eye: Point, right_eye: Point, mouth: Point, box: tuple[Point, Point]
) -> tuple[Point, Point]:
    """Return the eyes in the order in which the face looks out of its head.

    Some characters name the sides as their viewer sees them.

    Args:
        left_eye: as it is named.
        right_eye: as it is named.
        mouth: its middle.
        box: least and largest x, y and z of the head.
    """
    eyes = middle(left_eye, right_eye)
    outwards = cross(difference(mouth, eyes), difference(left_eye, right_eye))
    if dot(outwards, difference(eyes, middle(*box))) < 0:
        return right_eye, left_eye
    return left_eye, right_eye


def mouth_below_eyes(left_eye: Point, right_eye: Point, up: Point) -> Point:
    """Return the middle of the mouth in a face of usual proportions.

    Args:
        left_eye: its middle.
        right_eye: its middle.
        up: towards the crown, about.

    Raises:
        BridgeError: the eyes are at one place, or above each other.
    """
    across = difference(left_eye, right_eye)
    upwards = without_part_along(up, across) if length(across) > 0 else (0.0, 0.0, 0.0)
    if length(upwards) < 0.3 * length(up):
        raise BridgeError(
            "The eyes are at one place or above each other. Name the eyes and the mouth."
        )
    distance, upwards = length(across), unit(upwards)
    forward = cross(unit(across), upwards)
    return mixed(
        (1, -_MOUTH_DOWN * distance, _MOUTH_FORWARD * distance),
        (middle(left_eye, right_eye), upwards, forward),
    )


def mouth_above_chin(left_eye: Point, right_eye: Point, chin: Point) -> Point:
    """Return the middle of the mouth between eyes and chin, in a face of usual proportions."""
    share = _MOUTH_DOWN / _CHIN_BELOW_EYES
    return mixed((1 - share, share), (middle(left_eye, right_eye), chin))


def box_down_to(
    low: Point, high: Point, front: str, known: Point, share: float
) -> tuple[Point, Point]:
    """Return the box of a head with its bottom where one place of its face puts it.

    Hair, a collar or a neck reaches lower than a chin, so that the bottom of what moves with a
    head says little.

    Args:
        low: least x, y and z.
        high: largest x, y and z.
        front: a name in `FRONTS`.
        known: the place.
        share: how far it is below the crown, in heights of a box around a head.

    Returns:
        The box's least and largest x, y and z; as it was if the place is where no face has it.
    """
    forward, up = FRONTS[front]
    size = difference(high, low)
    height = dot(difference(high, known), up) / share
    usual_height = abs(dot(size, cross(up, forward))) / _WIDTH_IN_HEIGHTS
    if not usual_height / _MOST_UNUSUAL <= height <= usual_height * _MOST_UNUSUAL:
        return low, high
    lift = dot(size, up) - height
    return mixed((1, lift), (low, up)), high


def points_from_box(low: Point, high: Point, front: str) -> list[Point]:
    """Return the landmarks of a face with usual proportions in the box around its head.

    The crown is at the box's top and the tip of the nose at its front. A box that is much wider
    than a head (hair) counts as narrower, one that reaches much lower (neck) as lower.

    Args:
        low: least x, y and z.
        high: largest x, y and z.
        front: a name in `FRONTS`.

    Raises:
        BridgeError: the box has no volume.
    """
    forward, up = FRONTS[front]
    left = cross(up, forward)
    size = difference(high, low)
    if min(size) <= 0:
        raise BridgeError(
            "The box around the head is flat. Choose the head's mesh, or the bone that its "
            "vertices follow."
        )
    height, width, depth = (abs(dot(size, axis)) for axis in (up, left, forward))
    top = mixed((1, height / 2, depth / 2), (middle(low, high), up, forward))
    usual_width = _WIDTH_IN_HEIGHTS * height
    if usual_width > _LEEWAY * width:
        height = width / _WIDTH_IN_HEIGHTS
    elif width > _LEEWAY * usual_width:
        width = usual_width
    across = EYE_DISTANCE_IN_WIDTHS * width
    down = (MOUTH_BELOW_CROWN - EYES_BELOW_CROWN) * height / _MOUTH_DOWN
    nose_forward = PROPORTIONS["nose_tip"][2]
    return [
        mixed(
            (1, x * across, -EYES_BELOW_CROWN * height - y * down, (z - nose_forward) * across),
            (top, left, up, forward),
        )
        for x, y, z in PROPORTIONS.values()
    ]


def likeliest_front(directions: Mapping[str, tuple[Point, Point]]) -> str:
    """Return the front that stands upright in the world and looks towards -Y, as Blender's
    characters do.

    Args:
        directions: by names in `FRONTS`, where the face and where the crown then is in the world.
    """

    def rank(name: str) -> float:
        forward, up = directions[name]
        return 2 * up[2] - forward[1]

    return max(directions, key=rank)


Status = Literal["given", "occluded", "outside", "behind"]
Pixel = tuple[float, float]
Box = tuple[float, float, float, float]
Matrix = Sequence[Sequence[float]]

FACE_BOX_IN_EYE_DISTANCES = 2.6
"""Side of the square around eyes and mouth, which reaches from the brows to below the chin."""
MOST_HIDDEN = 3
"""Of six points. A face in profile hides two; one seen from behind hides all."""


@dataclass(frozen=True, kw_only=True)
class CameraView:
    """The camera of one frame.

    Attributes:
        clip_from_world: 4x4, rows first; the camera's projection times its view.
        depth_from_world: four factors of (x, y, z, 1); the distance in front of the camera's plane.
        width_px: of the whole picture, pixel aspect left out.
        height_px: of the whole picture.
        written_px: left, top, width and height of the file's picture in the whole one.
    """

    clip_from_world: Matrix
    depth_from_world: Sequence[float]
    width_px: int
    height_px: int
    written_px: tuple[int, int, int, int]


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
    x, y, width, height = face_box(landmarks)
    _, _, picture_width, picture_height = view.written_px
    if not (x < picture_width and y < picture_height and x + width > 0 and y + height > 0):
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
