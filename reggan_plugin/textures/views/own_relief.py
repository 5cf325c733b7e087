"""Brows and lips that are modelled in the skin's own mesh: they keep their place, as a map cannot
move them.

What counts stands out from the skin around it with a steep side, and in another colour. Lips of
realistic heads do not: their sides are slopes.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.textures.views.stage import StagePicture

_SIDE_PX = 512
_BROAD, _NARROW, _LEAST_HEIGHT, _FOLD = 0.3, 0.14, 0.02, 0.04
"""In distances of the eyes: a slope, half of the widest brow, its least height, half of a fold
between lips."""
_STEEP, _LEAST_CONTRAST = 2.5, 0.08
"""Height by width of a side, and a colour's difference. In 28 realistic heads (VALID) nothing is
found; their lips have slopes of up to 2."""
_AROUND, _BESIDE = 0.2, 0.05
"""In distances of the eyes: what a colour is compared with, and how far from a side it is read."""
_LEAST_AREA = 0.02
"""Of the square over the distance of the eyes; a brow has ten times as much."""

Plane = Float[np.ndarray, "side side"]
Mask = Bool[np.ndarray, "side side"]


def own_relief(
    picture: StagePicture,
    focal_px: float,
    crop: FaceCrop,
    canonical: Float[np.ndarray, "6 2"],
    parts: Sequence[int],
) -> Mapping[str, Mask]:
    """Return where modelled brows and lips are, 512 pixels a side; what is not there has no entry.

    Args:
        picture: of the face from the front.
        focal_px: of its camera.
        crop: the face in it.
        canonical: where a crop has its landmarks.
        parts: that wear the map.
    """
    scale = _SIDE_PX / len(picture.distance)
    points = crop.place(canonical * crop.side_px) * scale
    places = dict(zip(LANDMARK_NAMES, points, strict=True))
    eyes_px = float(np.linalg.norm(places["left_eye"] - places["right_eye"]))
    pixels = ((np.arange(_SIDE_PX) + 0.5) / scale).astype(int)
    grid = np.ix_(pixels, pixels)
    worn = np.isin(picture.part[grid], list(parts)) & np.isfinite(picture.distance[grid])
    zones = _zones(places, eyes_px)
    if not any((zone & worn).any() for zone in zones.values()):
        return {}
    distance = np.where(worn, picture.distance[grid], np.nan)
    unit = np.nanmedian(distance) * eyes_px / (focal_px * scale)
    ridge, steep = _ridges(-distance / unit, worn, eyes_px)
    beside = max(1, round(_BESIDE * eyes_px))
    different = _contrast(picture.colour[grid], ridge, worn, eyes_px) > _LEAST_CONTRAST
    seeds = ridge & different & (_highest(steep, beside) > _STEEP)
    found = {}
    for name, zone in zones.items():
        if (seeds & zone).sum() > _LEAST_AREA * eyes_px**2:
            near = _highest((seeds & zone).astype(np.float32), round(_NARROW * eyes_px)) > 0
            found[name] = _highest((ridge & near).astype(np.float32), beside) > 0
    return found


def _zones(places: Mapping[str, Float[np.ndarray, "2"]], eyes_px: float) -> Mapping[str, Mask]:
    """Where brows and lips may be."""
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX] + 0.5
    eyes = (places["left_eye"] + places["right_eye"]) / 2
    mouth = (places["mouth_left"] + places["mouth_right"]) / 2
    above = (eyes[1] - y) / eyes_px
    across = np.abs(x - mouth[0]) / eyes_px
    return {
        "brows": (np.abs(x - eyes[0]) < 0.92 * eyes_px) & (above > 0.18) & (above < 0.8),
        "lips": (across < 0.5) & (np.abs(y - mouth[1]) < 0.35 * eyes_px),
    }


def _ridges(height: Plane, worn: Mask, eyes_px: float) -> tuple[Mask, Plane]:
    """Return what stands out of a surface of heights in distances of the eyes, and how steep it is.

    The slope of the forehead, up and down, is taken off first, and folds are filled: a lip ends
    where the skin begins, not between the lips.
    """
    height = height - _mean(height[..., None], worn, round(_BROAD * eyes_px), axes=(0,))[..., 0]
    fold, narrow = max(1, round(_FOLD * eyes_px)), max(1, round(_NARROW * eyes_px))
    filled = _lowest(_highest(np.where(worn, height, -np.inf), fold), fold)
    filled = np.where(worn, np.maximum(filled, height), np.inf)  # what is beside it is no valley
    ground = _highest(_lowest(filled, narrow), narrow)
    out = np.where(worn, filled, 0.0) - np.where(worn, ground, 0.0)
    steep = np.zeros_like(out)
    for axis in (0, 1):
        own, other = np.moveaxis(out, axis, 0), np.moveaxis(worn, axis, 0)
        step = np.abs(np.diff(own, axis=0)) * (other[1:] & other[:-1]) * eyes_px
        side = np.moveaxis(steep, axis, 0)
        side[1:], side[:-1] = np.maximum(side[1:], step), np.maximum(side[:-1], step)
    return (out > _LEAST_HEIGHT) & worn, steep


def _contrast(
    colour: Float[np.ndarray, "side side 3"], ridge: Mask, worn: Mask, eyes_px: float
) -> Plane:
    """Return by how much the colour at a ridge differs from that of the skin around it."""
    own = _mean(colour, ridge, max(1, round(_BESIDE * eyes_px)))
    around = _mean(colour, worn & ~ridge, round(_AROUND * eyes_px))
    return np.asarray(np.abs(own - around).max(axis=2))


def _mean(
    values: Float[np.ndarray, "side side channels"],
    where: Mask,
    radius: int,
    axes: Sequence[int] = (0, 1),
) -> Float[np.ndarray, "side side channels"]:
    """Mean of the values around each pixel, of those pixels that count."""
    part = where[..., None].astype(np.float64)
    sums = np.concatenate([np.where(where[..., None], values, 0.0), part], axis=2)
    for axis in axes:
        pads = [(radius + 1, radius) if one == axis else (0, 0) for one in range(3)]
        total = np.moveaxis(np.cumsum(np.pad(sums, pads), axis=axis), axis, 0)
        sums = np.moveaxis(total[2 * radius + 1 :] - total[: -2 * radius - 1], 0, axis)
    return np.asarray(sums[..., :-1] / np.maximum(sums[..., -1:], 1e-9))


def _highest(plane: Plane, radius: int) -> Plane:
    """Return the highest value of the square around each pixel."""
    for axis in (0, 1):
        pads = [(radius, radius) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(plane, pads, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=axis)
        plane = windows.max(axis=-1)
    return plane


def _lowest(plane: Plane, radius: int) -> Plane:
    return -_highest(-plane, radius)
