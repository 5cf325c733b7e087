"""Regions of the skin, lips, lids, brow, scalp …, as a weight for each skin point.

What the assets have masks for is read through the base mesh's uv; the rest is drawn on the
unmorphed base mesh, so that a region means the same points on every head.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.meshes import Points

_MASKS = {
    "lips": "lips",
    "ears": "ears",
    "inside_mouth": "inside-mouth",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """Weights from 0 to 1 of each skin point, by the region's name."""

    weights: Mapping[str, Float[np.ndarray, " points"]]

    def __getitem__(self, name: str) -> Float[np.ndarray, " points"]:
        """Return a region's weights.

        Raises:
            KeyError: no region is called so.
        """
        if name not in self.weights:
            raise KeyError(f"no region is called {name}; there are {', '.join(self.weights)}")
        return self.weights[name]


def read_regions(
    assets: HeadAssets, skin: Int[np.ndarray, " points"], canonical: Points
) -> Regions:
    """All regions over the skin points.

    `canonical` are the skin points of the unmorphed base mesh with the middle between the eyes
    as origin, in metres.
    """
    uv = np.zeros((len(assets.base.points), 2))
    uv[assets.base.faces] = assets.base.uv[assets.base.uv_faces]
    weights = {name: _sampled(assets.mask(mask), uv[skin]) for name, mask in _MASKS.items()}
    for name, draw in _DRAWN.items():
        weights[name] = draw(np.abs(canonical[:, 0]), canonical[:, 1], canonical[:, 2])
    outside = (1 - weights["inside_mouth"]) * (1 - weights["ears"])
    for name in ("scalp", "beard", "moustache", "cheeks"):
        weights[name] *= outside * (1 - weights["lips"])
    return Regions(weights=weights)


def _sampled(
    mask: Float[np.ndarray, "height width"], uv: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, " points"]:
    height, width = mask.shape
    row = np.clip((1 - uv[:, 1]) * height, 0, height - 1).astype(np.int64)
    column = np.clip(uv[:, 0] * width, 0, width - 1).astype(np.int64)
    return mask[row, column]


_Axis = Float[np.ndarray, " points"]


def _step(value: _Axis, low: float, high: float) -> _Axis:
    """0 below `low`, 1 above `high`, smooth between; falls where `high` is the lower."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _hairline(side: _Axis, depth: _Axis) -> _Axis:
    """Height of the hairline over the eyes, in metres, by a point's distance to the back."""
    front = 0.066 - 0.10 * np.maximum(side - 0.035, 0)
    back = np.interp(depth, [-0.02, 0.005, 0.02, 0.055, 0.075], [0.066, 0.03, 0.005, -0.01, -0.05])
    return np.where(depth < -0.02, front, back)


def _scalp(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    return _step(up - _hairline(side, depth), -0.003, 0.003)


def _brow(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    along = np.interp(side, [0.008, 0.02, 0.036, 0.05], [0.0175, 0.0205, 0.023, 0.0165])
    across = 1 - _step(np.abs(up - along), 0.002, 0.0055)
    ends = _step(side, 0.005, 0.010) * (1 - _step(side, 0.045, 0.052))
    return across * ends * (depth < 0.03)


def _beard(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    top = np.interp(side, [0.0, 0.024, 0.032, 0.05, 0.068], [-0.062, -0.062, -0.055, -0.045, 0.0])
    below = _step(top - up, 0.0, 0.006)
    neck = _step(up, -0.135, -0.115) * (1 - _step(depth, 0.035, 0.05))
    return below * neck


def _moustache(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    low = np.interp(side, [0.0, 0.015, 0.03], [-0.062, -0.062, -0.075])
    band = _step(up - low, -0.002, 0.002) * _step(-0.0475 - 0.25 * side - up, -0.003, 0.001)
    return band * (1 - _step(side, 0.027, 0.033)) * (depth < 0.01)


def _cheeks(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    distance = np.hypot((side - 0.04) / 0.026, (up + 0.038) / 0.024)
    return (1 - _step(distance, 0.5, 1.1)) * (depth < 0.05)


def _nose(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    half = np.interp(up, [-0.05, -0.035, -0.02, 0.005], [0.018, 0.02, 0.014, 0.009])
    inside = 1 - _step(side / half, 0.75, 1.1)
    return inside * _step(up, -0.052, -0.046) * (1 - _step(up, 0.0, 0.012)) * (depth < 0.01)


def _eye_rings(side: _Axis, depth: _Axis, up: _Axis) -> _Axis:
    distance = np.hypot((side - 0.031) / 0.024, (up + 0.006) / 0.018)
    return (1 - _step(distance, 0.6, 1.0)) * (depth < 0.02)


_DRAWN: Mapping[str, Callable[[_Axis, _Axis, _Axis], _Axis]] = {
    "scalp": _scalp,
    "brow": _brow,
    "beard": _beard,
    "moustache": _moustache,
    "cheeks": _cheeks,
    "nose": _nose,
    "eye_rings": _eye_rings,
}
