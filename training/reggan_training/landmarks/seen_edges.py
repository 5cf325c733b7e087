"""Where the edges of lids and lips are seen, which is not always where the mesh has them."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.rig.layout import rows_of
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.landmarks.canvas import SIDE_PX
from reggan_training.pairs.camera import Camera
from reggan_training.pairs.raster import HeadScene

_WORN: Final = (Part.HAIR, Part.GLASSES, Part.BEARD, Part.LASHES, Part.BROWS)
_INSIDE: Final = (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE, Part.SOCKET)
_MOUTH_PX: Final = 384
"""Side of the closer look at the mouth."""
_STEPS: Final = 160
"""Places that are looked at between an upper lip and a lower one."""
_LIP: Final = 0.10
"""How far above and below its inner landmarks the mouth's opening is looked for, in its widths."""

Points = Float[np.ndarray, "points 2"]


def seen_edges(
    points: Points, viewed: Float[np.ndarray, "vertices 3"], head: HeadMesh, camera: Camera
) -> Points:
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


def _find_lips(
    points: Points, viewed: Float[np.ndarray, "vertices 3"], head: HeadMesh, camera: Camera
) -> None:
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
    viewed: Float[np.ndarray, "vertices 3"],
    head: HeadMesh,
    camera: Camera,
    centre: Float[np.ndarray, "2"],
    reach: float,
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
    """Unit vector down, at right angles to the line from the first landmark to the last."""
    across = points[rows[-1]] - points[rows[0]]
    across = across if from_left else -across
    return np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
