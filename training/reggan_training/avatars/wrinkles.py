"""Lines of age and of expressions, as one height map over the head's texture."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.uv_layout import cylinder_from_texels

Map = Float[np.ndarray, "side side"]
Curve = tuple[tuple[float, float], ...]

_RADIUS_M = 0.1
"""Of the head around the texture's axis, to turn angles into lengths."""
_WIDTH_M = 0.00135

# Points are angle (radians from the middle of the face) and height over the eyes (metres);
# every curve off the middle is drawn on both sides.
_GROUPS: dict[str, tuple[Curve, ...]] = {
    "forehead": tuple(
        ((0.0, level), (0.2, level + 0.0012), (0.38, level + 0.0002), (0.50, level - 0.0036))
        for level in (0.0336, 0.0411, 0.0486, 0.0561)
    ),
    "glabella": (
        ((0.045, 0.0091), (0.052, 0.0156), (0.045, 0.0226), (0.050, 0.0286)),
        ((0.105, 0.0126), (0.092, 0.0176), (0.090, 0.0226)),
    ),
    "crow_feet": (
        ((0.455, 0.0011), (0.51, 0.0041), (0.575, 0.0091)),
        ((0.460, -0.0014), (0.53, -0.0004), (0.610, 0.0006)),
        ((0.450, -0.0039), (0.51, -0.0059), (0.580, -0.0104)),
    ),
    "under_eye": (((0.165, -0.0049), (0.23, -0.0104), (0.31, -0.0124), (0.40, -0.0094)),),
    "nasolabial": (
        ((0.150, -0.0329), (0.195, -0.0414), (0.250, -0.0519), (0.282, -0.0624), (0.280, -0.0714)),
    ),
    "marionette": (((0.242, -0.0724), (0.260, -0.0804), (0.266, -0.0894)),),
    "nose": (
        ((0.035, -0.0014), (0.080, -0.0044), (0.105, -0.0099)),
        ((0.030, -0.0074), (0.075, -0.0104), (0.095, -0.0154)),
        ((0.0, 0.0041), (0.035, 0.0038)),
    ),
    "chin": (((0.0, -0.0849), (0.09, -0.0864), (0.15, -0.0914)),),
}
_AGE_DEPTHS = {
    "forehead": 0.35,
    "glabella": 0.25,
    "crow_feet": 0.4,
    "under_eye": 0.5,
    "nasolabial": 0.5,
    "marionette": 0.45,
    "nose": 0.0,
    "chin": 0.1,
}


def wrinkle_height(depths: Mapping[str, float], age: float, side_px: int) -> Map:
    """Height of the skin over its smooth shape, about −1 (bottom of a line) to 0.4 (its edge).

    `depths` gives how far an expression folds each kind of line, 0..1; what lies beside a kind
    is folded along. `age` (0..1) adds the lines that stay and deepens those
    that come.
    """
    depths = {
        **depths,
        "under_eye": 0.6 * depths.get("crow_feet", 0.0) + 0.3 * depths.get("nose", 0.0),
        "marionette": 0.6 * depths.get("chin", 0.0),
    }
    height = np.zeros((side_px, side_px))
    for group, resting in _AGE_DEPTHS.items():
        folded = depths.get(group, 0.0) * (0.45 + 0.55 * age)
        depth = min(1.3, folded + resting * max(0.0, age - 0.15))
        if depth > 0:
            height += depth * _group_map(group, side_px)
    return height


@cache
def _group_map(group: str, side_px: int) -> Map:
    angle, up = cylinder_from_texels(side_px)
    x, y = np.abs(angle) * _RADIUS_M, up
    total = np.zeros_like(x)
    for curve in _GROUPS[group]:
        points = np.array(curve) * (_RADIUS_M, 1.0)
        distance, along = _distance_to_curve(x, y, points)
        fade = np.interp(
            along, [0.0, 0.12, 0.75, 1.0], [0.35 if curve[0][0] > 0.01 else 1.0, 1, 1, 0.1]
        )
        near = distance / _WIDTH_M
        profile = -np.exp(-(near**2)) + 0.4 * np.exp(-((near - 1.9) ** 2))
        total = np.where(np.abs(profile) > np.abs(total), profile * fade, total)
    return total


def _distance_to_curve(x: Map, y: Map, points: Float[np.ndarray, "corners 2"]) -> tuple[Map, Map]:
    """Distance to a polyline (metres), and how far along it the nearest point lies (0..1)."""
    starts, steps = points[:-1], np.diff(points, axis=0)
    lengths = np.hypot(*steps.T)
    before = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    best, along = np.full_like(x, np.inf), np.zeros_like(x)
    for start, step, length, passed in zip(starts, steps, lengths, before, strict=True):
        part = (((x - start[0]) * step[0] + (y - start[1]) * step[1]) / length**2).clip(0, 1)
        distance = np.hypot(x - start[0] - part * step[0], y - start[1] - part * step[1])
        along = np.where(distance < best, (passed + part * length) / lengths.sum(), along)
        best = np.minimum(best, distance)
    return best, along
