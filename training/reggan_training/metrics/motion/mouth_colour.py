"""Colours of painted teeth, gums and mouths beside the true ones."""

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_training.heads.head import Part
from reggan_training.metrics.motion.face import PixelMask, Planes, TrueFace, dilated

_XYZ_FROM_RGB = np.array(
    [
        [0.4123907993, 0.3575843394, 0.1804807884],
        [0.2126390059, 0.7151686788, 0.0721923154],
        [0.0193308187, 0.1191947798, 0.9505321522],
    ]
)  # Rec. 709 primaries with D65
_WHITE = _XYZ_FROM_RGB.sum(axis=1)
_EDGE, _SLOPE = (6 / 29) ** 3, 3 * (6 / 29) ** 2

LEAST_PIXELS = 16
"""A face with fewer pixels of what is asked about says nothing."""
GREY_CHROMA = 5.0
"""Chroma below which no hue is seen."""
HUE_MARGIN_DEG = 10.0
"""The true range of hues is widened by this to both sides."""
CHROMA_MARGIN = 3.0
"""Chroma above the largest true one that rounding and a sharp warp may add."""
_RANGE_PERCENT = (1.0, 99.0)
_HUE_BINS = 24


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


def colour_error(made: Planes, face: TrueFace, region: PixelMask) -> float:
    """Median ΔE2000 over the uncovered pixels of a region; NaN where there are too few."""
    where = region & face.is_uncovered
    if where.sum() < LEAST_PIXELS:
        return float("nan")
    ours, truth = (lab_from_srgb(one[:, where]) for one in (made, face.target))
    return float(np.median(ciede2000(ours, truth)))


def teeth_within_hues(made: Planes, face: TrueFace) -> float:
    """Share of the teeth's pixels whose hue the true teeth have; NaN where no teeth are seen.

    A pixel without visible chroma has no hue to be wrong. Where the true teeth are grey (stone,
    metal) no chroma above theirs is right.
    """
    teeth = face.shows(Part.TEETH)
    if teeth.sum() < LEAST_PIXELS:
        return float("nan")
    ours, truth = (lab_from_srgb(one[:, teeth]) for one in (made, face.target))
    return float(_within_hues(ours, truth).mean())


def count_oversaturated(made: Planes, face: TrueFace, region: PixelMask) -> int:
    """Count pixels of the head in a region that are more saturated than source and truth are.

    A pixel's chroma is held against the largest that the face has near this hue, so that red lips
    allow no teal. The source counts where its face is; the truth with its whole head, since true
    light alone can raise the chroma of skin. The outermost 8 px at 256 of the head are left out:
    there the background's colours come in, which is another fault.
    """
    seen = face.is_head & face.is_visible
    colours = np.concatenate([_moved_pixels(face, seen), face.target[:, face.is_head]], axis=1)
    limits = _chroma_by_hue(lab_from_srgb(colours)) + CHROMA_MARGIN
    ours = lab_from_srgb(made[:, region & ~dilated(~face.is_head)])
    return int((chroma(ours) > limits[_hue_bin(ours)]).sum())


def _within_hues(
    ours: Float[np.ndarray, "3 pixels"], truth: Float[np.ndarray, "3 pixels"]
) -> Bool[np.ndarray, " pixels"]:
    is_coloured = chroma(truth) > GREY_CHROMA
    highest = max(GREY_CHROMA, float(np.percentile(chroma(truth), _RANGE_PERCENT[1])))
    if is_coloured.sum() < LEAST_PIXELS:
        return np.asarray(chroma(ours) <= highest + CHROMA_MARGIN)
    middle = hue_deg(truth.mean(axis=1))
    low, high = np.percentile(_turn_deg(hue_deg(truth[:, is_coloured]), middle), _RANGE_PERCENT)
    turn = _turn_deg(hue_deg(ours), middle)
    is_right = (turn >= low - HUE_MARGIN_DEG) & (turn <= high + HUE_MARGIN_DEG)
    return np.asarray(is_right | (chroma(ours) <= GREY_CHROMA))


def _chroma_by_hue(lab: Float[np.ndarray, "3 pixels"]) -> Float[np.ndarray, " bins"]:
    """Find the largest chroma in and beside each bin of hues; `GREY_CHROMA` where there is less."""
    largest = np.full(_HUE_BINS, GREY_CHROMA)
    np.maximum.at(largest, _hue_bin(lab), chroma(lab))
    return np.max([np.roll(largest, shift) for shift in (-1, 0, 1)], axis=0)


def _hue_bin(lab: Float[np.ndarray, "3 pixels"]) -> Int[np.ndarray, " pixels"]:
    return np.asarray((hue_deg(lab) / 360 * _HUE_BINS).astype(np.int64) % _HUE_BINS)


def _turn_deg(
    hue: Float[np.ndarray, " pixels"], middle: Float[np.ndarray, ""]
) -> Float[np.ndarray, " pixels"]:
    """Difference of hues from another one, −180 to 180."""
    return np.asarray((hue - middle + 180) % 360 - 180)


def _moved_pixels(face: TrueFace, where: PixelMask) -> Float[np.ndarray, "3 pixels"]:
    """Find the source's nearest pixels to where it shows what the target shows."""
    side_px = face.side_px
    row, column = np.nonzero(where)
    x, y = face.motion[:, where] * side_px
    columns = np.clip(np.round(column + x), 0, side_px - 1).astype(np.int64)
    rows = np.clip(np.round(row + y), 0, side_px - 1).astype(np.int64)
    return np.asarray(face.source[:, rows, columns])
