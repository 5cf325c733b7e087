"""The painted surface of an eyeball, with the gaze in the middle."""

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.avatar_look import AvatarLook
from reggan_training.avatars.texture_noise import smooth_noise
from reggan_training.heads.anatomy.eyeball import IRIS_DEG

_PUPIL_DEG = 11.5
_SCLERA = (0.80, 0.77, 0.74)
_VEINS = (0.70, 0.42, 0.38)


def paint_eye(look: AvatarLook, side_px: int = 512) -> Float[np.ndarray, "side side 3"]:
    """sRGB-encoded; a point `a` degrees from the gaze lies 0.5 · a / 180 from the middle."""
    generator = np.random.default_rng([look.texture_seed, 2])
    y, x = (np.mgrid[:side_px, :side_px] + 0.5) / side_px - 0.5
    angle = np.hypot(x, y) * 360
    turn = np.arctan2(y, x)
    fibres = smooth_noise((64, 720), 160, generator)[
        (angle / IRIS_DEG * 20).astype(int).clip(0, 63), ((turn / np.pi + 1) * 359.9).astype(int)
    ]
    iris = np.array(look.iris)
    limbus = ((angle / IRIS_DEG) ** 6).clip(0, 1)
    inner = np.exp(-(((angle - _PUPIL_DEG) / 6.0) ** 2))
    shade = (1 + 0.12 * fibres + 0.25 * inner - 0.55 * limbus)[..., None]
    colour = iris * shade
    veins = (np.clip((angle - 38) / 50, 0, 1) * 0.35)[..., None]
    sclera = np.array(_SCLERA) * (1 - veins) + np.array(_VEINS) * veins
    colour += _edge(angle, IRIS_DEG, 1.6)[..., None] * (sclera - colour)
    colour *= _edge(angle, _PUPIL_DEG, 1.2)[..., None] * 0.985 + 0.015
    return colour.clip(0.0, 1.0)


def _edge(angle: np.ndarray, at_deg: float, softness_deg: float) -> np.ndarray:
    """0 inside, 1 outside."""
    return np.asarray(1 / (1 + np.exp((-(angle - at_deg) / softness_deg * 4).clip(-60, 60))))
