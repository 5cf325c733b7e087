"""The point of the skin that each texel of the head's texture shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.avatars.uv_layout import AXIS_DEPTH_M, uv_from_positions

_DILATION_STEPS = 160


@dataclass(frozen=True, kw_only=True, eq=False)
class TexelMap:
    """For each texel three skin points and their shares; the same on every head."""

    points: Int[np.ndarray, "side side 3"]
    shares: Float[np.ndarray, "side side 3"]

    def paint(self, weights: Float[np.ndarray, " points"]) -> Float[np.ndarray, "side side"]:
        """Values of skin points as a map; row 0 is the top."""
        return (weights[self.points] * self.shares).sum(axis=2)


def face_corner_uv(
    canonical: Float[np.ndarray, "points 3"], faces: Int[np.ndarray, "faces 4"]
) -> Float[np.ndarray, "faces 4 2"]:
    """Texture coordinates of each face's corners; faces across the seam reach beyond u = 1."""
    uv = uv_from_positions(canonical)[faces]
    across = np.ptp(uv[:, :, 0], axis=1) > 0.5
    uv[..., 0] += across[:, None] & (uv[..., 0] < 0.5)
    return uv


def build_texel_map(
    canonical: Float[np.ndarray, "points 3"], faces: Int[np.ndarray, "faces 4"], side_px: int
) -> TexelMap:
    """The map of these faces; where several lie on a texel the outermost is kept."""
    uv = face_corner_uv(canonical, faces)
    distance = np.hypot(canonical[:, 0], canonical[:, 1] - AXIS_DEPTH_M)[faces].mean(axis=1)
    points = np.full((side_px, side_px, 3), -1)
    shares = np.zeros((side_px, side_px, 3))
    place = uv * side_px
    place[..., 1] = side_px - place[..., 1]
    for face in np.argsort(distance, kind="stable"):
        for corners in ((0, 1, 2), (0, 2, 3)):
            chosen = faces[face, list(corners)]
            if len(set(chosen.tolist())) == 3:
                _draw_triangle(points, shares, place[face, list(corners)], chosen)
    _fill_gaps(points, shares)
    return TexelMap(points=points.clip(0), shares=shares)


def _draw_triangle(
    points: Int[np.ndarray, "side side 3"],
    shares: Float[np.ndarray, "side side 3"],
    corners: Float[np.ndarray, "3 2"],
    chosen: Int[np.ndarray, "3"],
) -> None:
    side = len(points)
    low = np.floor(corners.min(axis=0)).astype(int)
    high = np.ceil(corners.max(axis=0)).astype(int) + 1
    rows = np.arange(max(low[1], 0), min(high[1], side))
    columns = np.arange(low[0], high[0])
    (ax, ay), (bx, by), (cx, cy) = corners.tolist()
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(area) < 1e-9 or not len(rows):
        return
    x, y = columns[None, :] + 0.5, rows[:, None] + 0.5
    second = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
    third = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
    first = 1 - second - third
    inside = (first >= -1e-6) & (second >= -1e-6) & (third >= -1e-6)
    row, column = np.nonzero(inside)
    target = rows[row], columns[column] % side
    points[target] = chosen
    shares[target] = np.stack([first[inside], second[inside], third[inside]], axis=1)


def _fill_gaps(
    points: Int[np.ndarray, "side side 3"], shares: Float[np.ndarray, "side side 3"]
) -> None:
    """Texels that no face covers take after their neighbours."""
    for step in range(_DILATION_STEPS):
        empty = points[..., 0] < 0
        if not empty.any():
            return
        axis, way = ((0, 1), (0, -1), (1, 1), (1, -1))[step % 4]
        source, portion = np.roll(points, way, axis), np.roll(shares, way, axis)
        taken = empty & (source[..., 0] >= 0)
        points[taken], shares[taken] = source[taken], portion[taken]
