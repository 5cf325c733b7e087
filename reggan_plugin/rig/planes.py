"""Small planes: polygons as masks, values that go on beyond where they are known."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from reggan_plugin.array_types import Bool, Float

_FINER = 4
"""Samples of a mask per pixel and axis."""
_SHARP = 0.2
"""Turn of a line, in radians, from which on its outer side is rounded; less leaves no gap."""

Window = tuple[float, float, float, float]
"""Left, top, right, bottom of a part of the crop, in parts of its side."""
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


def smooth_arc(corners: Float[np.ndarray, "corners 2"], finer: int = 6) -> Float[np.ndarray, "n 2"]:
    """Draw a smooth line through places, their ends included.

    Source: Catmull and Rom, A class of local interpolating splines, 1974.
    """
    ends = [2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]]
    wide = np.concatenate(ends)
    before, start, stop, after = (wide[k : len(wide) - 3 + k, None] for k in range(4))
    t = (np.arange(finer) / finer)[None, :, None]
    line = 0.5 * (
        2 * start
        + (stop - before) * t
        + (2 * before - 5 * start + 4 * stop - after) * t**2
        + (3 * start - before - 3 * stop + after) * t**3
    )
    return np.concatenate([line.reshape(-1, 2), corners[-1:]])


def mask_of(
    outline: Float[np.ndarray, "corners 2"], window: Window, side_px: int
) -> Float[np.ndarray, "side side"]:
    """Share of each pixel of a square window that lies inside an outline, 0 to 1."""
    left, top, right, _ = window
    # whole numbers, as Pillow draws them, so that rows can be left out without a difference
    at = np.trunc((outline - [left, top]) * (side_px * _FINER / (right - left)))
    low, high = (float(end) / _FINER for end in (at[:, 1].min(), at[:, 1].max()))
    first = min(max(math.floor(low) - 1, 0), side_px)
    rows = min(max(math.floor(high) + 2, first), side_px) - first
    mask = np.zeros((side_px, side_px), np.float32)
    if rows:
        fine = Image.new("L", (side_px * _FINER, rows * _FINER), 0)
        drawn = at - [0, first * _FINER]
        ImageDraw.Draw(fine).polygon([tuple(place) for place in drawn.tolist()], fill=255)
        small = fine.resize((side_px, rows), Image.Resampling.BOX)
        mask[first : first + rows] = np.asarray(small, np.float32) / np.float32(255)
    return mask


def line_of(
    line: Float[np.ndarray, "places 2"], width: float, window: Window, side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 within half of a width of a line, 0 away from it; width in parts of the crop's side."""
    left, top, right, _ = window
    scale = side_px / (right - left)
    image = Image.new("L", (side_px, side_px), 0)
    draw = ImageDraw.Draw(image)
    places, pen = (line - [left, top]) * scale, max(2, round(width * scale))
    draw.line([tuple(place) for place in places.tolist()], fill=255, width=pen)
    steps = np.diff(places, axis=0)
    turn = np.diff(np.arctan2(steps[:, 1], steps[:, 0]))
    for x, y in places[1:-1][np.abs(np.sin(turn / 2)) > np.sin(_SHARP / 2)].tolist():
        draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
    return blurred(np.asarray(image, np.float32) / np.float32(255), 0.12 * width * scale)


def blurred(
    plane: Float[np.ndarray, "rows columns"], radius: float
) -> Float[np.ndarray, "rows columns"]:
    """Blur a plane with values in [0, 1] by a Gaussian of a radius in pixels."""
    result = np.zeros(plane.shape, np.float32)
    near = _around(plane > 0, math.ceil(3 * radius) + 6)  # further than Pillow's three boxes reach
    if near is not None:
        image = Image.fromarray(np.round(np.clip(plane[near], 0, 1) * 255).astype(np.uint8))
        found = image.filter(ImageFilter.GaussianBlur(radius))
        result[near] = np.asarray(found, np.float32) / np.float32(255)
    return result


def extended(
    values: Float[np.ndarray, "rows columns channels"], known: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns channels"]:
    """Values that go on smoothly to where they are not known: what is near counts most.

    Source: Gortler et al., The lumigraph, SIGGRAPH 1996 (pull and push).
    """
    planes = _extended(np.ascontiguousarray(np.moveaxis(values, 2, 0)), known)
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2))


def _extended(
    planes: Float[np.ndarray, "channels rows columns"], known: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "channels rows columns"]:
    channels, rows, columns = planes.shape
    if min(rows, columns) <= 2:
        sums = (planes * known).reshape(channels, -1).cumsum(axis=1)[:, -1]
        mean = (sums / max(float(known.sum()), 1e-6)).astype(planes.dtype)
        return np.where(known > 0, planes, mean[:, None, None])
    weighted = np.zeros((channels + 1, rows + rows % 2, columns + columns % 2), planes.dtype)
    np.multiply(planes, known, out=weighted[:-1, :rows, :columns])
    weighted[-1, :rows, :columns] = known
    weighted = weighted[:, ::2] + weighted[:, 1::2]
    weighted = weighted[..., ::2] + weighted[..., 1::2]
    total = weighted[-1]
    coarse = weighted[:-1] / np.maximum(total, planes.dtype.type(1e-6))
    fine = _doubled(_extended(coarse, np.minimum(total, 1)))[:, :rows, :columns]
    share = np.clip(known, 0, 1)
    fine *= 1 - share
    fine += planes * share
    return fine


