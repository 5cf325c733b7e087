"""A mesh in a picture: which triangle each pixel shows, and where on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.kernels.triangles import add_in_squares, draw_triangles, mix_corners
from reggan_plugin.limits import MOST_DRAWN_PIXELS, MOST_OVERDRAW


@dataclass(frozen=True, kw_only=True, eq=False)
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
    def barycentric(self) -> Float[np.ndarray, "height width 3"]:
        """Weights of each pixel's corners, 0 where there is no triangle."""
        return self.plane(self.weights.T)

    def plane(self, values: np.ndarray) -> np.ndarray:
        """Lay values of the hits out as a plane, 0 where there is no triangle."""
        plane = np.zeros((*self.shape, *values.shape[1:]), values.dtype)
        plane.reshape(-1, *values.shape[1:])[self.pixels] = values
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
        points,
        triangles,
        size,
        culls_back=culls_back,
        rows=rows,
        within=within,
        most_pixels=most,
    )
    if hits is None:
        raise MeshError(
            f"The triangles cover the picture more than {MOST_OVERDRAW} times: too many large "
            "ones lie over each other. Export the head alone, in smaller triangles.",
            kind="too-costly",
        )
    return MeshRaster(shape=size, **hits._asdict())


def nearest_of(rasters: Sequence[MeshRaster]) -> list[Bool[np.ndarray, " hits"]]:
    """Which hits of each raster are seen where all of them are drawn into one picture."""
    nearest = np.full(math.prod(rasters[0].shape), -1, np.int64)
    for one in rasters:
        nearest[one.pixels] = np.maximum(nearest[one.pixels], one.nearness)
    return [nearest[one.pixels] == one.nearness for one in rasters]
