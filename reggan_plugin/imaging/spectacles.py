"""Spectacles lifted off a face: a model that does not see them moves what is behind them.

They are what crosses the bridge of the nose between both eyes, thin and in one colour, and goes
around the eyes on both sides. The thresholds were chosen on 212 rendered faces and measured on 300:
`tests/measurements/spectacles.py`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.imaging.backdrop import continue_under_alpha
from reggan_plugin.imaging.in_front_of_face import hidden_share
from reggan_plugin.imaging.median_filter import median_filter
from reggan_plugin.interpolation import median, percentile

_AT_ONCE = 32
"""Rows of a face that are brought to 8 bits at a time."""
_SIDE_PX = 256
"""Of the crop in which they are looked for; all numbers of pixels are of it."""
_ROWS, _HALF_WIDTH = slice(36, 123), 77
"""Where spectacles may lie: rows of the crop, and columns to either side of the nose."""
_EYES, _EYE_SIZE = ((98, 77), (158, 77)), (15, 10)
"""Middle (x, y) and half axes of what lids and lashes fill, which are thin and dark as well."""
_BRIDGE_ROWS, _BRIDGE_HALF_WIDTH = (59, 102), 9
_FRINGE_BOTTOM, _FRINGE_HALF_WIDTH, _MOST_FRINGE = 47, 13, 3
"""What goes on from the bridge up to here is hair."""
_LIGHTNESS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SHADE, _HUE = 0.6, 2.5
"""Weights of differences: light and shade on metal differ more than its hue does."""
_THIN, _LIKE = 0.06, 0.18
"""Least difference from what is around, and largest from the colour of the bridge."""
_CLEAR = 0.6
"""Part of the bridge's own contrast that the pixels have of which its colour is taken."""
_THICK_PX, _STEP_PX = 7, 5
_MOST_THICK = 0.08
"""Share of a frame that may be thicker than it is at the bridge or below: more is brows of its
colour, and half a brow that stays behind is worse than rims that bend."""
_THICKEST_PX = 6
_MOST_BESIDE = 0.5
"""Share of the pixels beside a frame that may be thin as well: where more are, it is a texture."""
_LEAST_BRIDGE, _LEAST_HALF, _LEAST_BELOW = 6, 25, 8
"""Pixels of the bridge, of each half, and of that below the eye."""
_LEAST_REACH, _LEAST_HEIGHT, _BELOW, _BESIDE = 32, 18, 88, 15
"""How far each half goes aside, how high it is, and where it is below the eye, beside the nose."""
_SOFT_PX, _FULLER = 1.0, 3.0
"""A frame ends nearly a pixel beyond what was found of it, softly: what is kept further out is
brows, which are then seen twice."""
_SURE = 0.95
"""Share of a frame from which on a pixel tells its colour."""
_FROM, _TO = 0.05, 0.75
"""Shares of a frame that count as none and as all."""
_TOLD = 0.06
"""Difference of colour from which on a frame can be told from the skin around it."""


class LiftedFace(NamedTuple):
    """`face` without what stood before it, and `front`, which says where that was; None if none."""

    face: Float[np.ndarray, "side side 3"]
    front: Float[np.ndarray, "front_side front_side 1"] | None


def lift_spectacles(face: Float[np.ndarray, "side side 3"]) -> LiftedFace:
    """Take spectacles off an aligned face; the colours around them run on beneath.

    Args:
        face: sRGB-encoded, in [0, 1].
    """
    rims = find_spectacles(face)
    if rims is None:
        return LiftedFace(face, None)
    front = _matte(face, rims)
    return LiftedFace(continue_under_alpha(face, 1 - hidden_share(front)), front[..., None])


def _matte(
    face: Float[np.ndarray, "side side 3"], rims: Bool[np.ndarray, "256 256"]
) -> Float[np.ndarray, "side side"]:
    """Follow the edges of a frame that was found, at the face's own resolution.

    Where the frame may be, a pixel's share of it is how near its colour lies to the frame's on the
    way from the colour of the skin around. So brows that touch a frame stay with the face.
    """
    image = Image.fromarray(rims.astype(np.uint8) * 255)
    soft = image.filter(ImageFilter.GaussianBlur(_SOFT_PX))
    may_be, is_one = (
        np.asarray(one.resize(face.shape[:2], Image.Resampling.BILINEAR), np.float32) / 255
        for one in (soft, image)
    )
    matte = np.minimum(may_be * np.float32(_FULLER), np.float32(1.0))
    rows = np.flatnonzero(matte.any(axis=1))
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    near = face[band]
    own, none = (one.astype(np.float32) for one in (is_one[band] > _SURE, matte[band] == 0))
    frame, skin = (_opponent(continue_under_alpha(near, known)) for known in (own, none))
    away = np.linalg.norm(_opponent(near) - frame, axis=2)
    apart = np.linalg.norm(skin - frame, axis=2)
    share = 1 - away / np.maximum(apart, np.float32(1e-6))
    share = np.where(apart > _TOLD, (share - _FROM) / (_TO - _FROM), 1)
    matte[band] *= np.clip(np.maximum(share, own), 0, 1)
    return matte


