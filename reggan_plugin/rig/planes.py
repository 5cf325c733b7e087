"""Small planes: polygons as masks, values that go on beyond where they are known."""

import numpy as np

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.kernels.outlines import draw_line, fill_outline
from reggan_plugin.kernels.run_on import run_on
from reggan_plugin.kernels.squares import largest_around

Window = tuple[float, float, float, float]
"""Left, top, right, bottom of a part of the crop, in parts of its side."""
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
_THROUGH = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
"""Of four places: powers of the way from the second to the third, in a smooth line through all."""


def smooth_arc(corners: Float[np.ndarray, "corners 2"], finer: int = 6) -> Float[np.ndarray, "n 2"]:
    """Draw a smooth line through places, their ends included.

    Source: Catmull and Rom, A class of local interpolating splines, 1974.
    """
    ends = [2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]]
    four = np.concatenate(ends)[np.arange(len(corners) - 1)[:, None] + np.arange(4)]
    t = (np.arange(finer) / finer)[:, None] ** np.arange(4)
    return np.concatenate([(t @ _THROUGH @ four).reshape(-1, 2), corners[-1:]])


def mask_of(
    outline: Float[np.ndarray, "corners 2"], window: Window, side_px: int
) -> Float[np.ndarray, "side side"]:
    """Share of each pixel of a square window that lies inside an outline, 0 to 1."""
    return fill_outline(_in_pixels(outline, window, side_px), (side_px, side_px))


def line_of(
    line: Float[np.ndarray, "places 2"], width: float, window: Window, side_px: int
) -> Float[np.ndarray, "side side"]:
    """1 on a line, 0 away from it, a half at half of its width (in parts of the crop's side)."""
    wide = max(2.0, width * side_px / (window[2] - window[0]))
    return draw_line(_in_pixels(line, window, side_px), wide, (side_px, side_px))


def _in_pixels(
    places: Float[np.ndarray, "places 2"], window: Window, side_px: int
) -> Float[np.ndarray, "places 2"]:
    left, top, right, _ = window
    return (places - [left, top]) * (side_px / (right - left))


def extended(
    values: Float[np.ndarray, "rows columns channels"], known: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns channels"]:
    """Values that go on smoothly to where they are not known: what is near counts most."""
    return run_on(values * known[..., None], known)


def channels_averaged(
    picture: Float[np.ndarray, "rows columns 3"],
) -> Float[np.ndarray, "rows columns"]:
    """Return `picture.mean(axis=2)`, in a tenth of the time."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return (red + green + blue) / picture.dtype.type(3)


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
    return largest_around(mask, reach) if by_px > 0 else ~largest_around(~mask, reach)
