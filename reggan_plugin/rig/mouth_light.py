"""Light in a mouth: what the face's own pixels say of it, and how it comes in past the lips."""

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.errors import UnusableAnswerError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import LUMA_WEIGHTS, linear_from_srgb
from reggan_plugin.kernels.pixel_values import percentile
from reggan_plugin.kernels.sampling import sampled

LUMA = np.array(LUMA_WEIGHTS)
IVORY = np.array([0.78, 0.73, 0.64])
"""Linear RGB of a tooth in white light: VITA shade A2 or so, a little greyer."""

FEWEST_OF_SKIN = 16
"""Pixels of skin without which nothing can be said."""
_LOW, _HIGH = 10, 90
"""Percentiles of brightness between which skin counts: no nostrils, no highlights."""
_SKIN, _TOOTH = 0.30, 0.58
"""Linear luminance of fair skin in a frame exposed for it, and of its teeth beside it."""
_DARKEST_SKIN = 0.05
"""Skin reflects no less: what is darker still is so for want of light, and teeth with it."""
_BRIGHTEST_TOOTH = 0.85
_WARMTH = 0.10
"""Power at which the skin's colour, so the light's, goes into the teeth's."""
_WHITE, _WHITE_SHARE, _SKIN_SHARE = 90, 0.77, 0.28
"""Percentile of brightness of eyes that is their white, and powers of it and of what the skin says
in the brightness of teeth. Fitted to true renders of 41 held-out heads without stone, where it
misses teeth by a factor of 1.22 (rms); what the skin alone says misses them by 1.45."""
_WHITE_TINT, _TINTS = 0.5, (0.6, 1.6)
"""Power at which the white's colour goes into the teeth's (same heads), and its bounds."""
_WHITE_BOUNDS = 0.35, 2.5
"""Of what the skin says: eyes may be painted, dark or glowing."""
_MOST = 98
"""Percentile of saturation that lips reach and a highlight's edge does not."""
_COLOURLESS, _COLOURED = 0.10, 0.16
"""As `answers.paint_colours` has measured: stone is below, skin and toons are well above."""
_RIDGE = 0.02
_FRONTAL = 0.7
"""Least share of the key light from the front beside that from the side: at most 55° aslant."""
_MOST_KEY, _LEAST_AMBIENT = 0.9, 0.25
_MOST_ACROSS = 2.0
"""Logarithm of the light on one cheek over that on the other that is believed at most."""

_DEPTHS = np.array([0.02, 0.05, 0.10, 0.17, 0.26, 0.38, 0.55, 0.80])
"""Blurs of the opening that are prepared, in eye distances."""
_CELL = 0.018
"""Of the plane in which the opening is blurred, in eye distances."""
_MARGIN = 0.35
"""Of that plane around the opening, in eye distances."""


@frozen(eq=False)
class MouthLight:
    """Light that falls on a face, as far as its mouth is concerned.

    Attributes:
        tooth: scene-linear RGB of a tooth that faces the camera in an open mouth.
        skin: mean scene-linear RGB of the skin.
        key: unit vector towards the main light, in head axes.
        key_strength: its share against the mean light on the skin, 0 to 0.9.
        ambient: likewise of the light from everywhere, 0.25 to 1.
        stone: 1 for a face without colour, whose mouth is all of the skin's tint; 0 for others.
        across: logarithm of the light on the right half of the picture's skin over the left one's.
    """

    tooth: Float[np.ndarray, "3"]
    skin: Float[np.ndarray, "3"]
    key: Float[np.ndarray, "3"]
    key_strength: float
    ambient: float
    stone: float = 0.0
    across: float = 0.0


