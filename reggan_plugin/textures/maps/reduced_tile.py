"""A tile averaged over blocks of texels, worked out only where it is looked at."""

from dataclasses import replace

import numpy as np

from reggan_plugin.array_types import Float, Int
from reggan_plugin.imaging.crop import reduce_by
from reggan_plugin.textures.maps.map_tile import MapTile

_BLOCK_PX = 256
_SOURCE_ROWS = 512
"""Rows of the tile that become floats at a time."""


class ReducedTile:
    """A coarser tile. Its memory is taken as blocks of it are first asked for."""

    def __init__(self, tile: MapTile, factor: int) -> None:
        """Average over `factor` x `factor` texels; nothing is read yet."""
        height, width = (-(-side // factor) for side in tile.shape)
        self.shape, self.coding = (height, width), tile.coding
        self._tile, self._factor = tile, factor
        self._colour = np.empty((height, width, 3), np.float32)
        self._alpha = None if tile.alpha is None else np.empty((height, width), np.float32)
        self._is_there = np.zeros((-(-height // _BLOCK_PX), -(-width // _BLOCK_PX)), np.bool_)

    def texels(
        self, rows: Int[np.ndarray, " texels"], columns: Int[np.ndarray, " texels"]
    ) -> tuple[Float[np.ndarray, "texels 3"], Float[np.ndarray, " texels"] | None]:
        """Colours and alpha, as `MapTile.texels`; colours that are no numbers are 0."""
        wanted = np.zeros_like(self._is_there)
        wanted[rows // _BLOCK_PX, columns // _BLOCK_PX] = True
        for row, column in np.argwhere(wanted & ~self._is_there):
            self._work_out(int(row), int(column))
        alpha = None if self._alpha is None else self._alpha[rows, columns]
        return self._colour[rows, columns], alpha

    def whole(self) -> MapTile:
        """All of it, as a map of its own."""
        for row, column in np.argwhere(~self._is_there):
            self._work_out(int(row), int(column))
        return replace(self._tile, colours=self._colour, alpha=self._alpha)

    def _work_out(self, row: int, column: int) -> None:
        top, left = row * _BLOCK_PX, column * _BLOCK_PX
        bottom, columns = min(top + _BLOCK_PX, self.shape[0]), slice(left, left + _BLOCK_PX)
        strip = max(1, _SOURCE_ROWS // self._factor)
        for first in range(top, bottom, strip):
            self._average((slice(first, min(first + strip, bottom)), columns))
        self._is_there[row, column] = True

    def _average(self, own: tuple[slice, slice]) -> None:
        source = (slice(part.start * self._factor, part.stop * self._factor) for part in own)
        colour, alpha = self._tile.texels(*source)
        self._colour[own] = np.nan_to_num(reduce_by(colour, self._factor))
        if self._alpha is not None and alpha is not None:
            self._alpha[own] = reduce_by(alpha[..., None], self._factor)[..., 0]
