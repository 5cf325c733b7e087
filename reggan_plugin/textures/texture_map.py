"""A base colour map: one picture, or the tiles of a UDIM set; sampled and written back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from reggan_plugin.files.frame import Encoding, Frame
from reggan_plugin.imaging.colour import (
    PixelCoding,
    display_from_stored,
    linear_from_srgb,
    srgb_from_linear,
    stored_from_display,
)
from reggan_plugin.imaging.crop import reduce_by

FIRST_UDIM = 1001
_TILES_IN_A_ROW = 10

Tint = tuple[float, float, float]
NO_TINT: Tint = (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class TextureMap:
    """Pictures by UDIM number; a map that is one picture repeats without end.

    *Shown* values are straight, sRGB-encoded colours as a viewer shows them without light: the
    map times the material's `tint` (linear).
    """

    tiles: Mapping[int, Frame]
    is_udim: bool = False
    tint: Tint = NO_TINT
    _reduced: dict[tuple[int, int], Frame] = field(default_factory=dict)

    @property
    def largest_side_px(self) -> int:
        """Of its largest tile."""
        return max(max(frame.pixels.shape[:2]) for frame in self.tiles.values())

    def tile_of(self, uv: Float[np.ndarray, "points 2"]) -> np.ndarray:
        """The tile that each point lies on: a UDIM number, which need not be in the set."""
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
        numbers = self.tile_of(uv)
        for number in np.unique(numbers):
            if number in self.tiles:
                here = numbers == number
                frame = self._coarse(int(number), reduction)
                colour[here], alpha[here] = self._sampled(frame, uv[here])
        return colour, alpha

    def shown_from_stored(
        self,
        frame: Frame,
        stored: Float[np.ndarray, "texels 3"],
        alpha: Float[np.ndarray, " texels"] | None,
    ) -> Float[np.ndarray, "texels 3"]:
        """Shown colours of texels of one of the tiles."""
        line = None if alpha is None else alpha[None]
        display = display_from_stored(stored[None], line, _coding(frame))[0]
        if self.tint == NO_TINT:
            return display
        return srgb_from_linear(linear_from_srgb(display) * np.array(self.tint, np.float32))

    def stored_from_shown(
        self,
        frame: Frame,
        shown: Float[np.ndarray, "texels 3"],
        alpha: Float[np.ndarray, " texels"] | None,
    ) -> Float[np.ndarray, "texels 3"]:
        """Undo `shown_from_stored`, but for channels that the tint makes black."""
        if self.tint != NO_TINT:
            tint = np.maximum(np.array(self.tint, np.float32), np.float32(1e-3))
            shown = srgb_from_linear(linear_from_srgb(shown) / tint)
        line = None if alpha is None else alpha[None]
        return stored_from_display(shown[None], line, _coding(frame))[0]

    def _coarse(self, number: int, reduction: int) -> Frame:
        if reduction <= 1:
            return self.tiles[number]
        key = number, reduction
        if key not in self._reduced:
            frame = self.tiles[number]
            pixels = np.nan_to_num(reduce_by(frame.pixels, reduction))
            alpha = None if frame.alpha is None else reduce_by(frame.alpha[..., None], reduction)
            self._reduced[key] = Frame(
                pixels=pixels,
                alpha=None if alpha is None else alpha[..., 0],
                alpha_is_premultiplied=frame.alpha_is_premultiplied,
                encoding=frame.encoding,
                original=frame.original,
            )
        return self._reduced[key]

    def _sampled(
        self, frame: Frame, uv: Float[np.ndarray, "points 2"]
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Bilinear between the centres of texels, as every renderer does; repeats at borders."""
        stored, alpha = _bilinear(frame, uv)
        shown = self.shown_from_stored(frame, stored, None if frame.alpha is None else alpha)
        return np.clip(np.nan_to_num(shown, posinf=1.0, neginf=0.0), 0.0, 1.0), alpha


def reduction_for(texels_per_pixel: float) -> int:
    """By how much to average a map for a view, so that it does not flicker."""
    return max(1, math.floor(texels_per_pixel))


def texel_places(frame: Frame, uv: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Points of a map as continuous (x, y) in texels from its upper left corner, in its tile."""
    height, width = frame.pixels.shape[:2]
    inside = uv - np.floor(uv)
    return np.stack([inside[:, 0] * width, (1.0 - inside[:, 1]) * height], axis=1)


def _bilinear(
    frame: Frame, uv: Float[np.ndarray, "points 2"]
) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
    height, width = frame.pixels.shape[:2]
    place = texel_places(frame, uv) - 0.5
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32)
    colour = np.zeros((len(uv), 3), np.float32)
    alpha = np.zeros(len(uv), np.float32)
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - share[:, 0]) * np.abs(1 - below - share[:, 1])
            rows, columns = (low[:, 1] + below) % height, (low[:, 0] + right) % width
            colour += weight[:, None] * frame.pixels[rows, columns]
            alpha += weight if frame.alpha is None else weight * frame.alpha[rows, columns]
    return colour, alpha


def _coding(frame: Frame) -> PixelCoding:
    return PixelCoding(
        is_linear=frame.encoding is Encoding.SCENE_LINEAR,
        is_premultiplied=frame.alpha is not None and frame.alpha_is_premultiplied,
    )
