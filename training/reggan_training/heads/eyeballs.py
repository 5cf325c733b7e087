"""Eyeballs as spheres: their centres set a head's origin and unit."""

import numpy as np
from jaxtyping import Float


def fit_sphere(points: Float[np.ndarray, "points 3"]) -> tuple[Float[np.ndarray, " 3"], float]:
    """Centre and radius of the sphere nearest to these points (algebraic least squares)."""
    points = points.astype(np.float64)
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre: Float[np.ndarray, " 3"] = solution[:3]
    return centre, float(np.sqrt(max(solution[3] + centre @ centre, 0)))


def angles_from_axis(
    points: Float[np.ndarray, "points 3"],
    centre: Float[np.ndarray, " 3"],
    axis: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, " points"]:
    """Angle in radians between the optical axis and the direction from the centre to a point."""
    arms = points - centre
    lengths = np.linalg.norm(arms, axis=1) * np.linalg.norm(axis)
    cosines = (arms @ axis) / np.maximum(lengths, 1e-12)
    angles: Float[np.ndarray, " points"] = np.arccos(np.clip(cosines, -1, 1))
    return angles
