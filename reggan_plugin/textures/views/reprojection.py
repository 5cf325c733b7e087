"""Reprojection: brings the change of a picture of the face to the texels that show in it.

A texel may lie on two places of the surface; edges of the map are padded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int, RegionPixels
from reggan_plugin.files.image_format import change_samples
from reggan_plugin.textures.character import corner_values, is_mirrored
from reggan_plugin.textures.maps.texture_map import MapTile, Samples, TextureMap
from reggan_plugin.textures.maps.uv_layout import (
    Block,
    Texels,
    UvLayout,
    laid_out,
    pad_around_islands,
    padding_texels,
)
from reggan_plugin.textures.texture_request import Advance, say_nothing
from reggan_plugin.textures.views.ray_traced_view import Hits, Stage
from reggan_plugin.textures.views.view_change import FOLD, SAME_PLACE, SurfaceChange, ViewChange

BlockChange = RegionPixels

_SAME_FOLD = 3 * FOLD
"""Two places on one texel that are no farther apart are in one fold."""
_TEXELS_AT_ONCE = 1 << 18
"""Bounds the memory of the search for a texel's place: about 100 MB."""
_BLOCK_PX = 1024
_SAMPLING = 64
"""Of so many changed texels one is looked up on the parts that the view does not see."""


@dataclass(kw_only=True)
class Tally:
    """Counts of texels by outcome."""

    changed: int = 0
    mirrored: int = 0
    """Changed texels that the view shows in two places, once turned over."""
    overlapping: int = 0
    """Changed texels that the view shows in two places, alike."""
    shared: int = 0
    """Of `sampled` changed texels, those that also lie where no view sees them."""
    sampled: int = 0


