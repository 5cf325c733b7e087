"""Drawing in planes: a mesh (which triangle each pixel shows, and where on it), outlines as masks,
lines, and values that go on beyond where they are known.
"""

import math
from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np

from reggan_plugin.array_types import Bool, CropPlane, Float, Int, Pixels
from reggan_plugin.errors import MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.pixel_values import largest_around, run_on
from reggan_plugin.kernels.shapes import (
    add_in_squares,
    draw_line,
    draw_triangles,
    fill_outline,
    mix_corners,
)
from reggan_plugin.limits import MOST_DRAWN_PIXELS, MOST_OVERDRAW

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
    return np.concatenate([(_between(finer) @ four).reshape(-1, 2), corners[-1:]])


@cache
def _between(finer: int) -> Float[np.ndarray, "steps 4"]:
    """Weights of four places at each step from the second to the third."""
    return (np.arange(finer) / finer)[:, None] ** np.arange(4) @ _THROUGH


def mask_of(outline: Float[np.ndarray, "corners 2"], window: Window, side_px: int) -> CropPlane:
    """Share of each pixel of a square window that lies inside an outline, 0 to 1."""
    return fill_outline(_in_pixels(outline, window, side_px), (side_px, side_px))


def line_of(
    line: Float[np.ndarray, "places 2"], width: float, window: Window, side_px: int
) -> CropPlane:
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
    weighed = np.array(values, np.result_type(values, known))
    scale_channels(weighed, known)
    return run_on(weighed, known)


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
    places = np.empty((side_px, side_px, 2))
    places[..., 0] = left + along * (right - left)
    places[..., 1] = (top + along * (bottom - top))[:, None]
    return places


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


@frozen(eq=False)
class MeshRaster:
    """Nearest triangle of each pixel.

    Attributes:
        shape: rows and columns.
        pixels: flat indices of those that show a triangle, rising.
        shown: row of that triangle.
        weights: barycentric, of its three corners at the pixel's centre.
        nearness: larger is nearer; that of two triangles differs.
    """

    shape: tuple[int, int]
    pixels: Int[np.ndarray, " hits"]
    shown: Int[np.ndarray, " hits"]
    weights: Float[np.ndarray, "3 hits"]
    nearness: Int[np.ndarray, " hits"]

    @cached_property
    def is_hit(self) -> Bool[np.ndarray, "height width"]:
        """True where there is a triangle."""
        return self.plane(np.ones(len(self.pixels), bool))

    @property
    def triangle(self) -> Int[np.ndarray, "height width"]:
        """Row of each pixel's triangle, -1 where there is none."""
        plane = np.full(self.shape, -1, np.int32)
        plane.ravel()[self.pixels] = self.shown
        return plane

    @property
    def barycentric(self) -> Pixels:
        """Weights of each pixel's corners, 0 where there is no triangle."""
        return self.plane(self.weights.T)

    def plane(self, values: np.ndarray) -> np.ndarray:
        """Lay values of the hits out as a plane, 0 where there is no triangle."""
        plane = np.zeros((*self.shape, *values.shape[1:]), values.dtype)
        put_rows(plane.reshape(-1, *values.shape[1:]), self.pixels, values)
        return plane

    def mixed(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "height width channels"]:
        """Interpolate values of vertices, float32; 0 where there is no triangle."""
        return self.plane(self.mixed_where_hit(values, triangles))

    def mixed_where_hit(
        self,
        values: Float[np.ndarray, "vertices channels"],
        triangles: Int[np.ndarray, "triangles 3"],
    ) -> Float[np.ndarray, "hits channels"]:
        """Interpolate as `mixed`, at the pixels of `is_hit` alone, in their order."""
        return mix_corners(values, triangles, self.shown, self.weights)

    def summed(
        self,
        values: Float[np.ndarray, "hits more_channels"],
        channels: int,
        weights: Float[np.ndarray, " hits"],
        factor: int,
    ) -> Float[np.ndarray, "rows columns channels_and_weight"]:
        """Add up the first channels of values of the hits in squares: see `add_in_squares`."""
        return add_in_squares(values, channels, weights, self.pixels, self.shape, factor)


def rasterise(
    points: Float[np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    height: int,
    width: int,
    *,
    culls_back: bool = True,
    rows: Int[np.ndarray, " some"] | None = None,
    within: Bool[np.ndarray, "height width"] | None = None,
) -> MeshRaster:
    """Draw triangles; the nearest wins, and of equally near ones that of the highest row.

    Triangles with a corner that is not finite are left out, as are those seen edge-on.

    Args:
        points: x to the right and y down in pixels, the first pixel's centre at (0.5, 0.5); z
            grows towards the viewer.
        triangles: rows of their corners, counter-clockwise seen from outside with y up.
        height: of the picture in pixels.
        width: likewise.
        culls_back: leave out triangles that are seen from behind.
        rows: of the triangles that are drawn, rising; None draws all.
        within: pixels that are drawn; None draws all.

    Raises:
        MeshError: they lie over each other so often that it would take minutes.
    """
    size = height, width
    most = max(MOST_OVERDRAW * height * width, MOST_DRAWN_PIXELS)
    hits = draw_triangles(
        points, triangles, size, culls_back=culls_back, rows=rows, within=within, most_pixels=most
    )
    if hits is None:
        raise MeshError(
            f"The triangles cover the picture more than {MOST_OVERDRAW} times: too many large "
            "ones lie over each other. Export the head alone, in smaller triangles.",
            kind="too-costly",
        )
    return MeshRaster(shape=size, **hits._asdict())


def put_rows(into: np.ndarray, places: Int[np.ndarray, " places"], rows: np.ndarray) -> None:
    """Do `into[places] = rows`, of one type, in a third of the time."""
    if rows.ndim == 1:
        into[places] = rows
        return
    whole = np.dtype((np.void, into[:1].nbytes))
    np.put(into.reshape(-1).view(whole), places, np.ascontiguousarray(rows).reshape(-1).view(whole))


def scale_channels(
    values: Float[np.ndarray, "*places channels"], factor: Float[np.ndarray, "*places"]
) -> None:
    """Do `values *= factor[..., None]`, in half the time."""
    for channel in np.moveaxis(values, -1, 0):
        channel *= factor


def nearest_of(rasters: Sequence[MeshRaster]) -> list[Bool[np.ndarray, " hits"]]:
    """Which hits of each raster are seen where all of them are drawn into one picture."""
    nearest = np.full(math.prod(rasters[0].shape), -1, np.int64)
    for one in rasters:
        nearest[one.pixels] = np.maximum(nearest[one.pixels], one.nearness)
    return [nearest[one.pixels] == one.nearness for one in rasters]
