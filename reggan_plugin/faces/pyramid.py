"""Grey copies of a frame at falling sizes, and samples taken from the fitting one."""

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_sizes import (
    FINEST_SCALE,
    LARGEST_FACE_IN_SHORT_SIDES,
    LARGEST_ON_LEVEL_PX,
    SMALLEST_FRAME_PX,
)
from reggan_plugin.interpolation import four_around

Gray = Float[np.ndarray, "height width"]

LONGEST_BASE_PX = 4096
"""Larger frames are averaged down to this first, so that memory and time stay bounded."""
OUTSIDE_TONE = 0.5
_BORDER_PX = 1
"""Of this tone, so that what lies beyond the image is read like the image."""

GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_STRIP_ROWS = 256


@dataclass(frozen=True, eq=False)
class Level:
    """A grey image [0, 1] and the frame pixels that one of its pixels spans (x, y)."""

    gray: Gray
    frame_px: tuple[float, float]

    @cached_property
    def surrounded(self) -> Gray:
        """The image with a border of OUTSIDE_TONE."""
        return np.pad(self.gray, _BORDER_PX, constant_values=OUTSIDE_TONE)

    def turned(self, quarters: int) -> "Level":
        """Return the level turned counterclockwise by so many quarters."""
        frame_px = self.frame_px[::-1] if quarters % 2 else self.frame_px
        return Level(np.ascontiguousarray(np.rot90(self.gray, quarters)), frame_px)


@dataclass(frozen=True, eq=False)
class Pyramid:
    """`base` serves samples only; `searched` are the levels for the detector, finest first."""

    base: Level
    searched: tuple[Level, ...]

    def turned(self, quarters: int) -> "Pyramid":
        """Return the frame turned counterclockwise by so many quarters."""
        return Pyramid(
            self.base.turned(quarters), tuple(level.turned(quarters) for level in self.searched)
        )

    def place_back(
        self, points: Float[np.ndarray, "n 2"], quarters: int
    ) -> Float[np.ndarray, "n 2"]:
        """Map points of the frame turned by `quarters` back into the frame, both in pixels."""
        rows, columns = self.base.gray.shape
        width, height = columns * self.base.frame_px[0], rows * self.base.frame_px[1]
        x, y = points.T
        places = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))
        return np.column_stack(places[quarters])

    def sample(self, crop: FaceCrop) -> Float[np.ndarray, "side side"]:
        """Return the crop as grey values, taken from the level closest to its resolution."""
        chosen = self.base
        for level in self.searched:
            if crop.scale / max(level.frame_px) >= 0.8:
                chosen = level
        return _sample_bilinear(chosen, crop)


def build_pyramid(image: Float[np.ndarray, "height width *channels"]) -> Pyramid:
    """Build all levels of a frame, sRGB-encoded in [0, 1]; a tiny frame has none to search.

    A frame without channels is grey already, by `GRAY_WEIGHTS`.
    """
    base = _reduce_to_base(image)
    height, width = base.gray.shape
    levels: list[Level] = []
    scale, source = FINEST_SCALE, base
    while min(height, width) >= SMALLEST_FRAME_PX:
        source = _resize(source, max(1, round(height * scale)), max(1, round(width * scale)))
        levels.append(source)
        if min(height, width) * scale * LARGEST_FACE_IN_SHORT_SIDES <= LARGEST_ON_LEVEL_PX:
            break
        scale /= 2
    return Pyramid(base, tuple(levels))


def _reduce_to_base(image: Float[np.ndarray, "height width *channels"]) -> Level:
    """Return the grey, averaged over square blocks where the frame is larger than the limit."""
    height, width = image.shape[:2]
    block = math.ceil(max(height, width) / LONGEST_BASE_PX)
    rows, columns = math.ceil(height / block), math.ceil(width / block)
    gray = np.empty((rows, columns), dtype=np.float32)
    strip_rows = max(1, _STRIP_ROWS // block)
    for top in range(0, rows, strip_rows):
        strip = image[top * block : (top + strip_rows) * block]
        strip = strip @ GRAY_WEIGHTS if strip.ndim == 3 else strip
        if block > 1:
            pad = (-strip.shape[0] % block, columns * block - width)
            strip = np.pad(strip, ((0, pad[0]), (0, pad[1])), mode="edge")
            strip = strip.reshape(-1, block, columns, block).mean(axis=(1, 3))
        gray[top : top + strip_rows] = strip
    return Level(gray, (float(block), float(block)))


def _resize(level: Level, height: int, width: int) -> Level:
    old_height, old_width = level.gray.shape
    picture = Image.fromarray(level.gray).resize((width, height), Image.Resampling.HAMMING)
    frame_px = (level.frame_px[0] * old_width / width, level.frame_px[1] * old_height / height)
    return Level(np.asarray(picture, dtype=np.float32), frame_px)


def _sample_bilinear(level: Level, crop: FaceCrop) -> Float[np.ndarray, "side side"]:
    # counted from pixel centres
    x, y = (crop.place(_centres(crop.side_px)) / np.array(level.frame_px) - 0.5).T
    surrounded = level.surrounded
    height, width = surrounded.shape
    values = np.zeros(len(x), np.float32)
    for row, column, weight in four_around(x, y):
        place = (row + _BORDER_PX).clip(0, height - 1)
        place *= width
        place += (column + _BORDER_PX).clip(0, width - 1)
        values += weight * surrounded.take(place)
    return values.reshape(crop.side_px, crop.side_px)


@cache
def _centres(side_px: int) -> Float[np.ndarray, "pixels 2"]:
    """Middles (x, y) of the pixels of a square, row by row."""
    centres = np.arange(side_px) + 0.5
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
