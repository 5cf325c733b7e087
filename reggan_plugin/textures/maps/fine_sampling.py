"""Read a map between its texels and keep its fine detail."""

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.warp import PictureSampler
from reggan_plugin.textures.maps.map_tile import MapTile
from reggan_plugin.textures.maps.texture_map import TextureMap

_WINDOW_PX, _MARGIN_PX = 256, 4
"""Texels that become floats at a time, and what the kernel looks at beyond them."""


def sample_finely(
    texture: TextureMap, uv: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 3"]:
    """Shown colours at points of the map by the kernel of frames; black where a tile is missing.

    At the centre of a texel they are its own, without rounding.
    """
    colours = np.zeros((len(uv), 3), np.float32)
    numbers = texture.tile_of(uv)
    for number in np.unique(numbers):
        if int(number) in texture.tiles:
            here = np.flatnonzero(numbers == number)
            colours[here] = _from_tile(texture, texture.tiles[int(number)], uv[here])
    return colours


def _from_tile(
    texture: TextureMap, tile: MapTile, uv: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 3"]:
    """Window by window, so that little of a large map is ever held as floats."""
    height, width = tile.shape
    inside = uv - np.floor(uv)
    x, y = inside[:, 0] * width - 0.5, (1.0 - inside[:, 1]) * height - 0.5
    left, top = (np.floor(axis / _WINDOW_PX).astype(np.int64) for axis in (x, y))
    order = np.lexsort((left, top))
    starts = np.flatnonzero(np.diff(left[order]) | np.diff(top[order])) + 1
    colours = np.empty((len(uv), 3), np.float32)
    for here in np.split(order, starts):
        if here.size:
            first = [int(axis[here[0]]) * _WINDOW_PX - _MARGIN_PX for axis in (top, left)]
            window = _window(texture, tile, first[0], first[1])
            colours[here] = PictureSampler(window).at(x[here] - first[1], y[here] - first[0])
    return np.clip(colours, 0.0, 1.0, out=colours)


def _window(
    texture: TextureMap, tile: MapTile, top: int, left: int
) -> Float[np.ndarray, "rows columns 3"]:
    """Shown colours of a square of texels; the map repeats beyond its borders."""
    side = np.arange(_WINDOW_PX + 2 * _MARGIN_PX + 1)
    rows, columns = np.meshgrid(
        (top + side) % tile.shape[0], (left + side) % tile.shape[1], indexing="ij"
    )
    stored, alpha = tile.texels(rows.ravel(), columns.ravel())
    shown = texture.shown_from_stored(tile.coding, stored, alpha)
    finite = np.clip(np.nan_to_num(shown, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return finite.reshape(len(side), len(side), 3)
