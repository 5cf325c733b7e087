"""A base colour map: one picture, or the tiles of a UDIM set; sampled and written back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reggan_plugin.array_types import Float
from reggan_plugin.imaging.colour import (
    PixelCoding,
    display_from_stored,
    linear_from_srgb,
    srgb_from_linear,
    stored_from_display,
)
from reggan_plugin.interpolation import four_around
from reggan_plugin.textures.maps.map_tile import MapTile, ReducedTile

FIRST_UDIM = 1001
_TILES_IN_A_ROW = 10
_POINTS_AT_ONCE = 1 << 19
"""Bounds the memory of looking up."""

Tint = tuple[float, float, float]
NO_TINT: Tint = (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextureMap:
    """Pictures by UDIM number; a map that is one picture repeats without end.

    *Shown* values are straight, sRGB-encoded colours as a viewer shows them without light: the
    map times the material's `tint` (linear).
    """

    tiles: Mapping[int, MapTile]
    is_udim: bool = False
    tint: Tint = NO_TINT
    _reduced: dict[tuple[int, int], ReducedTile] = field(default_factory=dict)

    @property
    def largest_side_px(self) -> int:
        """Of its largest tile."""
        return max(max(tile.shape) for tile in self.tiles.values())

    def tile_of(self, uv: Float[np.ndarray, "points 2"]) -> np.ndarray:
        """Return the tile that each point lies on: a UDIM number, which need not be in the set."""
        if not self.is_udim:
            return np.full(len(uv), FIRST_UDIM)
        cell = np.floor(uv).astype(int)
        return np.asarray(FIRST_UDIM + cell[:, 0] + _TILES_IN_A_ROW * cell[:, 1])

    def shown(
        self, uv: Float[np.ndarray, "points 2"], reduction: int = 1
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Shown colour and alpha at points of the map; black where a tile is missing.

        `reduction` averages over blocks of so many texels first, for views that are coarser.
        """
        colour = np.zeros((len(uv), 3), np.float32)
        alpha = np.zeros(len(uv), np.float32)
        for start in range(0, len(uv), _POINTS_AT_ONCE):
            part = slice(start, start + _POINTS_AT_ONCE)
            numbers = self.tile_of(uv[part])
            for number in np.unique(numbers):
                if number in self.tiles:
                    here = start + np.flatnonzero(numbers == number)
                    tile = self._coarse(int(number), reduction)
                    colour[here], alpha[here] = self._sampled(tile, uv[here])
        return colour, alpha

    def shown_from_stored(
        self,
        coding: PixelCoding,
        stored: Float[np.ndarray, "texels 3"],
        alpha: Float[np.ndarray, " texels"] | None,
    ) -> Float[np.ndarray, "texels 3"]:
        """Shown colours of texels of a tile with this coding."""
        line = None if alpha is None else alpha[None]
        display = display_from_stored(stored[None], line, coding)[0]
        if self.tint == NO_TINT:
            return display
        return srgb_from_linear(linear_from_srgb(display) * np.array(self.tint, np.float32))

    def stored_from_shown(
        self,
        coding: PixelCoding,
        shown: Float[np.ndarray, "texels 3"],
        alpha: Float[np.ndarray, " texels"] | None,
    ) -> Float[np.ndarray, "texels 3"]:
        """Undo `shown_from_stored`, but for channels that the tint makes black."""
        if self.tint != NO_TINT:
            tint = np.maximum(np.array(self.tint, np.float32), np.float32(1e-3))
            shown = srgb_from_linear(linear_from_srgb(shown) / tint)
        line = None if alpha is None else alpha[None]
        return stored_from_display(shown[None], line, coding)[0]

    def _coarse(self, number: int, reduction: int) -> MapTile | ReducedTile:
        if reduction <= 1:
            return self.tiles[number]
        key = number, reduction
        if key not in self._reduced:
            self._reduced[key] = ReducedTile(self.tiles[number], reduction)
        return self._reduced[key]

    def _sampled(
        self, tile: MapTile | ReducedTile, uv: Float[np.ndarray, "points 2"]
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Bilinear between the centres of texels, as every renderer does; repeats at borders."""
        stored, alpha = _bilinear(tile, uv)
        shown = self.shown_from_stored(tile.coding, stored, alpha)
        return np.clip(np.nan_to_num(shown, posinf=1.0, neginf=0.0), 0.0, 1.0), alpha


def reduction_for(texels_per_pixel: float) -> int:
    """By how much to average a map for a view, so that it does not flicker."""
    return max(1, math.floor(texels_per_pixel))


def _bilinear(
    tile: MapTile | ReducedTile, uv: Float[np.ndarray, "points 2"]
) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
    height, width = tile.shape
    inside = uv - np.floor(uv)
    place = np.stack([inside[:, 0] * width, (1.0 - inside[:, 1]) * height], axis=1) - 0.5
    colour = np.zeros((len(uv), 3), np.float32)
    alpha = np.zeros(len(uv), np.float32)
    for below, right, weight in four_around(place[:, 0], place[:, 1]):
        stored, opacity = tile.texels(below % height, right % width)
        colour += weight[:, None] * stored
        alpha += weight if opacity is None else weight * opacity
    return colour, alpha
