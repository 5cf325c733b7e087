"""A backdrop for pictures with alpha, so that a model sees no edge where there is none."""

import math
from functools import cached_property

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Bool, Float
from reggan_plugin.imaging.crop import Region, box_of
from reggan_plugin.imaging.in_front_of_face import Front, within
from reggan_plugin.kernels.pictures import average_blocks, lay_over, run_on, sureness

_LONGEST_UNDERLAY_PX = 1024
_ROWS_AT_ONCE = 256
_MIRRORED, _HALF = 0.022, 0.5
"""Parts of the crop's side over which colours go on beneath what is before a face as in a mirror:
more than half of a rim; and the weight from which on a colour is known."""
_UNSURE_ALPHA, SURE_ALPHA = 0.5, 0.95
"""Up to the first a colour counts for nothing, from the second on in full. At the rim of a
silhouette a renderer has few samples of it, and a premultiplied file of 8 bits few levels."""


_GREY = np.float32(0.5)


def before_grey(
    image: Float[np.ndarray, "side side 3"], alpha: Float[np.ndarray, "side side"]
) -> Float[np.ndarray, "side side 3"]:
    """Lay the visible pixels over middle grey, for a model that answers with motion.

    Nothing of it can get into the frame, whose own pixels are moved, and a head is read best where
    it ends in what no head is made of: 0.1 dB to 0.2 dB better than before colours that run on.

    Args:
        image: straight RGB, sRGB-encoded.
        alpha: coverage in [0, 1]. From a half on a pixel is all its own, so that a head that fades
            away in a shot is seen as it is.
    """
    weight = np.clip(alpha / _UNSURE_ALPHA, 0.0, 1.0).astype(np.float32)[..., None]
    return image * weight + _GREY * (1 - weight) if weight.min() < 1.0 else image


def continue_under_alpha(
    image: Float[np.ndarray, "rows columns 3"], alpha: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "rows columns 3"]:
    """Let the colours of the visible pixels run on beneath the transparent ones.

    What a renderer leaves under alpha 0 is mostly black. A model that answers with a picture and
    lowers a jaw would drag that black into the face; with this it drags skin.

    Args:
        image: straight RGB.
        alpha: coverage in [0, 1]; where it is 1 the image comes back as it is.
    """
    weight = np.clip(alpha, 0.0, 1.0).astype(np.float32)
    if weight.min() == 1.0:
        return image
    return run_on(image * weight[..., None], weight)


