"""Where the lips meet: the same line of canonical coordinates on every head.

Canonical coordinates bring the corners of mouths to one place, but not the line between the lips:
heads differ there by a lip's half. What moves with the jaw is asked for it, and both lips are
stretched so that they meet at one height.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from reggan_training.heads.canonical import CANONICAL_MOUTH_Y
from reggan_training.heads.head import REGIONS, Part
from reggan_training.pairs.rasterised_head import RasterisedHead

SEAM_Y: Final = CANONICAL_MOUTH_Y
MOUTH_CORNER_X: Final = 0.41
"""Canonical |x| of the corners, in eye distances."""
LOWER_JAW: Final = 102
"""From this value of `RasterisedHead.jaw` on, a vertex of the mouth is on the lower side."""
_LEAST_LIPS = 100
_KNOTS = (0.0, 0.1, 0.2, 0.3, 0.36)
_HALF_KNOT = 0.04
_REACH = 0.4
"""Canonical height over which the stretching fades."""


def seam_aligned(head: RasterisedHead) -> Float[np.ndarray, "vertices 3"]:
    """Canonical coordinates in which the lips meet at `SEAM_Y`.

    Heads without lips that a jaw opens keep theirs.
    """
    place = head.canonical
    seam = _seam_at(head, np.abs(place[:, 0]))
    nearness = np.clip(1 - np.abs(place[:, 1] - seam) / _REACH, 0, 1)
    aligned = place.copy()
    aligned[:, 1] += (SEAM_Y - seam) * nearness
    return aligned


def _seam_at(
    head: RasterisedHead, side: Float[np.ndarray, " vertices"]
) -> Float[np.ndarray, " vertices"]:
    """Height of the seam at distances from the middle."""
    is_skin = np.zeros(len(head.canonical), dtype=bool)
    is_skin[head.triangles[head.parts == Part.SKIN]] = True
    lips = is_skin & (head.regions[:, REGIONS.index("lips")] > _LEAST_LIPS)
    is_lower = head.jaw >= LOWER_JAW
    height = head.canonical[:, 1]
    knots, heights = [], []
    for knot in _KNOTS:
        near = lips & (np.abs(np.abs(head.canonical[:, 0]) - knot) < _HALF_KNOT)
        upper, lower = height[near & ~is_lower], height[near & is_lower]
        if len(upper) and len(lower):
            knots.append(knot)
            heights.append((upper.min() + lower.max()) / 2)
    if not knots:
        return np.full_like(side, SEAM_Y)
    return np.interp(side, knots, heights).astype(side.dtype)