def mouth_light_from_face(
    face: Float[np.ndarray, "side side 3"],
    skin: Float[np.ndarray, "side side"],
    projection: Float[np.ndarray, "2 3"] | None = None,
    eyes: Float[np.ndarray, "side side"] | None = None,
    *,
    statue: float = 0.0,
) -> MouthLight:
    """Estimate the light on a face from its own skin and the white of its eyes.

    Args:
        face: crop, sRGB-encoded.
        skin: 1 on bare skin, 0 elsewhere: no hair, eyes, spectacles.
        projection: from head axes to the crop, for a head that is turned.
        eyes: 1 between the lids, 0 elsewhere; with fewer than 16 pixels the skin alone counts.
        statue: least share of stone.

    Raises:
        UnusableAnswerError: the mask leaves fewer than 16 pixels.
    """
    rows, columns = np.nonzero(skin > 0.5)
    finite = np.isfinite(face[rows, columns]).all(axis=1)
    rows, columns = rows[finite], columns[finite]
    if len(rows) < FEWEST_OF_SKIN:
        raise UnusableAnswerError(
            f"Where the model sees cheeks and chin, the face shows {len(rows)} pixels of skin; a "
            f"mouth's light needs {FEWEST_OF_SKIN} or more. Say where the face is, or use another "
            "model."
        )
    pixels = np.clip(face[rows, columns], 0, None)
    light = linear_from_srgb(pixels).astype(np.float64)
    luma = light @ LUMA
    is_usual = (luma >= percentile(luma, _LOW)) & (luma <= percentile(luma, _HIGH))
    mean = np.maximum(light[is_usual].mean(axis=0), 1e-4)
    stone = max(statue, _stone_share(pixels))
    warm = np.clip(mean / mean.mean(), 0.3, 2.0) ** _WARMTH
    tooth = _tooth_luma(float(mean @ LUMA), stone)
    white = None if eyes is None else _white_of(face, eyes)
    if white is not None:
        luma_of_white = float(white @ LUMA)
        low, high = (bound * tooth for bound in _WHITE_BOUNDS)
        seen = luma_of_white**_WHITE_SHARE * tooth**_SKIN_SHARE
        tooth += (1 - stone) * (min(max(seen, low), high, _BRIGHTEST_TOOTH) - tooth)
        warm = np.clip(white / luma_of_white, *_TINTS) ** _WHITE_TINT
    ivory = IVORY * warm / (IVORY * warm @ LUMA)
    tint = ivory + stone * (mean / (mean @ LUMA) - ivory)
    key, strength = _key_light(columns, rows, luma / (mean @ LUMA), is_usual)
    if projection is not None:
        right, up = (axis / np.linalg.norm(axis) for axis in (projection[0], -projection[1]))
        key = np.stack([right, up, np.cross(right, up)], axis=1) @ key
    return MouthLight(
        tooth=tooth * tint,
        skin=mean,
        key=key,
        key_strength=strength,
        ambient=max(_LEAST_AMBIENT, 1 - 0.6 * strength),
        stone=stone,
        across=_light_across(columns, luma),
    )


def _white_of(
    face: Float[np.ndarray, "side side 3"], eyes: Float[np.ndarray, "side side"]
) -> Float[np.ndarray, "3"] | None:
    """Linear RGB of the white of eyes, as bright as most of it is; None where none is seen."""
    pixels = face[eyes > 0.5]
    pixels = pixels[np.isfinite(pixels).all(axis=1)]
    if len(pixels) < FEWEST_OF_SKIN:
        return None
    light = linear_from_srgb(np.clip(pixels, 0, 1)).astype(np.float64)
    luma = light @ LUMA
    brightness = max(float(percentile(luma, _WHITE)), 1e-3)
    colour = light[(luma >= percentile(luma, 70)) & (luma <= percentile(luma, 92))].mean(axis=0)
    if not colour.any():  # eyes of pure black, as damage leaves them
        return None
    return colour * brightness / max(float(colour @ LUMA), 1e-6)


def _tooth_luma(skin: float, stone: float) -> float:
    """Brightness of teeth: as the root of the skin's, whose own colour differs more than theirs."""
    usual = _TOOTH * np.sqrt(max(skin, _DARKEST_SKIN) / _SKIN) * min(1.0, skin / _DARKEST_SKIN)
    return float(min(usual + stone * (skin - usual), _BRIGHTEST_TOOTH))


def _stone_share(pixels: Float[np.ndarray, "pixels 3"]) -> float:
    largest = pixels.max(axis=1)
    saturation = (largest - pixels.min(axis=1)) / np.maximum(largest, 0.02)
    most = float(percentile(saturation, _MOST))
    return min(1.0, max(0.0, (_COLOURED - most) / (_COLOURED - _COLOURLESS)))


def _light_across(columns: np.ndarray, luma: Float[np.ndarray, " pixels"]) -> float:
    is_right = columns > columns.mean()
    if min(is_right.sum(), (~is_right).sum()) < FEWEST_OF_SKIN:
        return 0.0
    left, right = (max(float(percentile(luma[one], 50)), 1e-4) for one in (~is_right, is_right))
    return float(np.clip(np.log(right / left), -_MOST_ACROSS, _MOST_ACROSS))


