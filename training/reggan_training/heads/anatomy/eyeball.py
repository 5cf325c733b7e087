"""An eyeball: a sphere with a cornea, its pole where it looks."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from reggan_training.heads.anatomy.meshes import Faces, Points

_CORNEA_DEG = 30.0
_CORNEA_BULGE = 0.035
_SEGMENTS = 32
_RINGS_DEG = (*range(3, 48, 3), *range(51, 100, 6), 110, 125, 145, 165)


@dataclass(frozen=True, kw_only=True, eq=False)
class Eye:
    """An eyeball at rest: its centre and radius in metres."""

    centre: Float[np.ndarray, "3"]
    radius: float


def _bulged(polar: Float[np.ndarray, "*angles"]) -> Float[np.ndarray, "*angles"]:
    """Radius of the eyeball at an angle (radians) from where it looks, its white being 1."""
    share = np.clip(polar / np.deg2rad(_CORNEA_DEG), 0, 1)
    return 1 + _CORNEA_BULGE * np.cos(share * np.pi / 2) ** 2


def surface_radius(
    directions: Float[np.ndarray, "points 3"], yaw_deg: float, pitch_deg: float
) -> Float[np.ndarray, " points"]:
    """Radius of the eyeball in unit directions from its centre, its white being 1."""
    yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
    gaze = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    return _bulged(np.arccos(np.clip(directions @ gaze, -1, 1)))


@cache
def _unit_ball() -> tuple[Points, Faces]:
    turn = np.arange(_SEGMENTS) * (2 * np.pi / _SEGMENTS)
    polar = np.deg2rad(np.array(_RINGS_DEG, dtype=np.float64))[:, None]
    rings = np.stack(
        [np.sin(polar) * np.cos(turn), -np.cos(polar) + 0 * turn, np.sin(polar) * np.sin(turn)],
        axis=2,
    )
    bulge = _bulged(polar)
    poles = np.array([[0.0, -1 - _CORNEA_BULGE, 0.0], [0.0, 1.0, 0.0]])
    points = np.concatenate([poles, (rings * bulge[:, :, None]).reshape(-1, 3)])
    grid = 2 + np.arange(len(_RINGS_DEG) * _SEGMENTS).reshape(-1, _SEGMENTS)
    right = np.roll(grid, -1, axis=1)
    sides = np.stack([grid[:-1], grid[1:], right[1:], right[:-1]], axis=2).reshape(-1, 4)
    front = np.stack([0 * grid[0], grid[0], right[0], right[0]], axis=1)
    back = np.stack([0 * grid[0] + 1, right[-1], grid[-1], grid[-1]], axis=1)
    return points, np.concatenate([front, sides, back])


def eye_faces() -> Faces:
    """An eyeball's faces."""
    return _unit_ball()[1]


def eye_points(
    centre: Float[np.ndarray, "3"], radius: float, yaw_deg: float, pitch_deg: float
) -> Points:
    """An eyeball's points in metres, looking along −y when yaw and pitch are 0.

    Positive yaw looks towards +x, positive pitch up.
    """
    pitch, yaw = np.deg2rad(-pitch_deg), np.deg2rad(yaw_deg)
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    return centre + radius * _unit_ball()[0] @ (about_z @ about_x).T