def _doubled(
    planes: Float[np.ndarray, "channels rows columns"],
) -> Float[np.ndarray, "channels more_rows more_columns"]:
    """Twice as many pixels each way, in straight lines between the middles of the old ones."""
    channels, rows, columns = planes.shape
    three, one = planes.dtype.type(0.75), planes.dtype.type(0.25)
    wide = np.empty((channels, rows, 2 * columns), planes.dtype)
    own, beside = three * planes, one * planes
    wide[..., 0], wide[..., -1] = planes[..., 0], planes[..., -1]
    np.add(own[..., 1:], beside[..., :-1], out=wide[..., 2::2])
    np.add(own[..., :-1], beside[..., 1:], out=wide[..., 1:-1:2])
    result = np.empty((channels, 2 * rows, 2 * columns), planes.dtype)
    own, beside = three * wide, one * wide
    result[:, 0], result[:, -1] = wide[:, 0], wide[:, -1]
    np.add(own[:, 1:], beside[:, :-1], out=result[:, 2::2])
    np.add(own[:, :-1], beside[:, 1:], out=result[:, 1:-1:2])
    return result


def channels_averaged(
    picture: Float[np.ndarray, "rows columns 3"],
) -> Float[np.ndarray, "rows columns"]:
    """Return `picture.mean(axis=2)`, in a tenth of the time."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return (red + green + blue) / picture.dtype.type(3)


def squares_summed(
    plane: Float[np.ndarray, "rows columns"], *, in_rows: bool = True
) -> Float[np.ndarray, "half_rows half_columns"]:
    """Add up squares of two by two; beyond the plane all is 0.

    Args:
        plane: of any size.
        in_rows: add rows first, or one after the other: sums differ in their last bit.
    """
    rows, columns = plane.shape
    if rows % 2 or columns % 2:
        plane = np.pad(plane, ((0, rows % 2), (0, columns % 2)))
    a, b, c, d = (plane[down::2, right::2] for down in (0, 1) for right in (0, 1))
    return (a + b) + (c + d) if in_rows else ((a + b) + c) + d


def window_places(window: Window, side_px: int) -> Float[np.ndarray, "side side 2"]:
    """Pixel centres of a square window, in parts of the crop's side."""
    left, top, right, bottom = window
    along = (np.arange(side_px) + 0.5) / side_px
    x, y = np.meshgrid(left + along * (right - left), top + along * (bottom - top))
    return np.stack([x, y], axis=2)


def square_around(places: Float[np.ndarray, "places 2"], margin: float) -> Window:
    """Return the square about places, wider by a margin on each side (parts of the crop's side)."""
    low, high = places.min(axis=0), places.max(axis=0)
    middle, reach = (low + high) / 2, float((high - low).max()) / 2 + margin
    return (
        float(middle[0] - reach),
        float(middle[1] - reach),
        float(middle[0] + reach),
        float(middle[1] + reach),
    )


def grown(mask: Bool[np.ndarray, "rows columns"], by_px: float) -> Bool[np.ndarray, "rows columns"]:
    """Grow a mask by so many pixels in x and y; negative: shrink it."""
    reach = round(abs(by_px))
    if reach == 0:
        return mask
    result = np.zeros_like(mask)
    near = _around(mask, reach)
    if near is None:
        return result
    found = mask[near] if by_px > 0 else ~mask[near]
    found = _any_near(_any_near(found, reach, 0), reach, 1)
    result[near] = found if by_px > 0 else ~found
    return result


def _around(mask: Bool[np.ndarray, "rows columns"], reach: int) -> tuple[slice, slice] | None:
    """Return rows and columns of what is set and of so many pixels around; None if nothing is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    down, across = (
        slice(max(int(one[0]) - reach, 0), int(one[-1]) + reach + 1) for one in (rows, columns)
    )
    return down, across


def _any_near(
    mask: Bool[np.ndarray, "rows columns"], reach: int, axis: int
) -> Bool[np.ndarray, "rows columns"]:
    """Tell whether a pixel is set so many pixels before or after each along an axis."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (reach, reach)
    run, length = np.pad(mask, pad), 1  # each pixel: whether one of `length` from it on is set

    def part(start: int, count: int) -> tuple[slice, ...]:
        return (slice(None),) * axis + (slice(start, start + count),)

    wanted = 2 * reach + 1
    while length < wanted:
        step = min(length, wanted - length)
        count = run.shape[axis] - step
        run, length = run[part(0, count)] | run[part(step, count)], length + step
    return run
