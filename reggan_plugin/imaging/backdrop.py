"""A backdrop for pictures with alpha, so that a model sees no edge where there is none."""

import math
from functools import cached_property

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float, Int
from reggan_plugin.bilinear import sample_bilinear
from reggan_plugin.imaging.colour import finite_pixels
from reggan_plugin.imaging.crop import Region, reduce_by

_LONGEST_UNDERLAY_PX = 1024
_ROWS_AT_ONCE = 256
_UNSURE_ALPHA, SURE_ALPHA = 0.5, 0.95
"""Up to the first a colour counts for nothing, from the second on in full. At the rim of a
silhouette a renderer has few samples of it, and a premultiplied file of 8 bits few levels."""


def continue_under_alpha(
    image: Float[np.ndarray, "side side 3"], alpha: Float[np.ndarray, "side side"]
) -> Float[np.ndarray, "side side 3"]:
    """Let the colours of the visible pixels run on beneath the transparent ones.

    What a renderer leaves under alpha 0 is mostly black. A model that lowers a jaw would drag
    that black into the face; with this it drags skin.

    Args:
        image: straight RGB.
        alpha: coverage in [0, 1]; where it is 1 the image comes back as it is.

    Source: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4 (push-pull).
    """
    weight = np.clip(alpha, 0.0, 1.0)[..., None].astype(np.float32)
    if weight.min() == 1.0:
        return image
    return _fill(image * weight, weight)


def _fill(
    colour: Float[np.ndarray, "height width 3"], weight: Float[np.ndarray, "height width 1"]
) -> Float[np.ndarray, "height width 3"]:
    """`colour` is premultiplied by `weight`; what is missing comes from half the resolution."""
    height, width = weight.shape[:2]
    if max(height, width) == 1:
        return colour / np.maximum(weight, np.float32(1e-6))
    low_weight = reduce_by(weight, 2)
    sureness = np.minimum(4.0 * low_weight, 1.0).astype(np.float32)
    low_colour = reduce_by(colour, 2) / np.maximum(low_weight, np.float32(1e-6)) * sureness
    below = _fill(low_colour, sureness)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for plane in np.moveaxis(below, 2, 0)
    ]
    return colour + (1.0 - weight) * np.stack([np.asarray(plane) for plane in planes], axis=2)


class Underlay:
    """Colours that run on beneath what is transparent or no number, around a face.

    They are worked out once, when they are needed, at a resolution that bounds time and memory.
    """

    def __init__(
        self,
        pixels: Float[np.ndarray, "height width 3"],
        alpha: Float[np.ndarray, "height width"] | None,
        region: Region,
        *,
        is_premultiplied: bool,
    ) -> None:
        """Be ready to look at a region of a picture.

        Args:
            pixels: as stored, in any encoding.
            alpha: likewise.
            region: rows and columns whose colours run on; not empty.
            is_premultiplied: whether the pixels are multiplied by alpha.
        """
        self._pixels, self._alpha, self._region = pixels, alpha, region
        self._is_premultiplied = is_premultiplied
        longest = max(axis.stop - axis.start for axis in region)
        self._factor = math.ceil(longest / _LONGEST_UNDERLAY_PX)

    def beneath(
        self,
        straight: Float[np.ndarray, "rows columns 3"],
        alpha: Float[np.ndarray, "rows columns"] | None,
        region: Region,
    ) -> Float[np.ndarray, "rows columns 3"]:
        """Straight values of a region, laid over what runs on beneath them; all finite."""
        share = finite_pixels(straight).astype(np.float32)
        if alpha is not None:
            sureness = (np.nan_to_num(alpha) - _UNSURE_ALPHA) / (SURE_ALPHA - _UNSURE_ALPHA)
            share *= np.clip(sureness, 0.0, 1.0)
        rows, columns = np.nonzero(share < 1)
        if not rows.size:
            return straight
        below = self._at(rows + region[0].start, columns + region[1].start)
        own = np.nan_to_num(straight[rows, columns], nan=0.0, posinf=0.0, neginf=0.0)
        result = straight.copy()
        result[rows, columns] = below + share[rows, columns, None] * (own - below)
        return result

    @cached_property
    def _colours(self) -> Float[np.ndarray, "rows columns 3"]:
        """The whole region, averaged over blocks of `_factor` pixels."""
        rows, columns = self._region
        step = self._factor * max(1, _ROWS_AT_ONCE // self._factor)
        strips = [
            self._reduced((slice(top, min(top + step, rows.stop)), columns))
            for top in range(rows.start, rows.stop, step)
        ]
        colour, weight = (np.concatenate([strip[i] for strip in strips]) for i in (0, 1))
        return _fill(colour, weight)

    def _reduced(
        self, strip: Region
    ) -> tuple[Float[np.ndarray, "rows columns 3"], Float[np.ndarray, "rows columns 1"]]:
        """Colours times their weight, and the weight."""
        colour = self._pixels[strip]
        weight = np.isfinite(colour).all(axis=2, keepdims=True).astype(np.float32)
        if self._alpha is not None:
            alpha = np.nan_to_num(self._alpha[strip], nan=0.0, posinf=0.0, neginf=0.0)[..., None]
            weight *= np.clip(alpha, 0.0, 1.0)
            colour = colour if self._is_premultiplied else colour * weight
        colour = np.where(weight > 0, colour, np.float32(0.0))
        return reduce_by(colour, self._factor), reduce_by(weight, self._factor)

    def _at(
        self, rows: Int[np.ndarray, " places"], columns: Int[np.ndarray, " places"]
    ) -> Float[np.ndarray, "places 3"]:
        """In straight lines between the middles of blocks; beyond the region its edge."""
        top, left = (axis.start for axis in self._region)
        if self._factor == 1:  # every place is the middle of a block
            height, width = self._colours.shape[:2]
            inside = np.clip(rows - top, 0, height - 1), np.clip(columns - left, 0, width - 1)
            return self._colours[inside]
        y = (rows - top + 0.5) / self._factor - 0.5
        x = (columns - left + 0.5) / self._factor - 0.5
        return sample_bilinear(self._colours, x, y)
