"""Edge padding: continues the change in the empty texels around an island."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from reggan_plugin.array_types import Bool, Float, Int

DILATION_IN_SIDES = 1 / 512
"""Width of the padding, in sides of the map."""


def dilation_reach(shape: tuple[int, int]) -> int:
    """Return the same in texels."""
    return max(4, round(DILATION_IN_SIDES * max(shape)))


def pad_edges(
    change: Float[np.ndarray, "rows columns 3"],
    on_surface: Bool[np.ndarray, "rows columns"],
    is_empty: Callable[[Int[np.ndarray, "texels 2"]], Bool[np.ndarray, " texels"]],
    reach: int,
    changed: Bool[np.ndarray, "rows columns"] | None = None,
) -> Bool[np.ndarray, "rows columns"]:
    """Let values of texels run on beyond the islands, in place; returns where they did.

    Args:
        change: of the texels of a block, or any other values.
        on_surface: texels whose change is known.
        is_empty: says of texels of the block (row, column) whether no surface lies on them.
        reach: how far, in texels.
        changed: near which they run on; where they are not 0 if it is None.
    """
    changed = (change != 0).any(axis=2) if changed is None else changed
    near = _spread(changed, reach) & ~on_surface
    texels = np.argwhere(near)
    if not len(texels):
        return near
    empty = np.zeros_like(on_surface)
    free = is_empty(texels)
    empty[texels[free, 0], texels[free, 1]] = True
    known = on_surface.copy()
    for _ in range(reach):
        edge = np.argwhere(empty & ~known & _spread(known, 1))
        if not len(edge):
            break
        mean, count = _sum_of_neighbours(change, known, edge)
        change[edge[:, 0], edge[:, 1]] = mean / np.maximum(count, 1)[:, None]
        known[edge[:, 0], edge[:, 1]] = True
    return known & ~on_surface


def _sum_of_neighbours(
    total: Float[np.ndarray, "rows columns 3"],
    known: Bool[np.ndarray, "rows columns"],
    places: Int[np.ndarray, "places 2"],
) -> tuple[Float[np.ndarray, "places 3"], Int[np.ndarray, " places"]]:
    """Sum over the known of the eight neighbours, and their number."""
    height, width = known.shape
    added = np.zeros((len(places), 3), np.float32)
    count = np.zeros(len(places), np.int64)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            rows = np.clip(places[:, 0] + down, 0, height - 1)
            columns = np.clip(places[:, 1] + right, 0, width - 1)
            there = known[rows, columns]
            added += np.where(there[:, None], total[rows, columns], np.float32(0))
            count += there
    return added, count


def _spread(mask: Bool[np.ndarray, "rows columns"], reach: int) -> Bool[np.ndarray, "rows columns"]:
    """Everything within `reach` texels of the mask, diagonals included."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    for _ in range(reach):
        picture = picture.filter(ImageFilter.MaxFilter(3))
    return np.asarray(picture) > 0
