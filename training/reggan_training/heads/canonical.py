"""Bring a head to the place that procedural paint expects."""

from typing import Final

import numpy as np
from jaxtyping import Float

CANONICAL_NOSE_Y: Final = -0.6
CANONICAL_MOUTH_Y: Final = -1.1
CANONICAL_CHIN_Y: Final = -1.75


def canonical_from_rest(
    rest: Float[np.ndarray, "vertices 3"], *, nose_y: float, mouth_y: float, chin_y: float
) -> Float[np.ndarray, "vertices 3"]:
    """Stretch heights piecewise so that nose tip, mouth and chin lie where all heads have them.

    Above the eyes and below the chin, heights are only moved.

    Raises:
        ValueError: the heights are not in this order below the eyes (0).
    """
    known = np.array([chin_y, mouth_y, nose_y, 0.0])
    if not (np.diff(known) > 0).all():
        raise ValueError(f"nose, mouth and chin must lie below the eyes in this order: {known}")
    wanted = np.array([CANONICAL_CHIN_Y, CANONICAL_MOUTH_Y, CANONICAL_NOSE_Y, 0.0])
    y = rest[:, 1]
    canonical = rest.copy()
    canonical[:, 1] = np.interp(y, known, wanted)
    canonical[:, 1] += np.maximum(y, 0) + np.minimum(y - chin_y, 0)
    return canonical
