"""How much of a view counts on the surface: it fades as that turns away, and reaches into folds."""

import numpy as np

from reggan_plugin.array_types import Float

GRAZING, FULL = 0.08, 0.30
"""Cosines between the surface's normal and the way to the camera: nothing changes at an angle
beyond 85 degrees, everything within 72."""
SAME_PLACE = 3e-4
"""A surface this much (in parts of the distance) nearer than a texel's own point hides it."""
FOLD = 4e-3
"""Depth of a fold in parts of the distance: 3 mm on a face, such as between closed lips."""
INTO_FOLD = -0.5
"""The cosine up to which a surface may turn away inside a fold."""


def facing_of(
    points: Float[np.ndarray, "points 3"],
    normals: Float[np.ndarray, "points 3"],
    eye: Float[np.ndarray, "3"],
) -> Float[np.ndarray, " points"]:
    """Cosines between normals and the way to the camera."""
    towards = eye - points
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    return np.asarray((normals * towards).sum(axis=1), np.float32)


def share_of_facing(facing: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """How much of a change counts, 0 to 1: all from `FULL` on, nothing up to `GRAZING`."""
    clipped = np.clip((facing - GRAZING) / (FULL - GRAZING), 0.0, 1.0)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))
