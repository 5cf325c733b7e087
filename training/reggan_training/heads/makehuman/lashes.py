"""Lashes as thin triangles that stand on the rims of the lids and turn with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.eyeball import Eye
from reggan_training.heads.anatomy.lids import LidRings
from reggan_training.heads.anatomy.meshes import Points

_HALF_WIDTH = 0.00022
_FAN = 0.9
_ENDS = 0.08
"""Share of the rim at each corner of the eye that bears no lash."""


@dataclass(frozen=True, kw_only=True)
class LashRow:
    """One row of lashes: how many, how long (metres), and how steeply they leave the eye."""

    count: int
    length: float
    rise: float


_ROWS: Mapping[str, LashRow] = {
    "upper": LashRow(count=30, length=0.0065, rise=0.5),
    "lower": LashRow(count=22, length=0.0035, rise=-0.5),
}
LASH_TRIANGLES = 2 * sum(row.count for row in _ROWS.values())


def lash_faces() -> Int[np.ndarray, "triangles 4"]:
    """The faces of both eyes' lashes: three points each, the last repeated."""
    corners = np.arange(3 * LASH_TRIANGLES).reshape(-1, 3)
    return corners[:, [0, 1, 2, 2]]


def lash_points(lids: Mapping[str, LidRings], body: Points, eyes: Mapping[str, Eye]) -> Points:
    """Points of both eyes' lashes on a body in any state, three for each lash."""
    points = []
    for side, lid in lids.items():
        for name, rings in (("upper", lid.upper_rings), ("lower", lid.lower_rings)):
            rim = 0.3 * body[rings[0]] + 0.7 * body[rings[1]]
            points.append(_row(_ROWS[name], rim, eyes[side]))
    return np.concatenate(points)


def _row(row: LashRow, rim: Float[np.ndarray, "rim 3"], eye: Eye) -> Points:
    steps = np.linalg.norm(np.diff(rim, axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    at = np.linspace(_ENDS, 1 - _ENDS, row.count)
    root, before, after = (
        np.column_stack([np.interp(at + step, place, axis) for axis in rim.T])
        for step in (0.0, -0.04, 0.04)
    )
    along, out = _unit(after - before), _unit(root - eye.centre)
    up = _unit(np.cross(out, along))
    fan = _FAN * (at - 0.5)[:, None]
    tip = root + row.length * _unit(out + row.rise * up + fan * along)
    foot = _HALF_WIDTH * along
    return np.stack([root - foot, root + foot, tip], axis=1).reshape(-1, 3)


def _unit(vectors: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
