"""Contours of lids and lips: on a mesh seen from the front, and as a picture shows them."""

from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.rig.layout import rows_of
from reggan_training.heads.head import HeadMesh, Part, Vertices
from reggan_training.landmarks.drawn_on import SIDE_PX
from reggan_training.pairs.camera import Camera
from reggan_training.pairs.rasterising import HeadScene

Place = Float[np.ndarray, "_ 2"]
_EDGE_PX: Final = 9
"""Width of the window that smooths an edge."""
_LINE_PX: Final = 17
"""Width of the window that smooths a middle line."""
_SOLID: Final = 0.35
"""Weight from which on a pixel counts as the region's."""
_SLACK: Final = 1e-4
"""How loosely `carried` holds on to its places, in parts of the picture's side."""

_WORN: Final = (Part.HAIR, Part.GLASSES, Part.BEARD, Part.LASHES, Part.BROWS)
_INSIDE: Final = (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE, Part.SOCKET)
_MOUTH_PX: Final = 384
"""Side of the closer look at the mouth."""
_STEPS: Final = 160
"""Places that are looked at between an upper lip and a lower one."""
_LIP: Final = 0.10
"""How far above and below its inner landmarks the mouth's opening is looked for, in its widths."""
Points = Float[np.ndarray, "points 2"]


def largest(mask: Bool[np.ndarray, "side side"]) -> Bool[np.ndarray, "side side"]:
    """Find the largest connected piece of a mask."""
    _, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    stats[0] = 0
    return label == int(stats[:, cv2.CC_STAT_AREA].argmax())


def outline(mask: Bool[np.ndarray, "side side"]) -> Place:
    """Trace the smoothed edge of a mask, clockwise as one sees it, from its leftmost place on."""
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


def seen_edges(points: Points, viewed: Vertices, head: HeadMesh, camera: Camera) -> Points:
    """Move landmarks of lids and lips to where their edges are seen: what overlaps, meets.

    Args:
        points: of the mesh, pixels; not changed.
        viewed: vertices in the camera's space.
        head: with the triangles that face the camera.
        camera: that draws the picture.
    """
    points = points.copy()
    for side in ("right", "left"):
        _meet_lids(points, side)
    _find_lips(points, viewed, head, camera)
    return points


def _meet_lids(points: Points, side: str) -> None:
    """Bring lids that overlap to the middle between them, in place."""
    upper, lower = rows_of("lid_upper", side)[1:-1], rows_of("lid_lower", side)[::-1]
    down = _down(points, rows_of("lid_upper", side), from_left=side == "right")
    over = ((points[lower] - points[upper]) @ down) < 0
    middle = (points[upper[over]] + points[lower[over]]) / 2
    points[upper[over]] = points[lower[over]] = middle


def _find_lips(points: Points, viewed: Vertices, head: HeadMesh, camera: Camera) -> None:
    """Bring the inner landmarks of the lips to the opening that is seen, in place.

    The mesh's own inner line of a lip misses it by 1.5 % of the eye distance: along each pair of
    points, the ends of what is seen of the inside are looked for.
    """
    whole = rows_of("lip_inner_upper")
    down = _down(points, whole, from_left=True)
    width = np.linalg.norm(points[whole[-1]] - points[whole[0]])
    centre, reach = points[whole].mean(axis=0), 0.75 * width + 8
    inside = _seen_inside(viewed, head, camera, centre, float(reach))
    scale = _MOUTH_PX / (2 * reach)
    lip = _LIP * width * down
    for top, bottom in zip(whole[1:-1], rows_of("lip_inner_lower")[::-1], strict=True):
        start, end = points[top] - lip, points[bottom] + lip
        middle = (points[top] + points[bottom]) / 2
        if (end - start) @ down < 1:
            start, end = middle - lip, middle + lip
        line = start + np.linspace(0, 1, _STEPS)[:, None] * (end - start)
        cells = np.clip(((line - (centre - reach)) * scale).astype(int), 0, _MOUTH_PX - 1)
        hit = np.flatnonzero(inside[cells[:, 1], cells[:, 0]])
        if len(hit) > 1:
            points[top], points[bottom] = line[hit[0]], line[hit[-1]]
        else:
            points[top] = points[bottom] = middle


def _seen_inside(
    viewed: Vertices, head: HeadMesh, camera: Camera, centre: Float[np.ndarray, "2"], reach: float
) -> Bool[np.ndarray, "side side"]:
    """Where the mouth's inside is seen, in the square of so many pixels around a place."""
    low, high = (centre - reach) / SIDE_PX, (centre + reach) / SIDE_PX
    bare = ~np.isin(head.parts, _WORN)
    scene = HeadScene(viewed, head.triangles[bare], camera)
    triangle = scene.cast((low[0], low[1], high[0], high[1]), _MOUTH_PX).triangle
    part = np.where(triangle >= 0, head.parts[bare][triangle], Part.SKIN)
    return np.isin(part, _INSIDE)


def _down(
    points: Points, rows: Int[np.ndarray, " rows"], *, from_left: bool
) -> Float[np.ndarray, "2"]:
    """Return the unit vector down, at right angles to the line from first to last landmark."""
    across = points[rows[-1]] - points[rows[0]]
    across = across if from_left else -across
    return np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
