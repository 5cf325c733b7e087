"""From where, and under which light, a character is pictured to train on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .face_points import LANDMARK_NAMES
from .projection import CameraView, pixel_from_world
from .vectors import Point, cross, difference, dot, length, middle, mixed, unit, without_part_along

LENS_MM, SENSOR_MM = 70.0, 36.0
PICTURE_IN_EYE_DISTANCES = 5.0
"""Side of a picture. The crop that a model sees is 3.85 on a side; the rest is room to move it."""
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)
_MOST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class SetView:
    """One camera and one light, as seen from the face: azimuths are towards its own left.

    Attributes:
        name: of its pictures, without an ending.
        yaw_deg: where the camera stands; a head turned to its right shows the same.
        pitch_deg: how far above.
        key_azimuth_deg: where the lamp stands.
        key_elevation_deg: how far above.
        key_strength: 1 is usual.
        fill: the other lamp's strength in parts of the first one's.
        warmth: 1 is a candle, -1 a blue sky.
        background: of 0 to 1, linear, grey.
    """

    name: str
    yaw_deg: float
    pitch_deg: float
    key_azimuth_deg: float
    key_elevation_deg: float
    key_strength: float
    fill: float
    warmth: float
    background: float


@dataclass(frozen=True, kw_only=True)
class FaceFrame:
    """The axes of a face in the world, of length 1, and its middle; from its six landmarks."""

    middle: Point
    left: Point
    up: Point
    forward: Point
    eye_distance: float


def plan_views(
    character: str, count: int, *, max_yaw_deg: float, max_pitch_deg: float
) -> list[SetView]:
    """Views spread evenly over all turns and lights; the first looks straight at the face.

    Fewer views are the beginning of more, so that a set can grow.
    """
    views = []
    for number in range(count):
        # Richtmyer's sequence: multiples of the square roots of primes, without whole parts.
        shares = [(0.5 + number * math.sqrt(prime)) % 1.0 for prime in _PRIMES]
        yaw, pitch, azimuth, elevation, strength, fill, warmth, background = shares
        views.append(
            SetView(
                name=f"{file_stem(character)}-{number + 1:03d}",
                yaw_deg=_between(-max_yaw_deg, max_yaw_deg, yaw),
                pitch_deg=_between(-max_pitch_deg, max_pitch_deg, pitch),
                key_azimuth_deg=_between(-65, 65, (azimuth + 0.25) % 1.0),
                key_elevation_deg=_between(5, 55, elevation),
                key_strength=_between(0.6, 1.3, strength),
                fill=_between(0.1, 0.6, fill),
                warmth=_between(-0.6, 0.6, warmth),
                background=_between(0.04, 0.5, background),
            )
        )
    return views


def file_stem(character: str) -> str:
    """A name that every system takes, and that training does not take for that of a style.

    Training reads `toon_1` as a head in the style `toon`: there is no underscore here.
    """
    kept = "".join(c if c.isalnum() else "-" for c in character)[:_MOST_NAME].strip("-")
    return kept or "character"


def face_frame(points: Sequence[Point]) -> FaceFrame:
    """The axes of the face with these landmarks."""
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


def direction(face: FaceFrame, azimuth_deg: float, elevation_deg: float) -> Point:
    """From the face towards something, in the world, of length 1."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    parts = (
        math.sin(azimuth) * math.cos(elevation),
        math.sin(elevation),
        math.cos(azimuth) * math.cos(elevation),
    )
    return mixed(parts, (face.left, face.up, face.forward))


def camera_pose(face: FaceFrame, view: SetView) -> list[list[float]]:
    """4x4, rows first, camera to world: it looks along its -z at the middle of the face."""
    back = direction(face, view.yaw_deg, view.pitch_deg)
    right = unit(cross(face.up, back))
    up = cross(back, right)
    distance = PICTURE_IN_EYE_DISTANCES * face.eye_distance * LENS_MM / SENSOR_MM
    place = mixed((1.0, distance), (face.middle, back))
    rows = [[right[i], up[i], back[i], place[i]] for i in range(3)]
    return [*rows, [0.0, 0.0, 0.0, 1.0]]


def landmarks_in_view(
    points: Sequence[Point], face: FaceFrame, view: SetView, size_px: int
) -> dict[str, list[float]]:
    """Positions of the landmarks in the pictures of a view, in pixels, by name."""
    pose = camera_pose(face, view)
    right, up, back, place = (tuple(pose[i][j] for i in range(3)) for j in range(4))
    focal = 2 * LENS_MM / SENSOR_MM
    depth = (-back[0], -back[1], -back[2], dot(back, place))
    rows = [
        [focal * right[0], focal * right[1], focal * right[2], -focal * dot(right, place)],
        [focal * up[0], focal * up[1], focal * up[2], -focal * dot(up, place)],
        list(depth),
        list(depth),
    ]
    taken = CameraView(
        clip_from_world=rows, depth_from_world=depth, width_px=size_px, height_px=size_px
    )
    pixels = (pixel_from_world(taken, point) for point in points)
    return {
        name: [round(x, 3) for x in pixel]
        for name, pixel in zip(LANDMARK_NAMES, pixels, strict=True)
        if pixel is not None
    }


def lamps(face: FaceFrame, view: SetView) -> list[dict[str, Any]]:
    """Two distant lamps: from where they shine, how strongly, in which colour (linear)."""
    side = -1 if view.key_azimuth_deg >= 0 else 1
    places = (
        (view.key_azimuth_deg, view.key_elevation_deg, 1.0),
        (side * 60.0, 10.0, view.fill),
    )
    colour = [1.0 + 0.28 * view.warmth, 1.0, 1.0 - 0.38 * view.warmth]
    return [
        {
            "towards": list(direction(face, azimuth, elevation)),
            "strength": view.key_strength * share,
            "colour": colour,
        }
        for azimuth, elevation, share in places
    ]


def _between(low: float, high: float, share: float) -> float:
    return round(low + (high - low) * share, 4)