class Reprojection:
    """The way from a map's texels to the view and back.

    A map is worked on block by block, so that only its samples as stored are ever whole.
    `parts` are those whose base colour is the map.
    """

    def __init__(
        self,
        stage: Stage,
        parts: Sequence[int],
        texture: TextureMap,
        change: ViewChange,
        *,
        block_px: int = _BLOCK_PX,
        is_data: bool = False,
        still: Bool[np.ndarray, " faces"] | None = None,
    ) -> None:
        """Lay out the triangles: those that the view shows where it changes, and all others.

        Those that are `still` do not change, whatever the view shows.
        """
        self._texture, self._block_px = texture, block_px
        self._moves = change.motion is not None
        surface = SurfaceChange(stage, change, parts, texture, is_data=is_data)
        self._stage, self._surface, self._eye = stage, surface, change.view.eye
        self.tally = Tally()
        """Of all tiles so far."""
        chosen = np.flatnonzero(np.isin(stage.part_of_face, list(parts)))
        corners = stage.uv[stage.faces[chosen]]
        self._mirrored = np.zeros(len(stage.faces), dtype=np.bool_)
        self._mirrored[chosen] = is_mirrored(stage.uv, stage.faces[chosen])
        seen, shows = surface.faces_that_may_change(chosen), surface.shows(chosen)
        if still is not None:
            seen = seen & ~still[chosen]
        row, cell = laid_out(corners)
        number = texture.tile_of(cell + 0.5)
        self._layouts: dict[tuple[int, bool], UvLayout] = {}
        for tile, picture in texture.tiles.items():
            for wanted in (True, False):
                here = np.flatnonzero((number == tile) & (seen[row] == wanted))
                self._layouts[tile, wanted] = UvLayout(
                    corners[row[here]] - cell[here][:, None, :],
                    chosen[row[here]],
                    self._mirrored[chosen[row[here]]],
                    shows[row[here]],
                    picture.shape,
                )

    def changed_samples(self, number: int, advance: Advance = say_nothing) -> Samples | None:
        """Return a tile with the change, as stored; None if no texel of it changes.

        Texels that do not change have the bits of the tile's own.
        """
        tile, result = self._texture.tiles[number], None
        blocks = list(_blocks(tile.shape, self._block_px))
        for place, block in enumerate(blocks, start=1):
            change = self._change_of_block(number, block)
            if change is not None:
                result = tile.colours.copy() if result is None else result
                self._apply(tile, result, block, change)
            advance(place / len(blocks))
        return result

    def _change_of_block(self, number: int, core: Block) -> BlockChange | None:
        """Change of the shown colours of a block's texels; None if there is none."""
        seen, others = self._layouts[number, True], self._layouts[number, False]
        shape = self._texture.tiles[number].shape
        reach = padding_texels(shape)
        # What runs into the core starts within a reach of it, and that depends on one more.
        block = core.grown(2 * reach, *shape)
        texels = np.argwhere(seen.covered(block))
        if not len(texels):
            return None
        corner = np.array([block.rows.start, block.columns.start])
        found, on_surface = self._change_of(seen, texels + corner, core)
        if not found.any():
            return None
        total = np.zeros((*block.shape, 3), np.float32)
        filled = np.zeros(block.shape, dtype=np.bool_)
        total[texels[:, 0], texels[:, 1]] = found
        filled[texels[:, 0], texels[:, 1]] = on_surface
        self._count_shared(others, total[_core_of(block, core)], core)
        self._pad(number, block, total, filled, reach)
        return total[_core_of(block, core)]

    def _change_of(
        self, layout: UvLayout, texels: Texels, counted: Block
    ) -> tuple[Float[np.ndarray, "texels 3"], Bool[np.ndarray, " texels"]]:
        """Change of the shown colours of texels, and which of them lie on the surface.

        Only those in `counted` count for the tally.
        """
        change = np.zeros((len(texels), 3), np.float32)
        on_surface = np.zeros(len(texels), dtype=np.bool_)
        for start in range(0, len(texels), _TEXELS_AT_ONCE):
            part = slice(start, start + _TEXELS_AT_ONCE)
            first = layout.first(texels[part])
            on_surface[part] = first.face >= 0
            counts = counted.holds(texels[part])
            change[part] = self._with_second_layer(first, layout, texels[part], counts)
        return change, on_surface

    def _with_second_layer(
        self, first: Hits, layout: UvLayout, texels: Texels, counts: Bool[np.ndarray, " texels"]
    ) -> Float[np.ndarray, "texels 3"]:
        """Weighted change; where two places share a texel, a mean that both can wear.

        A fold does not count there, as its paint would show at the other place, unless that is
        hidden in the same fold.
        """
        change, weight, in_fold = self._surface.at(first)
        found = np.flatnonzero(first.face >= 0)
        last = layout.last(texels[found])
        two = np.flatnonzero((last.face != first.face[found]) & (last.face >= 0))
        if two.size:
            doubled = found[two]
            below = Hits(
                face=last.face[two], weights=last.weights[two], distance=last.distance[two]
            )
            second, other, other_in_fold = self._surface.at(below)
            apart = self._distance(first, doubled, below)
            seen = np.stack([weight[doubled] * ~in_fold[doubled], other * ~other_in_fold])
            hidden = np.where(apart < _SAME_FOLD, np.stack([weight[doubled], other]), 0)
            share = np.where(seen.any(axis=0), seen, hidden)
            both = np.maximum(share.sum(axis=0), 1e-9)[:, None]
            mean = share[0][:, None] * change[doubled] + share[1][:, None] * second
            turned = self._mirrored[below.face] != self._mirrored[first.face[doubled]]
            shown_twice = (seen > 0).all(axis=0) & (apart > 4 * SAME_PLACE) & counts[doubled]
            self.tally.mirrored += int((turned & shown_twice).sum())
            self.tally.overlapping += int((~turned & shown_twice).sum())
            change[doubled], weight[doubled] = mean / both, share.max(axis=0)
        self.tally.changed += int(((weight > 0) & counts).sum())
        return weight[:, None] * change

    def _distance(
        self, first: Hits, rows: Int[np.ndarray, " found"], last: Hits
    ) -> Float[np.ndarray, " found"]:
        """Between the two places on which texels lie, in parts of that from the camera."""
        stage = self._stage
        a = corner_values(stage.points, stage.faces, first.face[rows], first.weights[rows])
        b = corner_values(stage.points, stage.faces, last.face, last.weights)
        apart = np.linalg.norm(a - b, axis=1) / np.linalg.norm(self._eye - a, axis=1)
        return np.asarray(apart, np.float32)

    def _pad(
        self,
        number: int,
        block: Block,
        total: BlockChange,
        filled: Bool[np.ndarray, "rows columns"],
        reach: int,
    ) -> None:
        """Let the change of a block run on beyond the islands, in place.

        Where texels moved it is their new colours that run on: a change that holds the detail of
        two places fits on no third.
        """
        others, corner = self._layouts[number, False], [block.rows.start, block.columns.start]

        def is_empty(texels: Texels) -> Bool[np.ndarray, " texels"]:
            return np.asarray(others.first(texels + np.array(corner)).face < 0)

        if not self._moves:
            pad_around_islands(total, filled, is_empty, reach)
            return
        tile = self._texture.tiles[number]
        stored, alpha = tile.texels(block.rows, block.columns)
        opacity = None if alpha is None else alpha.ravel()
        shown = self._texture.shown_from_stored(tile.coding, stored.reshape(-1, 3), opacity)
        shown = np.nan_to_num(shown, posinf=1.0, neginf=0.0).reshape(total.shape)
        colours = shown + total
        padded = pad_around_islands(
            colours, filled, is_empty, reach, changed=(total != 0).any(axis=2)
        )
        total[padded] = (colours - shown)[padded]

    def _count_shared(self, others: UvLayout, change: BlockChange, core: Block) -> None:
        sample = np.argwhere((change != 0).any(axis=2))[::_SAMPLING]
        hits = others.first(sample + np.array([core.rows.start, core.columns.start]))
        self.tally.sampled += len(sample)
        self.tally.shared += int((hits.face >= 0).sum())

    def _apply(self, tile: MapTile, result: Samples, block: Block, change: BlockChange) -> None:
        """Add a change to a block of the samples, in place."""
        before, opacity = tile.texels(block.rows, block.columns)
        rows, columns = np.nonzero((change != 0).any(axis=2))
        alpha = None if opacity is None else opacity[rows, columns]
        shown = self._texture.shown_from_stored(tile.coding, before[rows, columns], alpha)
        added = change[rows, columns] * np.clip(2.0 - shown, 0.0, 1.0)
        new = np.maximum(shown + added, np.minimum(shown, 0.0))
        stored = self._texture.stored_from_shown(tile.coding, new, alpha)
        usable = np.isfinite(stored).all(axis=1) & np.isfinite(shown).all(axis=1)
        if alpha is not None:
            usable &= np.isfinite(alpha) & (alpha > 0)
        after = before.copy()
        after[rows[usable], columns[usable]] = stored[usable]
        change_samples(result[block.rows, block.columns], before, after)


def _blocks(shape: tuple[int, int], side_px: int) -> Iterator[Block]:
    height, width = shape
    for top in range(0, height, side_px):
        for left in range(0, width, side_px):
            yield Block(
                rows=slice(top, min(top + side_px, height)),
                columns=slice(left, min(left + side_px, width)),
            )


def _core_of(block: Block, core: Block) -> tuple[slice, slice]:
    top, left = core.rows.start - block.rows.start, core.columns.start - block.columns.start
    return slice(top, top + core.shape[0]), slice(left, left + core.shape[1])