def _key_light(
    columns: np.ndarray,
    rows: np.ndarray,
    luma: Float[np.ndarray, " pixels"],
    is_usual: Bool[np.ndarray, " pixels"],
) -> tuple[Float[np.ndarray, "3"], float]:
    """Direction (x right, y up, z to the viewer) and strength, as if the face were an ellipsoid."""
    away = np.stack([columns, -rows], axis=1).astype(np.float64)
    away -= away.mean(axis=0)
    across = away / np.maximum(2.2 * away.std(axis=0), 1e-6)
    across /= np.maximum(1.0, np.linalg.norm(across, axis=1) / 0.95)[:, None]
    front = np.sqrt(np.clip(1 - (across**2).sum(axis=1), 0, 1))
    sides = np.column_stack([np.ones(len(front)), across, front])[is_usual]
    square = sides.T @ sides / len(sides) + np.diag([0, _RIDGE, _RIDGE, _RIDGE])
    slope = np.linalg.solve(square, sides.T @ luma[is_usual] / len(sides))[1:]
    # What is seen is lit from the front as well, more than flat cheeks show.
    slope[2] = max(slope[2], 0.15, _FRONTAL * float(np.hypot(*slope[:2])))
    size = float(np.linalg.norm(slope))
    return slope / size, min(size, _MOST_KEY)


class OpeningLight:
    """How much light comes through an opening to places behind it.

    Args:
        opening: 0 to 1, over `box`.
        box: left, top, right, bottom of it, in parts of the crop's side.
        eye: the eye distance in the same parts.
    """

    def __init__(
        self,
        opening: Float[np.ndarray, "rows columns"],
        box: tuple[float, float, float, float],
        eye: float,
    ) -> None:
        left, top, right, bottom = box
        margin = _MARGIN * eye
        inner = [max(1, round(length / (_CELL * eye))) for length in (bottom - top, right - left)]
        cells = np.array([(right - left) / inner[1], (bottom - top) / inner[0]])
        pads = np.ceil(margin / cells).astype(int)
        plane = _box_means(opening, inner[0], inner[1])
        plane = np.pad(plane, ((pads[1], pads[1]), (pads[0], pads[0])))
        self._start = np.array([left, top]) - pads * cells
        self._cells = cells
        levels = [_blurred(plane, depth * eye / cells) for depth in _DEPTHS]
        self._levels = np.stack(levels, axis=2).astype(np.float32)

    def seen(
        self, depth: Float[np.ndarray, " places"], at: Float[np.ndarray, "places 2"]
    ) -> Float[np.ndarray, " places"]:
        """Share of the light, 0 to 1, at places of the crop, blurred by `depth` eye distances."""
        level = np.interp(depth, _DEPTHS, np.arange(len(_DEPTHS)))
        lower = np.minimum(level.astype(int), len(_DEPTHS) - 2)
        places = ((at - self._start) / self._cells).astype(np.float32)
        levels = sampled(self._levels, places)
        own, deeper = (levels[np.arange(len(lower)), lower + one] for one in (0, 1))
        return own + (level - lower) * (deeper - own)


def _box_means(
    plane: Float[np.ndarray, "rows columns"], height: int, width: int
) -> Float[np.ndarray, "height width"]:
    """Averages over cells; each pixel counts where its centre lies, or fills several cells."""
    for axis, count in enumerate((height, width)):
        length = plane.shape[axis]
        if count < length:
            edges = np.arange(count) * length // count
            sums = np.add.reduceat(plane, edges, axis=axis)
            sizes = np.diff(np.append(edges, length))
            plane = sums / (sizes[:, None] if axis == 0 else sizes)
        elif count > length:
            plane = np.take(plane, np.arange(count) * length // count, axis=axis)
    return plane


def _blurred(
    plane: Float[np.ndarray, "height width"], sigma: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "height width"]:
    """Gaussian of so many cells across and down; beyond the plane nothing is open."""
    across, down = (
        _gaussian(length, max(float(one), 0.3))
        for length, one in zip(plane.shape[::-1], sigma, strict=True)
    )
    return down @ plane @ across


def _gaussian(length: int, sigma: float) -> Float[np.ndarray, "length length"]:
    place = np.arange(length)
    whole = np.exp(-0.5 * (np.arange(-3 * length, 3 * length + 1) / sigma) ** 2).sum()
    return np.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2) / whole
