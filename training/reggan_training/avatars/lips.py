"""Lips that meet each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_training.avatars.assets import HeadAssets
from reggan_training.avatars.meshes import Points

_UPPER_BONES = ("oris05", "oris03.L", "oris03.R", "levator06.L", "levator06.R")
_LOWER_BONES = ("oris01", "oris07.L", "oris07.R", "jaw")
_LIP_LINE = 0.6606  # height of the base mesh's lip line, and how it rises to the corners
_LIP_LINE_RISE = 1.3
_HALF_MOUTH = 0.0248
_COLUMNS = 45
_OVERLAP = 0.0003
_UPPER_SHARE = 0.35
_REACH_SIDES, _REACHES = (0.014, 0.020), (0.0028, 0.0009)
"""How far to either side the points of one place are sought: the mesh is finer at the corners."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lips:
    """Body points of both lips and around them, with how far each goes when lips are closed.

    `columns` holds for each place across the mouth the points that can meet there.
    """

    upper: Int[np.ndarray, " upper"]
    lower: Int[np.ndarray, " lower"]
    upper_share: Float[np.ndarray, " upper"]
    lower_share: Float[np.ndarray, " lower"]
    upper_side: Float[np.ndarray, " upper"]
    lower_side: Float[np.ndarray, " lower"]
    columns: tuple[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]], ...]

    def gaps(self, body: Points) -> Float[np.ndarray, " columns"]:
        """How far the lips are apart at each place across the mouth, metres; below 0: overlap."""
        return np.array(
            [
                body[upper, 2].min() - body[lower, 2].max() if len(upper) and len(lower) else -1.0
                for upper, lower in self.columns
            ]
        )

    def close(self, body: Points, share: float) -> None:
        """Bring the lips together in place by a share of the gap; 1 = they meet."""
        for _ in range(2):
            shut = share * np.maximum(self.gaps(body) + _OVERLAP, 0)
            if not shut.any():
                return
            wide = np.pad(shut, 2, mode="edge")
            shut = np.maximum(shut, np.convolve(wide, np.ones(5) / 5, mode="valid"))
            places = _column_sides()
            body[self.upper, 2] -= (
                _UPPER_SHARE * self.upper_share * np.interp(self.upper_side, places, shut)
            )
            body[self.lower, 2] += (
                (1 - _UPPER_SHARE) * self.lower_share * np.interp(self.lower_side, places, shut)
            )


def _column_sides() -> Float[np.ndarray, " columns"]:
    return np.linspace(-_HALF_MOUTH, _HALF_MOUTH, _COLUMNS)


def find_lips(
    assets: HeadAssets, kept: Int[np.ndarray, " kept"], is_lip: Bool[np.ndarray, " kept"]
) -> Lips:
    """The lips on the base mesh among the body points that are kept."""
    rig = assets.rig
    base = assets.base.points[kept]
    above, below = (
        rig.weights[kept][:, [rig.bones.index(bone) for bone in bones]].sum(axis=1)
        for bones in (_UPPER_BONES, _LOWER_BONES)
    )
    side = base[:, 0]
    line = _LIP_LINE + _LIP_LINE_RISE * side**2
    near = 1 - _smooth((np.abs(base[:, 2] - line) - 0.002) / 0.012)
    meets = is_lip & (near > 0.95) & (base[:, 1] < -0.135)
    near = near * (1 - _smooth((np.abs(side) - 0.0245) / 0.007)) * (base[:, 1] < -0.125)
    is_upper = (above > below) & (near > 0) & (base[:, 2] > line - 0.004)
    is_lower = (above <= below) & (near > 0) & (base[:, 2] < line + 0.004)
    places = _column_sides()
    reaches = np.interp(np.abs(places), _REACH_SIDES, _REACHES)
    beside = [np.abs(side - p) < reach for p, reach in zip(places, reaches, strict=True)]
    columns = tuple(
        (kept[meets & is_upper & column], kept[meets & is_lower & column]) for column in beside
    )
    return Lips(
        upper=kept[is_upper],
        lower=kept[is_lower],
        upper_share=near[is_upper],
        lower_share=near[is_lower],
        upper_side=side[is_upper],
        lower_side=side[is_lower],
        columns=columns,
    )


def _smooth(value: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    share = np.clip(value, 0, 1)
    return share * share * (3 - 2 * share)
