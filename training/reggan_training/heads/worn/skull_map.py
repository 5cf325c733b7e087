"""Distance of the skin from the middle of the head by direction, so that hair stays out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reggan_training.heads.worn.mesh_wearer import MeshWearer
from reggan_training.heads.worn.strands import scatter_roots

_ROWS, _COLUMNS = 72, 144
_SAMPLES = 120_000
_PULL = 60.0
_CENTRE = np.array([0.0, 0.07, 0.0])
"""The middle of the head between and behind the eyes, as offset from between them, metres."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SkullMap:
    """Radius of the head (without ears) by direction from its centre, in metres.

    Rows run from straight up to straight down, columns once around.
    """

    centre: Float[np.ndarray, "3"]
    radius: Float[np.ndarray, "rows columns"]

    def outwards(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Return unit vectors from the centre to the points."""
        away = points - self.centre
        return away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)

    def skin_radius(self, out: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
        """Distance of the skin in these directions, read between the nearest four cells."""
        row, column = (cell - 0.5 for cell in _cells(out))  # cells hold their middle's value
        row = np.clip(row, 0, _ROWS - 1.001)
        first, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
        down, across = row - first, column - left
        right = (left + 1) % _COLUMNS
        left = left % _COLUMNS
        upper = self.radius[first, left] * (1 - across) + self.radius[first, right] * across
        second = first + 1
        lower = self.radius[second, left] * (1 - across) + self.radius[second, right] * across
        return upper * (1 - down) + lower * down

    def pushed_out(
        self,
        points: Float[np.ndarray, "points 3"],
        rise: Float[np.ndarray, " points"],
        deepest: Float[np.ndarray, " points"],
    ) -> Float[np.ndarray, "points 3"]:
        """Move points out to `rise` above the skin where they are below.

        What lies deeper below that than `deepest` stays where it is: hair that falls onto a
        shoulder, and what lies where the map steps from the nape to the shoulders.
        """
        out = self.outwards(points)
        size = np.linalg.norm(points - self.centre, axis=1)
        wanted = self.skin_radius(out) + rise
        size = np.where(wanted - size < deepest, np.maximum(size, wanted), size)
        return self.centre + out * size[:, None]

    def pull_back(
        self, points: Float[np.ndarray, "points 3"], layer: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, "points 3"]:
        """Outward vectors, the longer (to 1) the more points stand off beyond their layer.

        Below the widest part of the head they are 0: hair hangs there.
        """
        out = self.outwards(points)
        beyond = np.linalg.norm(points - self.centre, axis=1) - self.skin_radius(out) - layer
        strength = np.clip(beyond * _PULL, 0, 1) * np.clip(2 * out[:, 2] + 0.6, 0, 1)
        return out * strength[:, None]


def skull_map(head: MeshWearer) -> SkullMap:
    """Make the map of a head at rest."""
    random = np.random.default_rng(0)
    skin = scatter_roots(head, 1 - head.region("ears"), _SAMPLES, random).positions
    away = skin - _CENTRE
    size = np.linalg.norm(away, axis=1)
    row, column = (cell.astype(np.int64) for cell in _cells(away / size[:, None]))
    radius = np.zeros((_ROWS, _COLUMNS))
    np.maximum.at(radius, (np.clip(row, 0, _ROWS - 1), column % _COLUMNS), size)
    while (radius == 0).any():
        near = _neighbours(radius)
        radius = np.where(radius == 0, near.max(axis=0), radius)
    return SkullMap(centre=_CENTRE, radius=_neighbours(radius).mean(axis=0))


def _cells(
    out: Float[np.ndarray, "points 3"],
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    row = np.arccos(np.clip(out[:, 2], -1, 1)) / np.pi * _ROWS
    column = (np.arctan2(out[:, 0], out[:, 1]) / (2 * np.pi) % 1) * _COLUMNS
    return row, column


def _neighbours(grid: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "9 rows columns"]:
    rows = np.pad(grid, ((1, 1), (0, 0)), mode="edge")
    both = np.pad(rows, ((0, 0), (1, 1)), mode="wrap")
    return np.stack(
        [both[i : i + grid.shape[0], j : j + grid.shape[1]] for i in range(3) for j in range(3)]
    )