def _with_mirrored(
    colours: Float[np.ndarray, "height width colours"],
    hole: Bool[np.ndarray, "height width"],
    reach: int,
) -> Float[np.ndarray, "height width colours"]:
    """Colours of a hole, with the fine detail around it, as in a mirror at its border.

    Brows and lashes that end at the rim of spectacles go on beneath it as hair; without it they
    would be a blur as soon as they come out. Beneath what is wide, such as a lock of hair, a blur
    is less odd than its mirror image.
    """
    is_deep = hole & ~within(~hole, reach)
    is_thin = hole & ~within(is_deep, 2 * reach)
    # nothing that is further away counts; blocks of `_coarse` begin where they would in the whole
    px, whole = max(2, reach // 2), tuple(slice(0, length) for length in hole.shape)
    box = tuple(
        slice(max(0, (one.start - 2 * reach) // px - 4) * px, one.stop + 2 * reach + 4 * px)
        for one in box_of(is_thin, (whole[0], whole[1]))
    )
    if not is_thin.any():
        return colours
    part, hole, is_thin = colours[box], hole[box], is_thin[box]
    size = hole.shape
    row = size[1] + 2  # a border of one pixel, so that each has eight beside it
    is_hole = np.pad(hole, 1, constant_values=True).ravel()
    nearest = np.where(is_hole, -1, np.arange(len(is_hole)))
    open_places = np.flatnonzero(np.pad(is_thin, 1).ravel())
    inner = open_places
    beside = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    for _ in range(reach):
        found = nearest[open_places[:, None] + beside]
        (down, right), here = np.divmod(found, row), np.divmod(open_places[:, None], row)
        square = np.where(found < 0, np.inf, (down - here[0]) ** 2 + (right - here[1]) ** 2)
        best = np.take_along_axis(found, square.argmin(axis=1)[:, None], axis=1)[:, 0]
        nearest[open_places[best >= 0]] = best[best >= 0]
        open_places = open_places[best < 0]
    own = inner[nearest[inner] >= 0]
    at, border = np.divmod(own, row), np.divmod(nearest[own], row)
    rows, columns = (
        np.clip(2 * there - here, 1, most) - 1
        for here, there, most in zip(at, border, size, strict=True)
    )
    distance = np.hypot(border[0] - at[0], border[1] - at[1])
    share = np.clip(2 - 2 * distance / reach, 0, 1) * ~hole[rows, columns]
    coarse = [_coarse(plane, px) for plane in np.moveaxis(part, 2, 0)]
    detail = part[rows, columns] - np.stack([plane[rows, columns] for plane in coarse], axis=1)
    beneath = part[at[0] - 1, at[1] - 1]
    fine = beneath + share.astype(np.float32)[:, None] * detail
    part[at[0] - 1, at[1] - 1] = np.maximum(fine, np.minimum(beneath, 0))
    # whole pixels mirrored along a slope stand like the teeth of a comb
    wide = np.pad(part, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = sum(
        wide[at[0] + down, at[1] + right]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0), (0, 0))
    )
    part[at[0] - 1, at[1] - 1] = around / np.float32(6)
    return colours


def _coarse(plane: Float[np.ndarray, "rows columns"], px: int) -> Float[np.ndarray, "rows columns"]:
    """Return the plane without what is finer than so many pixels."""
    small = Image.fromarray(np.ascontiguousarray(plane)).reduce(px)
    rows, columns = plane.shape
    box = (0, 0, columns / px, rows / px)
    return np.asarray(small.resize((columns, rows), Image.Resampling.BICUBIC, box))


class Underlay:
    """Colours that run on beneath what is transparent, no number, or before a face.

    They are worked out once, when they are needed, at a resolution that bounds time and memory.
    """

    def __init__(
        self,
        pixels: Float[np.ndarray, "height width 3"],
        alpha: Float[np.ndarray, "height width"] | None,
        region: Region,
        *,
        is_premultiplied: bool,
        front: Front | None = None,
    ) -> None:
        """Be ready to look at a region of a picture.

        Args:
            pixels: as stored, in any encoding.
            alpha: likewise.
            region: rows and columns whose colours run on; not empty.
            is_premultiplied: whether the pixels are multiplied by alpha.
            front: what stands before the face.
        """
        self.front = front
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
        """Straight values of a region, laid over what runs on beneath them; all finite.

        Values that are no part of other ones are written over.
        """
        hidden = None if self.front is None else self.front.hidden(region)
        share = sureness(straight, alpha, hidden, (_UNSURE_ALPHA, SURE_ALPHA))
        if share is None:
            return straight
        top, left = (
            own.start - first.start for own, first in zip(region, self._region, strict=True)
        )
        own = straight if straight.base is None else straight.copy()
        return lay_over(own, share, self._colours, (top, left), self._factor)

    @cached_property
    def _colours(self) -> Float[np.ndarray, "rows columns channels"]:
        """The whole region, averaged over blocks of `_factor` pixels."""
        rows, columns = self._region
        step = self._factor * max(1, _ROWS_AT_ONCE // self._factor)
        parts = []
        for top in range(rows.start, rows.stop, step):
            strip = slice(top, min(top + step, rows.stop)), columns
            alpha = None if self._alpha is None else self._alpha[strip]
            hidden = None if self.front is None else self.front.hidden(strip)
            known = self._pixels[strip], alpha, hidden, self._factor
            parts.append(average_blocks(*known, is_premultiplied=self._is_premultiplied))
        colours, weight = (np.concatenate(values) for values in zip(*parts, strict=True))
        filled = run_on(colours, weight)
        if self.front is None:
            return filled
        reach = _MIRRORED * self.front.side_px / self._factor
        return _with_mirrored(filled, within(weight < _HALF, 1), max(1, round(reach)))
