"""Six landmarks of a face in space, from its eyes and mouth or from the box around its head.

Points are (x, y, z) in any one space and unit. *Left* is the face's own left.
"""

from collections.abc import Mapping

from .errors import BridgeError
from .vectors import Point, cross, difference, dot, length, middle, mixed, unit, without_part_along

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
