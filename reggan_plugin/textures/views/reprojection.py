"""Reprojection: brings the change of a picture of the face to the texels that show in it."""

from collections.abc import Iterator, Sequence

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.files.samples import change_samples
from reggan_plugin.textures.character import is_mirrored
from reggan_plugin.textures.maps.edge_padding import dilation_reach, pad_edges
from reggan_plugin.textures.maps.map_tile import MapTile, Samples
from reggan_plugin.textures.maps.overlapping_texels import Tally, TexelChange
from reggan_plugin.textures.maps.texture_map import FIRST_UDIM, TextureMap
from reggan_plugin.textures.maps.uv_layout import Block, UvLayout, laid_out
from reggan_plugin.textures.texture_request import Advance, say_nothing
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.view_change import SurfaceChange, ViewChange

_BLOCK_PX = 1024
_SAMPLING = 64
"""Of so many changed texels one is looked up on the parts that the view does not see."""


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
    ) -> None:
        """Lay out the triangles: those that the view shows where it changes, and all others."""
        self._texture, self._block_px = texture, block_px
        self._moves = change.motion is not None
        surface = SurfaceChange(stage, change, parts, texture, is_data=is_data)
        chosen = np.flatnonzero(np.isin(stage.part_of_face, list(parts)))
        corners = stage.uv[stage.faces[chosen]]
        mirrored = np.zeros(len(stage.faces), dtype=np.bool_)
        mirrored[chosen] = is_mirrored(stage.uv, stage.faces[chosen])
        self._texels = TexelChange(stage, surface, change.view.eye, mirrored)
        seen, shows = surface.faces_that_may_change(chosen), surface.shows(chosen)
        row, cell = laid_out(corners, texture.is_udim)
        number = FIRST_UDIM + cell[:, 0] + 10 * cell[:, 1]
        if not texture.is_udim:
            number = np.full(len(row), FIRST_UDIM)
        self._layouts: dict[tuple[int, bool], UvLayout] = {}
        for tile, picture in texture.tiles.items():
            for wanted in (True, False):
                here = np.flatnonzero((number == tile) & (seen[row] == wanted))
                self._layouts[tile, wanted] = UvLayout(
                    corners[row[here]] - cell[here][:, None, :],
                    chosen[row[here]],
                    mirrored[chosen[row[here]]],
                    shows[row[here]],
                    picture.shape,
                )

    @property
    def tally(self) -> Tally:
        """Of all tiles so far."""
        return self._texels.tally

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

    def _change_of_block(
        self, number: int, core: Block
    ) -> Float[np.ndarray, "rows columns 3"] | None:
        """Change of the shown colours of a block's texels; None if there is none."""
        seen, others = self._layouts[number, True], self._layouts[number, False]
        shape = self._texture.tiles[number].shape
        reach = dilation_reach(shape)
        # What runs into the core starts within a reach of it, and that depends on one more.
        block = core.grown(2 * reach, *shape)
        texels = np.argwhere(seen.covered(block))
        if not len(texels):
            return None
        corner = np.array([block.rows.start, block.columns.start])
        found, on_surface = self._texels.of(seen, texels + corner, core)
        if not found.any():
            return None
        total = np.zeros((*block.shape, 3), np.float32)
        filled = np.zeros(block.shape, dtype=np.bool_)
        total[texels[:, 0], texels[:, 1]] = found
        filled[texels[:, 0], texels[:, 1]] = on_surface
        self._count_shared(others, total[_core_of(block, core)], core)
        self._pad(number, block, total, filled, reach)
        return total[_core_of(block, core)]

    def _pad(
        self,
        number: int,
        block: Block,
        total: Float[np.ndarray, "rows columns 3"],
        filled: Bool[np.ndarray, "rows columns"],
        reach: int,
    ) -> None:
        """Let the change of a block run on beyond the islands, in place.

        Where texels moved it is their new colours that run on: a change that holds the detail of
        two places fits on no third.
        """
        others, corner = self._layouts[number, False], [block.rows.start, block.columns.start]

        def is_empty(texels: Int[np.ndarray, "texels 2"]) -> Bool[np.ndarray, " texels"]:
            return np.asarray(others.first(texels + np.array(corner)).face < 0)

        if not self._moves:
            pad_edges(total, filled, is_empty, reach)
            return
        tile = self._texture.tiles[number]
        stored, alpha = tile.texels(block.rows, block.columns)
        opacity = None if alpha is None else alpha.ravel()
        shown = self._texture.shown_from_stored(tile.coding, stored.reshape(-1, 3), opacity)
        shown = np.nan_to_num(shown, posinf=1.0, neginf=0.0).reshape(total.shape)
        colours = shown + total
        padded = pad_edges(colours, filled, is_empty, reach, changed=(total != 0).any(axis=2))
        total[padded] = (colours - shown)[padded]

    def _count_shared(
        self, others: UvLayout, change: Float[np.ndarray, "rows columns 3"], core: Block
    ) -> None:
        sample = np.argwhere((change != 0).any(axis=2))[::_SAMPLING]
        hits = others.first(sample + np.array([core.rows.start, core.columns.start]))
        self.tally.sampled += len(sample)
        self.tally.shared += int((hits.face >= 0).sum())

    def _apply(
        self,
        tile: MapTile,
        result: Samples,
        block: Block,
        change: Float[np.ndarray, "rows columns 3"],
    ) -> None:
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
