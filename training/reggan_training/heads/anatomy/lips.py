"""Lips that meet each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.meshes import Points, mirrored_rows

# The lowest points of the upper lip and the highest of the lower lip on hm08, from the middle to
# the avatar's own left corner of the mouth.
_UPPER_LINE = (474, 7229, 7228, 7227, 7226, 11964, 7225, 7181, 7179, 7178, 7193, 10401, 7188)
_LOWER_LINE = (523, 7264, 7265, 7230, 7197, 7206, 7204, 10376, 7192)
_UPPER_BONES = ("oris05", "oris03.L", "oris03.R", "levator06.L", "levator06.R")
_LOWER_BONES = ("oris01", "oris07.L", "oris07.R", "jaw")
_LINE_HEIGHT, _LINE_RISE = 0.6606, 1.3
"""Height of the base mesh's lip line in its middle, and how it rises with the side's square."""
_HALF_MOUTH = 0.0246
_PLACES = 45
_OVERLAP = 0.0004
_UPPER_SHARE = 0.35


@dataclass(frozen=True, kw_only=True, eq=False)
class LipSide:
    """One lip: its points with how far each goes along when it moves, and the line that meets.

    `side` and `line_side` are places across the base mesh's mouth, metres from its middle.
    """

    rows: Int[np.ndarray, " points"]
    share: Float[np.ndarray, " points"]
    side: Float[np.ndarray, " points"]
    line: Int[np.ndarray, " line"]
    line_side: Float[np.ndarray, " line"]

    def heights(self, body: Points) -> Float[np.ndarray, " places"]:
        """Height of the line at each place across the mouth."""
        return np.interp(_places(), self.line_side, body[self.line, 2])

    def lift(self, body: Points, by: Float[np.ndarray, " places"]) -> None:
        """Raise the lip in place by so much at each place across the mouth."""
        body[self.rows, 2] += self.share * np.interp(self.side, _places(), by)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lips:
    """Both lips."""

    upper: LipSide
    lower: LipSide

    def gaps(self, body: Points) -> Float[np.ndarray, " places"]:
        """Distance of the lips at each place across the mouth, metres; below 0: overlap."""
        return self.upper.heights(body) - self.lower.heights(body)

    def close(self, body: Points, share: float) -> None:
        """Bring the lips together in place by a share of the gap; 1 = they meet."""
        for _ in range(2):
            shut = share * np.maximum(self.gaps(body) + _OVERLAP, 0)
            if not shut.any():
                return
            soft = np.convolve(np.pad(shut, 2, mode="edge"), np.ones(5) / 5, mode="valid")
            shut = np.maximum(shut, soft)
            self.upper.lift(body, -_UPPER_SHARE * shut)
            self.lower.lift(body, (1 - _UPPER_SHARE) * shut)


def _places() -> Float[np.ndarray, " places"]:
    return np.linspace(-_HALF_MOUTH, _HALF_MOUTH, _PLACES)


def find_lips(assets: HeadAssets, kept: Int[np.ndarray, " kept"]) -> Lips:
    """The lips on the base mesh among the body points that are kept."""
    base = assets.base.points
    points = base[kept]
    above, below = (
        np.sum([assets.skin_weights[bone][kept] for bone in bones], axis=0)
        for bones in (_UPPER_BONES, _LOWER_BONES)
    )
    side = points[:, 0]
    over_line = points[:, 2] - _LINE_HEIGHT - _LINE_RISE * side**2
    near = 1 - _smooth((np.abs(over_line) - 0.002) / 0.012)
    near = near * (1 - _smooth((np.abs(side) - 0.0245) / 0.007)) * (points[:, 1] < -0.125)
    is_upper = (above > below) & (near > 0) & (over_line > -0.004)
    is_lower = (above <= below) & (near > 0) & (over_line < 0.004)
    lips = []
    for line, which in ((_UPPER_LINE, is_upper), (_LOWER_LINE, is_lower)):
        left = np.array(line)
        whole = np.concatenate([mirrored_rows(base, left[:0:-1]), left])
        lips.append(
            LipSide(
                rows=kept[which],
                share=near[which],
                side=side[which],
                line=whole,
                line_side=base[whole, 0],
            )
        )
    return Lips(upper=lips[0], lower=lips[1])


def _smooth(value: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    share = np.clip(value, 0, 1)
    return share * share * (3 - 2 * share)
