"""The painted base colour of skin, on the texture layout of `uv_layout`."""

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.avatar_look import AvatarLook
from reggan_training.avatars.texture_noise import layered_noise, smooth_noise
from reggan_training.avatars.uv_layout import cylinder_from_texels

Map = Float[np.ndarray, "side side"]

_WIDENING = 1.7
"""Texels of the face are so many times narrower than high."""
_EYE_ANGLE, _EYE_HEIGHT = 0.292, 0.0


def paint_albedo(
    look: AvatarLook, side_px: int, lips: Map, scalp: Map, beard: Map
) -> Float[np.ndarray, "side side 3"]:
    """Base colour of skin with lips, and of the shirt below the neckline; sRGB-encoded.

    `lips`, `scalp` and `beard` say how much of each lies on a texel, 0..1.
    """
    generator = np.random.default_rng(look.texture_seed)
    angle, height = cylinder_from_texels(side_px)
    colour = np.zeros((side_px, side_px, 3)) + np.array(look.skin)
    shape = (side_px, side_px)
    mottle = layered_noise(shape, 14, 4, generator, widening=_WIDENING)
    blotch = smooth_noise(shape, 9, generator)
    colour *= np.exp(mottle[..., None] * look.mottling * np.array([0.035, 0.06, 0.068]))
    pores = smooth_noise(shape, 260, generator, widening=_WIDENING)
    pores += smooth_noise(shape, 120, generator, widening=_WIDENING)
    colour *= np.exp(pores[..., None] * np.array([0.012, 0.016, 0.017]))
    flush = look.redness * _flush_map(angle, height) * (1 + 0.25 * blotch)
    colour *= 1 - flush[..., None] * np.array([0.03, 0.15, 0.13])
    ring = look.eye_rings * _eye_ring_map(angle, height)
    colour *= 1 - ring[..., None] * np.array([0.16, 0.20, 0.15])
    colour *= 1 - _freckle_map(look, shape, generator)[..., None] * np.array([0.16, 0.28, 0.34])
    growth = look.stubble * beard * (0.8 + 0.2 * pores).clip(0.3, 1.3)
    colour += 0.33 * growth[..., None] * (np.array(look.hair) * 0.6 + 0.06 - colour)
    if look.hair_style != "bald":
        colour += 0.72 * scalp[..., None] * (np.array(look.hair) - colour)
    red = lips * (1 + 0.05 * layered_noise(shape, 60, 2, generator))
    colour += red[..., None].clip(0, 1) * (np.array(look.lip) - colour)
    shirt = shirt_map(side_px)[..., None]
    cloth = np.array(look.shirt) * (1 + 0.05 * smooth_noise(shape, 40, generator)[..., None])
    return (colour + shirt * (cloth - colour)).clip(0.0, 1.0)


def shirt_map(side_px: int) -> Map:
    """1 where the shirt is, below a round neckline."""
    angle, height = cylinder_from_texels(side_px)
    neckline = -0.1725 - 0.018 * np.cos(angle)
    return ((neckline - height) / 0.0012).clip(0.0, 1.0)


def _bump(angle: Map, height: Map, centre: tuple[float, float], radii: tuple[float, float]) -> Map:
    """A smooth hill of height 1 on both sides of the face."""
    across = (np.abs(angle) - centre[0]) / radii[0]
    up = (height - centre[1]) / radii[1]
    return np.exp(-(across**2 + up**2))


def _flush_map(angle: Map, height: Map) -> Map:
    """Weight of places where blood shows: cheeks, nose, ears, chin."""
    return np.asarray(
        0.9 * _bump(angle, height, (0.40, -0.0364), (0.24, 0.018))
        + 0.8 * _bump(angle, height, (0.0, -0.0404), (0.13, 0.013))
        + 0.7 * _bump(angle, height, (1.5, -0.0184), (0.25, 0.03))
        + 0.45 * _bump(angle, height, (0.0, -0.0994), (0.18, 0.011))
    )


def _eye_ring_map(angle: Map, height: Map) -> Map:
    """Darker skin around the eyes, more below them."""
    around = _bump(angle, height, (_EYE_ANGLE, _EYE_HEIGHT), (0.17, 0.012))
    below = _bump(angle, height, (_EYE_ANGLE - 0.03, _EYE_HEIGHT - 0.013), (0.14, 0.0065))
    return np.asarray((0.7 * around + 0.6 * below).clip(0, 1))


def _freckle_map(look: AvatarLook, shape: tuple[int, int], generator: np.random.Generator) -> Map:
    angle, height = cylinder_from_texels(shape[0])
    spots = ((smooth_noise(shape, 200, generator, widening=_WIDENING) - 1.35) * 2.0).clip(0, 1)
    where = _bump(angle, height, (0.25, -0.0284), (0.5, 0.035)) + 0.15
    return np.asarray(min(look.freckles, 1.0) * spots * where.clip(0, 1))
