"""Lines in a picture of a head: edges of masks, middles of regions, and a smooth map of places.

A place is (x, y) in pixels from the top left; the middle of the first pixel is (0.5, 0.5).
"""

from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float

Place = Float[np.ndarray, "_ 2"]
_EDGE_PX: Final = 9
"""Width of the window that smooths an edge."""
_LINE_PX: Final = 17
"""Width of the window that smooths a middle line."""
_SOLID: Final = 0.35
"""Weight from which on a pixel counts as the region's."""
_SLACK: Final = 1e-4
"""How loosely `carried` holds on to its places, in parts of the picture's side."""


def largest(mask: Bool[np.ndarray, "side side"]) -> Bool[np.ndarray, "side side"]:
    """The largest connected piece of a mask."""
    _, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    stats[0] = 0
    return label == int(stats[:, cv2.CC_STAT_AREA].argmax())


def outline(mask: Bool[np.ndarray, "side side"]) -> Place:
    """The smoothed edge of a mask, clockwise as one sees it, from its leftmost place on."""
    filled = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    finer = np.kron(filled, np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(finer, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    loop = max(outlines, key=len)[:, 0].astype(float) / 2 + 0.25
    if cv2.contourArea(loop.astype(np.float32), oriented=True) < 0:  # y down: clockwise is positive
        loop = loop[::-1]
    kernel = np.hanning(_EDGE_PX + 2)[1:-1]
    kernel = kernel / kernel.sum()
    wide = np.concatenate([loop[-_EDGE_PX:], loop, loop[:_EDGE_PX]])
    smooth = np.stack([np.convolve(wide[:, k], kernel, "same") for k in (0, 1)], axis=1)
    smooth = smooth[_EDGE_PX:-_EDGE_PX]
    return np.roll(smooth, -int(smooth[:, 0].argmin()), axis=0)


def halves(loop: Place, upper: int, lower: int, *, flips: bool = False) -> tuple[Place, Place]:
    """Places along the upper and the lower edge of a closed line.

    Args:
        loop: clockwise from the left corner; flipped, anticlockwise from some place.
        upper: how many along the upper edge, both corners included.
        lower: how many along the lower edge, without the corners, back to the first one.
        flips: begin at the right corner instead of the left one.
    """
    if flips:
        loop = np.roll(loop, -int(loop[:, 0].argmax()), axis=0)
        turn = int(loop[:, 0].argmin())
    else:
        turn = int(loop[:, 0].argmax())
    over, under = loop[: turn + 1], np.concatenate([loop[turn:], loop[:1]])
    return _spread(over, upper), _spread(under, lower + 2)[1:-1]


def middle_line(weight: Float[np.ndarray, "side side"], count: int) -> Place:
    """Places along the middle of a region that lies across, from the left to the right."""
    rows, columns = np.nonzero(largest(weight > _SOLID))
    height = np.bincount(columns, rows + 0.5) / np.maximum(np.bincount(columns), 1)
    x = np.unique(columns)
    padded = np.pad(height[x], _LINE_PX // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(_LINE_PX) / _LINE_PX, "valid")
    return _spread(np.column_stack([x + 0.5, smooth]), count + 2)[1:-1]


def carried(points: Place, start: Place, end: Place, side_px: int) -> Place:
    """Places under the smooth map that takes `start` to `end`.

    Source: Duchon, Splines minimizing rotation-invariant semi-norms, 1977.
    """
    count = len(start)
    flat = np.column_stack([start / side_px, np.ones(count)])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = -_distances(start, start) / side_px + _SLACK * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.solve(system, np.concatenate([end, np.zeros((3, 2))]))
    bent = -_distances(points, start) / side_px @ weights[:count]
    return bent + np.column_stack([points / side_px, np.ones(len(points))]) @ weights[count:]


def _distances(first: Place, second: Place) -> Float[np.ndarray, "first second"]:
    return np.linalg.norm(first[:, None] - second[None], axis=2)


def _spread(line: Place, count: int) -> Place:
    """Places along a line, equally far from each other, both ends included."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, k]) for k in (0, 1)], axis=1)
