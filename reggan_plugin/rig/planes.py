"""Small planes: polygons as masks, values that go on beyond where they are known."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from reggan_plugin.array_types import Bool, Float

_FINER = 4
"""Samples of a mask per pixel and axis."""

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
    at = (outline - [left, top]) * (side_px * _FINER / (right - left))
    fine = Image.new("L", (side_px * _FINER, side_px * _FINER), 0)
    ImageDraw.Draw(fine).polygon([tuple(place) for place in at.tolist()], fill=255)
    small = fine.resize((side_px, side_px), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


def line_of(
    line: Float[np.ndarray, "places 2"], width: float, window: Window, side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 within half of a width of a line, 0 away from it; width in parts of the crop's side."""
    left, top, right, _ = window
    scale = side_px / (right - left)
    plane = Image.new("L", (side_px, side_px), 0)
    places = [tuple(place) for place in ((line - [left, top]) * scale).tolist()]
    ImageDraw.Draw(plane).line(places, fill=255, width=max(2, round(width * scale)), joint="curve")
    return blurred(np.asarray(plane, np.float32) / np.float32(255), 0.12 * width * scale)


def blurred(
    plane: Float[np.ndarray, "rows columns"], radius: float
) -> Float[np.ndarray, "rows columns"]:
    """Blur a plane with values in [0, 1] by a Gaussian of a radius in pixels."""
    image = Image.fromarray(np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(255)


def extended(
    values: Float[np.ndarray, "rows columns channels"], known: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns channels"]:
    """Values that go on smoothly to where they are not known: what is near counts most.

    Source: Gortler et al., The lumigraph, SIGGRAPH 1996 (pull and push).
    """
    rows, columns = known.shape
    if min(rows, columns) <= 2:
        total = known.sum()
        mean = (values * known[..., None]).sum(axis=(0, 1)) / max(float(total), 1e-6)
        return np.where(known[..., None] > 0, values, mean)
    pad = ((0, rows % 2), (0, columns % 2))
    weight = np.pad(known, pad)
    weighted = np.pad(values * known[..., None], (*pad, (0, 0)))
    half = (weight.shape[0] // 2, 2, weight.shape[1] // 2, 2)
    total = weight.reshape(half).sum(axis=(1, 3))
    sums = weighted.reshape(*half, values.shape[2]).sum(axis=(1, 3))
    coarse = extended(sums / np.maximum(total, 1e-6)[..., None], np.minimum(total, 1.0))
    planes = []
    for channel in range(values.shape[2]):
        image = Image.fromarray(np.ascontiguousarray(coarse[..., channel], dtype=np.float32))
        size = (weight.shape[1], weight.shape[0])
        planes.append(np.asarray(image.resize(size, Image.Resampling.BILINEAR)))
    fine = np.stack(planes, axis=2)[:rows, :columns]
    share = np.clip(known, 0, 1)[..., None]
    return values * share + fine * (1 - share)


def sampled(
    picture: Float[np.ndarray, "rows columns channels"], places: Float[np.ndarray, "*shape 2"]
) -> Float[np.ndarray, "*shape channels"]:
    """Bilinear values at places (x, y) in pixels, the first centre at 0.5; edges go on."""
    rows, columns = picture.shape[:2]
    x = np.clip(places[..., 0] - 0.5, 0, columns - 1.001)
    y = np.clip(places[..., 1] - 0.5, 0, rows - 1.001)
    left, top = x.astype(int), y.astype(int)
    u, v = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    upper = picture[top, left] * (1 - u) + picture[top, left + 1] * u
    lower = picture[top + 1, left] * (1 - u) + picture[top + 1, left + 1] * u
    return upper * (1 - v) + lower * v


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
    found = mask if by_px > 0 else ~mask
    found = _any_above(_any_above(found, reach).T, reach).T
    return found if by_px > 0 else ~found


def _any_above(
    mask: Bool[np.ndarray, "rows columns"], reach: int
) -> Bool[np.ndarray, "rows columns"]:
    """Tell whether a pixel of the same column is set, so many pixels up or down."""
    count = np.cumsum(mask, axis=0, dtype=np.int32)  # of any reach in one go
    within = count[np.minimum(np.arange(len(mask)) + reach, len(mask) - 1)]
    within[reach + 1 :] -= count[: -reach - 1]
    return within > 0
