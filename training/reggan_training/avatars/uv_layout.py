"""The place of a point of the head on its base colour texture.

The base mesh's own layout gives the face a tenth of the picture and lays it on its side. Ours is
an upright cylinder around the head, wider in front: the ears lie folded onto the temples and the
seam runs down the back. It depends on the unmorphed base mesh alone, so that all identities
share it, as an artist's heads share theirs.
"""

import numpy as np
from jaxtyping import Float

AXIS_DEPTH_M = 0.0895
"""How far behind the eyes the cylinder's axis stands."""
_LOWEST_M, _HIGHEST_M = -0.228, 0.132
_FRONT_EXPANSION = 2.0


def uv_from_positions(positions: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
    """UV of canonical skin points (`Head.canonical`), 0..1 from the texture's lower left."""
    angle = np.arctan2(positions[:, 0], AXIS_DEPTH_M - positions[:, 1])
    turn = np.abs(angle) / np.pi
    spread = turn * (1 + _FRONT_EXPANSION) / (1 + _FRONT_EXPANSION * turn)
    height = (positions[:, 2] - _LOWEST_M) / (_HIGHEST_M - _LOWEST_M)
    return np.stack([0.5 + 0.5 * np.sign(angle) * spread, height.clip(0.0, 1.0)], axis=1)


def cylinder_from_texels(
    side_px: int,
) -> tuple[Float[np.ndarray, "side side"], Float[np.ndarray, "side side"]]:
    """Angle (radians, positive to the head's left) and height over the eyes (metres) of each texel.

    Row 0 is the top.
    """
    place = (np.arange(side_px) + 0.5) / side_px
    spread = np.abs(2 * place - 1)
    turn = spread / (1 + _FRONT_EXPANSION * (1 - spread))
    angle = np.sign(place - 0.5) * turn * np.pi
    height = _HIGHEST_M - place * (_HIGHEST_M - _LOWEST_M)
    square = (side_px, side_px)
    return np.broadcast_to(angle, square).copy(), np.broadcast_to(height[:, None], square).copy()