def find_spectacles(face: Float[np.ndarray, "side side 3"]) -> Bool[np.ndarray, "256 256"] | None:
    """Pixels of the frame of spectacles, whatever the size of the face; None where there is none.

    Args:
        face: as for `lift_spectacles`.
    """
    levels = np.empty(face.shape, np.uint8)
    for top in range(0, len(face), _AT_ONCE):  # so that it all stays in the processor's cache
        some = np.clip(face[top : top + _AT_ONCE], 0, 1)
        some *= 255
        some += 0.5
        levels[top : top + _AT_ONCE] = some
    image = Image.fromarray(levels).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC)
    image = image.crop((0, _ROWS.start, _SIDE_PX, _ROWS.stop))
    places = _Search.of_all()
    seen, around = (
        _opponent(np.asarray(one, np.float32) / np.float32(255))
        for one in (image, _surroundings(image))
    )
    contrast = np.linalg.norm(seen - around, axis=2)
    thin = (contrast > _THIN) & places.is_searched
    bridge = thin & places.is_bridge
    if bridge.sum() < _LEAST_BRIDGE:
        return None
    clear = bridge & (contrast >= _CLEAR * percentile(contrast[bridge], 90))
    unlike = np.linalg.norm(seen - median(seen[clear]), axis=2)
    rims = _connected(clear, thin & (unlike < _LIKE))
    if (rims & places.is_fringe).sum() > _MOST_FRINGE:
        return None
    rims &= ~_grown(~_grown(~rims, _THICK_PX), _THICK_PX)
    if not (_goes_around(rims, places, places.x < 0) and _goes_around(rims, places, places.x > 0)):
        return None
    if _thick_share(rims, places) > _MOST_THICK:
        return None
    near, beside = (_grown(rims, size) for size in (5, 9))
    beside &= ~near & places.is_searched
    if (thin & beside).sum() > _MOST_BESIDE * beside.sum():
        return None
    found = np.zeros((_SIDE_PX, _SIDE_PX), bool)
    found[_ROWS] = rims
    return found


class _Search(NamedTuple):
    """The pixels that are looked at: x from the middle, y from the top, and what may lie there."""

    x: Float[np.ndarray, "rows columns"]
    y: Float[np.ndarray, "rows columns"]
    is_searched: Bool[np.ndarray, "rows columns"]
    is_bridge: Bool[np.ndarray, "rows columns"]
    is_fringe: Bool[np.ndarray, "rows columns"]

    @classmethod
    @cache
    def of_all(cls) -> "_Search":
        y, x = np.mgrid[_ROWS, :_SIDE_PX] + 0.5
        searched = np.abs(x - _SIDE_PX / 2) < _HALF_WIDTH
        for eye_x, eye_y in _EYES:
            searched &= np.hypot((x - eye_x) / _EYE_SIZE[0], (y - eye_y) / _EYE_SIZE[1]) >= 1
        x -= _SIDE_PX / 2
        bridge = (np.abs(x) < _BRIDGE_HALF_WIDTH) & (y > _BRIDGE_ROWS[0]) & (y < _BRIDGE_ROWS[1])
        fringe = (np.abs(x) < _FRINGE_HALF_WIDTH) & (y < _FRINGE_BOTTOM)
        return cls(x, y, searched, bridge, fringe)


def _opponent(colour: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
    """Lightness, and how far red and blue differ from it."""
    light = colour @ _LIGHTNESS
    red, blue = (_HUE * (colour[..., channel] - light) for channel in (0, 2))
    return np.stack([_SHADE * light, red, blue], axis=2)


def _surroundings(image: Image.Image) -> Image.Image:
    """Return the median of what is around each pixel, looked for at half of the resolution."""
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    planes = [median_filter(np.asarray(plane), 5) for plane in small.split()]
    medians = Image.fromarray(np.stack(planes, axis=2))
    return medians.resize(image.size, Image.Resampling.BILINEAR)


def _connected(
    seeds: Bool[np.ndarray, "rows columns"], among: Bool[np.ndarray, "rows columns"]
) -> Bool[np.ndarray, "rows columns"]:
    """Return what is reached from seeds in steps of at most two pixels."""
    grown, size = seeds & among, 0
    while (reached := int(np.count_nonzero(grown))) > size:
        size = reached
        grown = among & _grown(grown, _STEP_PX)
    return grown


def _grown(mask: Bool[np.ndarray, "rows columns"], size: int) -> Bool[np.ndarray, "rows columns"]:
    """Return what is set anywhere in a square of `size` pixels, an odd number, around each."""
    for axis in (0, 1):
        source, mask = np.moveaxis(mask, axis, 0), mask.copy()
        grown = np.moveaxis(mask, axis, 0)
        for step in range(1, size // 2 + 1):
            grown[step:] |= source[:-step]
            grown[:-step] |= source[step:]
    return mask


def _thick_share(rims: Bool[np.ndarray, "rows columns"], places: _Search) -> float:
    """Return the share of a frame that is about twice as thick as it is at its thinnest places."""
    heights = [(rims & where).sum(axis=0) for where in (places.is_bridge, places.y > _BELOW)]
    usual = min(float(np.median(one[one > 0])) for one in heights if one.any())
    size = 2 * int(min(max(usual, 2), _THICKEST_PX) // 2 + 1) + 1
    closed = ~_grown(~_grown(rims, 3), 3)
    thick = closed & _grown(~_grown(~closed, size), size)
    return float(thick.sum() / closed.sum())


def _goes_around(
    rims: Bool[np.ndarray, "rows columns"], places: _Search, side: Bool[np.ndarray, "rows columns"]
) -> bool:
    """Whether a half reaches far enough aside, is high enough, and comes below the eye."""
    half = rims & side
    if half.sum() < _LEAST_HALF:
        return False
    below = half & (np.abs(places.x) > _BESIDE) & (places.y > _BELOW)
    return bool(
        np.abs(places.x[half]).max() >= _LEAST_REACH
        and np.ptp(places.y[half]) >= _LEAST_HEIGHT
        and below.sum() >= _LEAST_BELOW
    )
