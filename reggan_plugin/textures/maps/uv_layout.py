"""UV layout: the points of the surface that each texel of a map lies on, with padding."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.textures.views.ray_traced_view import Hits, RayScene

Mask = Bool[np.ndarray, "rows columns"]
Texels = Int[np.ndarray, "texels 2"]

_PADDING_IN_SIDES = 1 / 512
"""Width of the padding around islands, in sides of the map."""
_AROUND_PX = 3
"""So that no texel at a triangle's edge is missed."""


@frozen
class Block:
    """A rectangle of texels."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def holds(self, texels: Texels) -> Bool[np.ndarray, " texels"]:
        """Return true for texels (row, column) that lie in it."""
        low = np.array([self.rows.start, self.columns.start])
        return np.asarray(((texels >= low) & (texels < low + self.shape)).all(axis=1))

    def grown(self, margin: int, height: int, width: int) -> "Block":
        """With a margin all around, inside the map."""
        return Block(
            rows=slice(max(0, self.rows.start - margin), min(height, self.rows.stop + margin)),
            columns=slice(
                max(0, self.columns.start - margin), min(width, self.columns.stop + margin)
            ),
        )


class UvLayout:
    """Triangles laid flat on one tile of a map.

    Triangles over the same texel keep an order: those that show and are not mirrored lie on top,
    mirrored ones that show at the bottom. So the first and the last of them can be asked for.
    """

    def __init__(
        self,
        uv: Float[np.ndarray, "faces 3 2"],
        face: Int[np.ndarray, " faces"],
        mirrored: Bool[np.ndarray, " faces"],
        shows: Bool[np.ndarray, " faces"],
        shape: tuple[int, int],
    ) -> None:
        """Lay the triangles out.

        Args:
            uv: corners, from the tile's lower left corner; 0..1 within the tile.
            face: what each triangle is called in the mesh.
            mirrored: which are turned over.
            shows: which the view shows.
            shape: (height, width) of the tile in texels.
        """
        order = np.lexsort((np.arange(len(face)), np.where(mirrored, -1, 1) * shows))
        self._face, self._shape = face[order], shape
        self._corners = uv[order] * [shape[1], -shape[0]] + [0.0, shape[0]]
        self._low, self._high = self._corners.min(axis=1), self._corners.max(axis=1)
        flat = uv[order]
        height = np.arange(len(face)) / max(len(face), 1)
        points = np.concatenate(
            [flat, np.broadcast_to(height[:, None, None], (len(face), 3, 1))], axis=2
        )
        self._scene = (
            RayScene(points.reshape(-1, 3), np.arange(3 * len(face)).reshape(-1, 3))
            if len(face)
            else None
        )

    def covered(self, block: Block) -> Mask:
        """Texels on or within a few texels of a triangle."""
        corner = np.array([block.columns.start, block.rows.start])
        far = corner + block.shape[::-1]
        near = (self._high > corner - _AROUND_PX).all(axis=1)
        near &= (self._low < far + _AROUND_PX).all(axis=1)
        if not near.any():
            return np.zeros(block.shape, dtype=np.bool_)
        canvas = Image.new("L", block.shape[::-1])
        draw = ImageDraw.Draw(canvas)
        for triangle in (self._corners[near] - corner - 0.5).reshape(-1, 6).tolist():
            draw.polygon(triangle, fill=1, outline=1, width=_AROUND_PX)
        return np.asarray(canvas) > 0

    def first(self, texels: Texels) -> Hits:
        """Return the topmost triangle at the centres of texels (row, column)."""
        return self._cast(texels, from_top=True)

    def last(self, texels: Texels) -> Hits:
        """Return the lowest one; the same where only one lies there."""
        return self._cast(texels, from_top=False)

    def _cast(self, texels: Texels, *, from_top: bool) -> Hits:
        if self._scene is None or not len(texels):
            return Hits(
                face=np.full(len(texels), -1, np.int32),
                weights=np.zeros((len(texels), 3), np.float32),
                distance=np.full(len(texels), np.inf, np.float32),
            )
        height, width = self._shape
        u = (texels[:, 1] + 0.5) / width
        v = 1.0 - (texels[:, 0] + 0.5) / height
        start = 2.0 if from_top else -1.0
        origins = np.stack([u, v, np.full(len(u), start)], axis=1)
        directions = np.broadcast_to([0.0, 0.0, -1.0 if from_top else 1.0], origins.shape)
        hits = self._scene.first_hits(origins, directions)
        found = hits.face >= 0
        hits.face[found] = self._face[hits.face[found]]
        return hits


def laid_out(
    uv: Float[np.ndarray, "faces 3 2"],
) -> tuple[Int[np.ndarray, " copies"], Int[np.ndarray, "copies 2"]]:
    """Each triangle once for every tile (or repetition of the map) that it touches.

    Returns:
        The triangle's row in `uv`, and the tile's column and row.
    """
    low = np.floor(uv.min(axis=1) + 1e-6).astype(np.int64)
    high = np.maximum(low, np.ceil(uv.max(axis=1) - 1e-6).astype(np.int64) - 1)
    high = np.minimum(high, low + 3)  # a triangle over more repetitions than that is a mistake
    rows, cells = [], []
    for across in range(int((high - low)[:, 0].max(initial=0)) + 1):
        for up in range(int((high - low)[:, 1].max(initial=0)) + 1):
            cell = low + np.array([across, up])
            reaches = np.flatnonzero((cell <= high).all(axis=1))
            rows.append(reaches)
            cells.append(cell[reaches])
    return np.concatenate(rows), np.concatenate(cells)


def padding_texels(shape: tuple[int, int]) -> int:
    """Return the width of the padding around islands of a map of this size, in texels."""
    return max(4, round(_PADDING_IN_SIDES * max(shape)))


def pad_around_islands(
    change: Float[np.ndarray, "rows columns 3"],
    on_surface: Mask,
    is_empty: Callable[[Texels], Bool[np.ndarray, " texels"]],
    reach: int,
    changed: Mask | None = None,
) -> Mask:
    """Fill empty texels around the islands with means of their neighbours, in place.

    Returns where, so that filtering does not bleed what lay there before.

    Args:
        change: of the texels of a block, or any other values.
        on_surface: texels whose change is known.
        is_empty: says of texels of the block (row, column) whether no surface lies on them.
        reach: how far, in texels.
        changed: near which texels are filled; where they are not 0 if it is None.
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
    total: Float[np.ndarray, "rows columns 3"], known: Mask, places: Int[np.ndarray, "places 2"]
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


def _spread(mask: Mask, reach: int) -> Mask:
    """Everything within `reach` texels of the mask, diagonals included."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    for _ in range(reach):
        picture = picture.filter(ImageFilter.MaxFilter(3))
    return np.asarray(picture) > 0
