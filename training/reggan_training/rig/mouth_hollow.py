"""Lofted pieces of the mouth: the hollow around the bite, the palate, and toons' plates.

Unit and axes as in `mouth_pieces`.
"""

import numpy as np
from jaxtyping import Float

from reggan_plugin.rig.light import vertex_normals
from reggan_training.heads.anatomy.meshes import Points
from reggan_training.rig.mouth_pieces import Piece

_HOLLOW = np.array(
    [  # z, half width, top, bottom
        (0.14, 0.90, 0.66, -0.86),
        (0.07, 0.74, 0.58, -0.76),
        (0.00, 0.66, 0.53, -0.68),
        (-0.08, 0.61, 0.51, -0.62),
        (-0.16, 0.585, 0.50, -0.58),
        (-0.25, 0.575, 0.48, -0.55),
        (-0.45, 0.57, 0.46, -0.52),
        (-0.65, 0.57, 0.42, -0.50),
        (-0.85, 0.54, 0.38, -0.48),
        (-1.05, 0.46, 0.32, -0.46),
        (-1.22, 0.33, 0.24, -0.42),
        (-1.34, 0.18, 0.14, -0.36),
        (-1.38, 0.04, 0.00, -0.20),
    ]
)
"""Cross sections from behind the lips to the throat. They clear the gums (half width 0.46), and
are wider than any opening, so that a look past the teeth always meets a cheek."""
_ROUND = 0.75
"""Exponent of the sections' outline: 1 is an ellipse, less is squarer."""
_LIPS_CURVE = 0.5
"""Lips and cheeks fall back by so much of x squared; the foremost section lies behind them."""
_AROUND = 40
_PALATE_WIDTH, _PALATE_FRONT, _PALATE_BACK = 0.36, -0.13, -1.02
_PALATE_HIGH, _PALATE_LOW = 0.33, 0.17
_PLATE_HIGH, _PLATE_THICK = 0.36, 0.07
"""A plate covers the gums as well, as far as lips lay them bare."""


def hollow() -> Piece:
    """Cheeks, floor and throat, seen from inside."""
    turns = np.arange(_AROUND) / _AROUND * 2 * np.pi
    x, y = (np.sign(part) * np.abs(part) ** _ROUND for part in (np.cos(turns), np.sin(turns)))
    rings = []
    steps = np.arange(0, len(_HOLLOW) - 0.75, 0.5)  # finer, for the light's sake
    sections = [np.interp(steps, np.arange(len(_HOLLOW)), column) for column in _HOLLOW.T]
    for z, wide, top, bottom in zip(*sections, strict=True):
        across = wide * x
        near = np.clip((z + 0.7) / 0.8, 0, 1)
        back = z - near * _LIPS_CURVE * np.minimum(np.abs(across), 0.8) ** 2
        rings.append(np.stack([across, np.where(y > 0, top * y, -bottom * y), back], axis=1))
    end = np.array([[0.0, -0.1, -1.40]])
    points = np.concatenate([*rings, end])
    ring, place = np.divmod(np.arange((len(rings) - 1) * _AROUND), _AROUND)
    a, b = ring * _AROUND + place, ring * _AROUND + (place + 1) % _AROUND
    sides = np.concatenate(
        [np.stack([a, a + _AROUND, b], axis=1), np.stack([b, a + _AROUND, b + _AROUND], axis=1)]
    )
    last = (len(rings) - 1) * _AROUND + np.arange(_AROUND)
    cap = np.stack([last, np.full(_AROUND, len(points) - 1), np.roll(last, -1)], axis=1)
    return _facing(points, np.concatenate([sides, cap]), np.array([0.0, 0.0, -0.5]))


def palate() -> Piece:
    """The vault between the upper teeth, falling to the soft palate behind."""
    across, along = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(0, 1, 15))
    z = _PALATE_FRONT + along * (_PALATE_BACK - _PALATE_FRONT)
    half = _PALATE_WIDTH * np.minimum(1, 0.45 + 1.3 * along)
    rise = np.sin(np.pi * np.clip(0.14 + 0.75 * along, 0, 1)) ** 0.7
    vault = _PALATE_LOW + (_PALATE_HIGH - _PALATE_LOW) * rise * (1 - np.abs(across) ** 2.5)
    ridges = 0.006 * np.sin(along * 70) * np.clip(1 - along / 0.45, 0, 1) * (1 - across**2)
    points = np.stack([half * across, vault + ridges, z], axis=-1).reshape(-1, 3)
    return _facing(points, _grid(*across.shape), np.array([0.0, -0.6, -0.5]))


def plate(teeth: Points, *, is_upper: bool) -> Piece:
    """A smooth band in place of a row of teeth, from the row's own edge and arch."""
    middle = np.array([0.0, 0.0, -0.45])
    away = teeth - middle
    turns = np.arctan2(away[:, 0], away[:, 2])
    steps = np.linspace(-1.45, 1.45, 31)
    reach = _outline(turns, np.hypot(away[:, 0], away[:, 2]), steps)
    is_front = np.abs(turns) < 0.5
    edge = np.percentile(teeth[is_front, 1], 2 if is_upper else 98)
    up = 1 if is_upper else -1
    # across the band: behind the edge, the rounded edge itself, then up its bulging front
    heights = np.array([0.10, 0.012, 0.0, 0.012, 0.05, 0.14, 0.24, _PLATE_HIGH])
    inwards = np.array([_PLATE_THICK, 0.055, 0.03, 0.012, 0.0, -0.015, -0.02, 0.0])
    radius = reach[:, None] - inwards
    points = np.stack(
        [
            radius * np.sin(steps)[:, None],
            np.broadcast_to(edge + up * heights, radius.shape),
            middle[2] + radius * np.cos(steps)[:, None],
        ],
        axis=-1,
    ).reshape(-1, 3)
    triangles = _grid(len(steps), len(heights))
    return _oriented(points, triangles if is_upper else triangles[:, ::-1])


def _outline(
    turns: Float[np.ndarray, " points"],
    reach: Float[np.ndarray, " points"],
    steps: Float[np.ndarray, " steps"],
) -> Float[np.ndarray, " steps"]:
    """Outer radius by turn: the largest near each step, as an even polynomial."""
    rims = np.array([reach[np.abs(turns - step) < 0.12].max() for step in steps])
    return np.polynomial.Polynomial.fit(steps**2, rims, 4)(steps**2)


def _grid(rows: int, columns: int) -> np.ndarray:
    row, column = np.divmod(np.arange((rows - 1) * (columns - 1)), columns - 1)
    corner = row * columns + column
    below = corner + columns
    return np.concatenate(
        [
            np.stack([corner, below, below + 1], axis=1),
            np.stack([corner, below + 1, corner + 1], axis=1),
        ]
    )


def _facing(points: Points, triangles: np.ndarray, towards: Float[np.ndarray, "3"]) -> Piece:
    """The surface whose triangles, on the whole, face a point."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    facing = (np.cross(b - a, c - a) * (towards - (a + b + c) / 3)).sum(axis=1)
    return _oriented(points, triangles if np.sum(facing) > 0 else triangles[:, ::-1])


def _oriented(points: Points, triangles: np.ndarray) -> Piece:
    return Piece(points=points, normals=vertex_normals(points, triangles), triangles=triangles)
