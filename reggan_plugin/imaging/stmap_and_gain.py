"""The planes of a change over a whole picture: where pixels come from, their light, their paint."""

from collections.abc import Sequence

import numpy as np

from reggan_plugin.array_types import Float, Int, Pixels, Plane, RegionPlane
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import box_of
from reggan_plugin.imaging.moved_part import MovedPart
from reggan_plugin.kernels.sampling import sample_bilinear

_CLOSE_PX = 0.01
_MOST_STEPS = 40
_AT_ONCE = 1 << 18


@frozen
class Canvas:
    """The pixels that planes have.

    Attributes:
        origin_px: (row, column) of the first one in the picture as displayed.
        shape: (height, width).
        display_px: (height, width) of the picture as displayed.
        picture_px: (row, column) of the picture's own first pixel, counted from the first one.
    """

    origin_px: tuple[int, int]
    shape: tuple[int, int]
    display_px: tuple[int, int]
    picture_px: tuple[int, int] = (0, 0)

    def with_all_displayed(self) -> "Canvas":
        """Return the smallest that has these pixels and all that are displayed."""
        first = tuple(min(0, origin) for origin in self.origin_px)
        ends = (
            max(origin + length, shown)
            for origin, length, shown in zip(
                self.origin_px, self.shape, self.display_px, strict=True
            )
        )
        height, width = (end - begin for begin, end in zip(first, ends, strict=True))
        row, column = (own - begin for own, begin in zip(self.origin_px, first, strict=True))
        return Canvas(
            origin_px=(first[0], first[1]),
            shape=(height, width),
            display_px=self.display_px,
            picture_px=(row, column),
        )


def displacement_plane(
    parts: Sequence[MovedPart], canvas: Canvas
) -> Float[np.ndarray, "height width 2"]:
    """(x, y) in pixels to where each pixel's surface is in the source; 0 where nothing moves."""
    result = np.zeros((*canvas.shape, 2), np.float32)
    for part in parts:
        _lay(result, part.displacement, part, canvas)
    return result


def gain_plane(parts: Sequence[MovedPart], canvas: Canvas) -> Pixels:
    """Factor on linear light; 1 where it does not change."""
    result = np.ones((*canvas.shape, 3), np.float32)
    for part in parts:
        _lay(result, np.exp(part.log_gain), part, canvas)
    return result


def paint_plane(parts: Sequence[MovedPart], canvas: Canvas) -> Float[np.ndarray, "height width 4"]:
    """Straight linear RGB, and how much it covers; 0 where there is none."""
    result = np.zeros((*canvas.shape, 4), np.float32)
    for part in parts:
        cover = part.cover[..., None]
        rgba = np.concatenate([np.where(cover > 0, part.paint, np.float32(0.0)), cover], axis=2)
        _lay(result, rgba, part, canvas)
    return result


def weight_plane(weight: RegionPlane, canvas: Canvas) -> Plane:
    """Return a plane of the picture on a canvas; 0 beside it."""
    result = np.zeros(canvas.shape, np.float32)
    (row, column), (height, width) = canvas.picture_px, weight.shape
    result[row : row + height, column : column + width] = weight
    return result


def stmap_from_displacement(
    displacement: Float[np.ndarray, "height width 2"], canvas: Canvas
) -> Float[np.ndarray, "height width 2"]:
    """(u, v) of where each pixel comes from: parts of the displayed picture, v from the bottom up.

    A pixel that stays has ((x + 0.5) / width, 1 - (y + 0.5) / height), also outside the picture
    as displayed, so that the map goes on there in a straight line.
    """
    (top, left), (rows, columns) = canvas.origin_px, canvas.shape
    height, width = canvas.display_px
    x = left + np.arange(columns) + 0.5  # float64 until the end: half a float32's step at 16k
    y = top + np.arange(rows)[:, None] + 0.5
    result = np.empty_like(displacement)
    result[..., 0] = (x + displacement[..., 0]) / width
    result[..., 1] = 1 - (y + displacement[..., 1]) / height
    return result


def inverse_displacement(
    displacement: Float[np.ndarray, "height width 2"],
) -> Float[np.ndarray, "height width 2"]:
    """(x, y) in pixels from where a surface was to where it has gone.

    Solved for n(p) = -m(p + n(p)) step by step. Where the motion folds there is no answer, and
    the last step stands.
    """
    result = np.zeros_like(displacement)
    moves = np.abs(displacement).max(axis=2)
    box = box_of(moves, (slice(0, moves.shape[0]), slice(0, moves.shape[1])))
    rows, columns = (np.arange(axis.start, axis.stop) for axis in box)
    for start in range(0, len(rows) * len(columns), _AT_ONCE):
        index = np.arange(start, min(start + _AT_ONCE, len(rows) * len(columns)))
        down, across = np.divmod(index, len(columns))
        y, x = rows[down], columns[across]
        result[y, x] = _way_back(displacement, x, y)
    return result


def _way_back(
    displacement: Float[np.ndarray, "height width 2"],
    x: Int[np.ndarray, " places"],
    y: Int[np.ndarray, " places"],
) -> Float[np.ndarray, "places 2"]:
    way, place = -displacement[y, x], np.stack([x, y], axis=-1)
    open_ = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        there = -sample_bilinear(displacement, place[open_] + way[open_], 0.0)
        step = np.abs(there - way[open_]).max(axis=1)
        way[open_] = there
        open_ = open_[step > _CLOSE_PX]
        if not open_.size:
            break
    return way


def _lay(
    plane: Float[np.ndarray, "height width channels"],
    values: Float[np.ndarray, "rows columns some"],
    part: MovedPart,
    canvas: Canvas,
) -> None:
    """Put values where a part changes something, in place; one channel counts for all."""
    rows, columns = (
        slice(axis.start + shift, axis.stop + shift)
        for axis, shift in zip(part.region, canvas.picture_px, strict=True)
    )
    np.copyto(plane[rows, columns], values, where=(part.weight > 0)[..., None])
