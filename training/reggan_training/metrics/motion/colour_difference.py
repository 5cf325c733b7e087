"""CIELAB and how far apart two colours look."""

import numpy as np
from jaxtyping import Float

from reggan_plugin.imaging.colour import linear_from_srgb

_XYZ_FROM_RGB = np.array(
    [
        [0.4123907993, 0.3575843394, 0.1804807884],
        [0.2126390059, 0.7151686788, 0.0721923154],
        [0.0193308187, 0.1191947798, 0.9505321522],
    ]
)  # Rec. 709 primaries with D65
_WHITE = _XYZ_FROM_RGB.sum(axis=1)
_EDGE, _SLOPE = (6 / 29) ** 3, 3 * (6 / 29) ** 2


def lab_from_srgb(encoded: Float[np.ndarray, " 3 *shape"]) -> Float[np.ndarray, " 3 *shape"]:
    """L*, a*, b* of sRGB-encoded colours, relative to D65.

    Source: CIE 15:2004, section 8.2.1; sRGB by IEC 61966-2-1.
    """
    xyz = np.tensordot(_XYZ_FROM_RGB, linear_from_srgb(encoded.astype(np.float64)), axes=1)
    ratio = xyz / _WHITE.reshape(3, *[1] * (encoded.ndim - 1))
    curve = np.where(ratio > _EDGE, np.cbrt(ratio), ratio / _SLOPE + 4 / 29)
    x, y, z = curve
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def chroma(lab: Float[np.ndarray, " 3 *shape"]) -> Float[np.ndarray, " *shape"]:
    """Distance from grey, C*ab."""
    return np.asarray(np.hypot(lab[1], lab[2]))


def hue_deg(lab: Float[np.ndarray, " 3 *shape"]) -> Float[np.ndarray, " *shape"]:
    """Hue angle in degrees, 0 to 360; red is near 40, yellow 100, teal 190."""
    return np.asarray(np.degrees(np.arctan2(lab[2], lab[1])) % 360)


def ciede2000(
    first: Float[np.ndarray, " 3 *shape"], second: Float[np.ndarray, " 3 *shape"]
) -> Float[np.ndarray, " *shape"]:
    """Colour difference ΔE00 of CIELAB colours with all weights 1; about 1 is just noticeable.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations", Color Research and Application
    30(1), 2005, eqs. 2 to 22.
    """
    c_mean = (chroma(first) + chroma(second)) / 2
    stretch = 1 + 0.5 * (1 - _saturating(c_mean))
    c1, h1 = _stretched(first, stretch)
    c2, h2 = _stretched(second, stretch)
    is_grey = c1 * c2 == 0
    turn = np.where(is_grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    turn = np.where(~is_grey & (h2 - h1 == 180), 180.0, turn)  # eq. 10 keeps a half turn positive
    lightness, colour = second[0] - first[0], c2 - c1
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    l_bar, c_bar = (first[0] + second[0]) / 2, (c1 + c2) / 2
    h_bar = _mean_hue_deg(h1, h2, is_grey)
    off_middle = (l_bar - 50) ** 2
    s_l = 1 + 0.015 * off_middle / np.sqrt(20 + off_middle)
    s_c = 1 + 0.045 * c_bar
    s_h = 1 + 0.015 * c_bar * _hue_weight(h_bar)
    rotation = -np.sin(np.radians(60 * np.exp(-(((h_bar - 275) / 25) ** 2))))
    of_l, of_c, of_h = lightness / s_l, colour / s_c, hue / s_h
    mixed = 2 * _saturating(c_bar) * rotation * of_c * of_h
    return np.asarray(np.sqrt(of_l**2 + of_c**2 + of_h**2 + mixed))


def _saturating(c: Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
    return np.asarray(np.sqrt(c**7 / (c**7 + 25.0**7)))


def _stretched(
    lab: Float[np.ndarray, " 3 *shape"], stretch: Float[np.ndarray, " *shape"]
) -> tuple[Float[np.ndarray, " *shape"], Float[np.ndarray, " *shape"]]:
    """Chroma and hue in degrees with a* stretched near grey (eqs. 5 to 7)."""
    a, b = stretch * lab[1], lab[2]
    return np.asarray(np.hypot(a, b)), np.asarray(np.degrees(np.arctan2(b, a)) % 360)


def _mean_hue_deg(
    h1: Float[np.ndarray, " *shape"],
    h2: Float[np.ndarray, " *shape"],
    is_grey: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
) -> Float[np.ndarray, " *shape"]:
    """Mean of two hues along the shorter way; their sum where one colour is grey (eq. 14)."""
    total = h1 + h2
    wide = np.where(total < 360, total + 360, total - 360) / 2
    mean = np.where(np.abs(h1 - h2) <= 180, total / 2, wide)
    return np.asarray(np.where(is_grey, total, mean))


def _hue_weight(h_deg: Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
    """T of eq. 15."""
    terms = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    weight = np.ones_like(h_deg)
    for size, times, shift in terms:
        weight = weight + size * np.cos(np.radians(times * h_deg + shift))
    return weight
