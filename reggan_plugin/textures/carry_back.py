"""The change of a picture of the face, carried back to the texels that show in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageFilter

from reggan_plugin.files.frame import Frame
from reggan_plugin.textures.character import corner_values, is_mirrored
from reggan_plugin.textures.ray_scene import Hits
from reggan_plugin.textures.stage import Stage
from reggan_plugin.textures.texture_map import FIRST_UDIM, TextureMap
from reggan_plugin.textures.uv_layout import Block, UvLayout, laid_out
from reggan_plugin.textures.view import View

_BLOCK_PX = 768
_GRAZING, _FULL = 0.08, 0.30
"""Cosines between the surface's normal and the way to the camera: nothing changes at an angle
beyond 85 degrees, everything within 72."""
_SAME_PLACE = 3e-4
"""A surface this much (in parts of the distance) nearer than a texel's own point hides it."""
_FRONTALITY = 16.0
"""How much more a view counts that sees a texel straight on."""
DILATION_IN_SIDES = 1 / 512
"""How far the change runs on into the empty texels around an island, in sides of the map."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ViewChange:
    """What a view showed, and what it shall show."""

    view: View
    before: Float[np.ndarray, "side side 3"]
    after: Float[np.ndarray, "side side 3"]

    @property
    def touched(self) -> Bool[np.ndarray, "side side"]:
        """Where the two differ."""
        return np.asarray((self.before != self.after).any(axis=2))


@dataclass(kw_only=True)
class Tally:
    """How many texels came to what."""

    changed: int = 0
    mirrored: int = 0
    """Changed texels that the view shows in two places, once turned over."""
    overlapping: int = 0
    """Changed texels that the view shows in two places, alike."""
    shared: int = 0
    """Of `sampled` changed texels, those that also lie where no view sees them."""
    sampled: int = 0


class CarryBack:
    """The way from a map's texels to the views and back.

    `parts` are those whose base colour is the map.
    """

    def __init__(
        self, stage: Stage, parts: Sequence[int], texture: TextureMap, views: Sequence[ViewChange]
    ) -> None:
        """Lay out the triangles: those that a view shows where it changes, and all others."""
        self._stage, self._texture, self._views = stage, texture, views
        self.tally = Tally()
        chosen = np.flatnonzero(np.isin(stage.part_of_face, list(parts)))
        corners = stage.uv[stage.faces[chosen]]
        mirrored = is_mirrored(stage.uv, stage.faces[chosen])
        seen = self._may_change(chosen)
        row, cell = laid_out(corners, texture.is_udim)
        number = FIRST_UDIM + cell[:, 0] + 10 * cell[:, 1]
        if not texture.is_udim:
            number = np.full(len(row), FIRST_UDIM)
        self._mirrored = np.zeros(len(stage.faces), dtype=np.bool_)
        self._mirrored[chosen] = mirrored
        self._layouts = {}
        for tile, frame in texture.tiles.items():
            layers = []
            for wanted in (True, False):
                here = np.flatnonzero((number == tile) & (seen[row] == wanted))
                layers.append(
                    UvLayout(
                        corners[row[here]] - cell[here][:, None, :],
                        chosen[row[here]],
                        mirrored[row[here]],
                        frame.pixels.shape[:2],
                    )
                )
            self._layouts[tile] = layers[0], layers[1]

    def changed_pixels(self, tile: int) -> Float[np.ndarray, "height width 3"] | None:
        """The tile with the change, as stored; None if no texel of it changes.

        Texels that do not change have the bits of the tile's own.
        """
        frame = self._texture.tiles[tile]
        seen, others = self._layouts[tile]
        result = None
        for block in _blocks(frame.pixels.shape[:2]):
            change = self._change_of_block(frame, seen, others, block)
            if change is not None:
                result = frame.pixels.copy() if result is None else result
                self._apply(frame, result, block, change)
        return result

    def _may_change(self, chosen: Int[np.ndarray, " faces"]) -> Bool[np.ndarray, " faces"]:
        """Triangles that a view may show where it changes."""
        stage = self._stage
        seen = np.zeros(len(chosen), dtype=np.bool_)
        for change in self._views:
            rows, columns = (np.flatnonzero(change.touched.any(axis=axis)) for axis in (1, 0))
            if not rows.size:
                continue
            places, depth = change.view.project(stage.points)
            towards = change.view.eye - stage.points
            facing = (stage.normals * towards).sum(axis=1) > 0
            usable = (facing & (depth > 0))[stage.faces[chosen]].any(axis=1)
            corners = places[stage.faces[chosen]]
            low, high = corners.min(axis=1), corners.max(axis=1)
            usable &= (high >= [columns[0], rows[0]]).all(axis=1)
            usable &= (low <= [columns[-1] + 1, rows[-1] + 1]).all(axis=1)
            seen |= usable
        return seen

    def _change_of_block(
        self, frame: Frame, seen: UvLayout, others: UvLayout, core: Block
    ) -> Float[np.ndarray, "rows columns 3"] | None:
        """What to add to the shown colours of a block's texels."""
        height, width = frame.pixels.shape[:2]
        reach = max(4, round(DILATION_IN_SIDES * max(height, width)))
        block = core.grown(reach, height, width)
        texels = np.argwhere(seen.covered(block))
        if not len(texels):
            return None
        corner = [block.rows.start, block.columns.start]
        change, weight, on_surface = self._layers(seen, texels + corner)
        if not weight.any():
            return None
        total = np.zeros((*block.shape, 3), np.float32)
        filled = np.zeros(block.shape, dtype=np.bool_)
        rows, columns = texels[:, 0], texels[:, 1]
        total[rows, columns] = change
        filled[rows, columns] = on_surface
        inside = _core_of(block, core)
        changes = (total != 0).any(axis=2)
        self._count_shared(others, changes[inside], core)
        self._dilate(total, filled, changes, others, corner, reach)
        return total[inside]

    def _layers(
        self, seen: UvLayout, texels: Int[np.ndarray, "texels 2"]
    ) -> tuple[
        Float[np.ndarray, "texels 3"], Float[np.ndarray, " texels"], Bool[np.ndarray, " texels"]
    ]:
        """Change and weight of texels; where two places share one, a mean that both can wear."""
        first = seen.first(texels)
        change, weight = self._of_hits(first)
        found = np.flatnonzero(first.face >= 0)
        last = seen.last(texels[found])
        two = (last.face != first.face[found]) & (last.face >= 0)
        two &= self._far_apart(first, found, last)
        doubled = found[two]
        if doubled.size:
            below = Hits(
                face=last.face[two], weights=last.weights[two], distance=last.distance[two]
            )
            second, other = self._of_hits(below)
            both = np.maximum(weight[doubled] + other, 1e-9)[:, None]
            mean = weight[doubled, None] * change[doubled] + other[:, None] * second
            strongest = np.maximum(weight[doubled], other)
            turned = self._mirrored[below.face] != self._mirrored[first.face[doubled]]
            shown_twice = np.minimum(weight[doubled], other) > 0
            self.tally.mirrored += int((turned & shown_twice).sum())
            self.tally.overlapping += int((~turned & shown_twice).sum())
            change[doubled], weight[doubled] = mean / both, strongest
        self.tally.changed += int((weight > 0).sum())
        return weight[:, None] * change, weight, first.face >= 0

    def _far_apart(
        self, first: Hits, found: Int[np.ndarray, " found"], last: Hits
    ) -> Bool[np.ndarray, " found"]:
        """Whether two triangles at a texel are two places, not neighbours along an edge."""
        stage = self._stage
        a = corner_values(stage.points, stage.faces, first.face[found], first.weights[found])
        b = corner_values(stage.points, stage.faces, last.face, last.weights)
        distance = self._views[0].view.eye - a
        reach = 4 * _SAME_PLACE * np.linalg.norm(distance, axis=1)
        return np.asarray(np.linalg.norm(a - b, axis=1) > reach)

    def _of_hits(
        self, hits: Hits
    ) -> tuple[Float[np.ndarray, "texels 3"], Float[np.ndarray, " texels"]]:
        """Change by all views, and how much of it counts, at points of the surface."""
        stage = self._stage
        change = np.zeros((len(hits.face), 3), np.float32)
        share = np.zeros(len(hits.face), np.float32)
        weight = np.zeros(len(hits.face), np.float32)
        found = np.flatnonzero(hits.face >= 0)
        face, corners = hits.face[found], hits.weights[found]
        points = corner_values(stage.points, stage.faces, face, corners)
        normals = corner_values(stage.normals, stage.faces, face, corners)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        for view in self._views:
            seen, facing, difference = self._by_view(view, points, normals)
            counts = _smooth_step((facing - _GRAZING) / (_FULL - _GRAZING))
            priority = counts * facing**_FRONTALITY
            rows = found[seen]
            change[rows] += priority[:, None] * difference
            share[rows] += priority
            weight[rows] = np.maximum(weight[rows], counts)
        return change / np.maximum(share, 1e-12)[:, None], weight

    def _by_view(
        self,
        change: ViewChange,
        points: Float[np.ndarray, "points 3"],
        normals: Float[np.ndarray, "points 3"],
    ) -> tuple[Int[np.ndarray, " seen"], Float[np.ndarray, " seen"], Float[np.ndarray, "seen 3"]]:
        """Rows of the points that a view sees where it changes, their facing and change."""
        view = change.view
        towards = view.eye - points
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        facing = (normals * towards).sum(axis=1).astype(np.float32)
        places, depth = view.project(points)
        inside = (places > 0.5).all(axis=1) & (places < view.side_px - 0.5).all(axis=1)
        rows = np.flatnonzero(inside & (facing > _GRAZING) & (depth > 0))
        difference = _difference_at(change, places[rows])
        rows, difference = (
            rows[(difference != 0).any(axis=1)],
            difference[(difference != 0).any(axis=1)],
        )
        directions = (points[rows] - view.eye) / depth[rows, None]
        nearest = self._stage.first_seen(view.eye, directions).distance
        visible = nearest > depth[rows] * (1 - _SAME_PLACE)
        return rows[visible], facing[rows[visible]], difference[visible]

    def _count_shared(
        self, others: UvLayout, changes: Bool[np.ndarray, "rows columns"], core: Block
    ) -> None:
        sample = np.argwhere(changes)[::64]
        hits = others.first(sample + np.array([core.rows.start, core.columns.start]))
        self.tally.sampled += len(sample)
        self.tally.shared += int((hits.face >= 0).sum())

    def _dilate(
        self,
        total: Float[np.ndarray, "rows columns 3"],
        filled: Bool[np.ndarray, "rows columns"],
        changes: Bool[np.ndarray, "rows columns"],
        others: UvLayout,
        corner: list[int],
        reach: int,
    ) -> None:
        """Let the change run on, in place, into texels that no surface lies on."""
        near = _spread(changes, reach) & ~filled
        texels = np.argwhere(near)
        if not len(texels):
            return
        empty = np.zeros_like(filled)
        free = others.first(texels + corner).face < 0
        empty[texels[free, 0], texels[free, 1]] = True
        known = filled.copy()
        for _ in range(reach):
            edge = np.argwhere(empty & ~known & _spread(known, 1))
            if not len(edge):
                return
            mean, count = _mean_of_neighbours(total, known, edge)
            total[edge[:, 0], edge[:, 1]] = mean / np.maximum(count, 1)[:, None]
            known[edge[:, 0], edge[:, 1]] = True

    def _apply(
        self,
        frame: Frame,
        result: Float[np.ndarray, "height width 3"],
        block: Block,
        change: Float[np.ndarray, "rows columns 3"],
    ) -> None:
        rows, columns = np.nonzero((change != 0).any(axis=2))
        added = change[rows, columns]
        rows, columns = rows + block.rows.start, columns + block.columns.start
        alpha = None if frame.alpha is None else frame.alpha[rows, columns]
        shown = self._texture.shown_from_stored(frame, frame.pixels[rows, columns], alpha)
        added = added * np.clip(2.0 - shown, 0.0, 1.0)
        new = np.maximum(shown + added, np.minimum(shown, 0.0))
        stored = self._texture.stored_from_shown(frame, new, alpha)
        usable = np.isfinite(stored).all(axis=1) & np.isfinite(shown).all(axis=1)
        if alpha is not None:
            usable &= np.isfinite(alpha) & (alpha > 0)
        result[rows[usable], columns[usable]] = stored[usable]


def _blocks(shape: tuple[int, int]) -> Iterator[Block]:
    height, width = shape
    for top in range(0, height, _BLOCK_PX):
        for left in range(0, width, _BLOCK_PX):
            yield Block(
                rows=slice(top, min(top + _BLOCK_PX, height)),
                columns=slice(left, min(left + _BLOCK_PX, width)),
            )


def _core_of(block: Block, core: Block) -> tuple[slice, slice]:
    top, left = core.rows.start - block.rows.start, core.columns.start - block.columns.start
    return slice(top, top + core.shape[0]), slice(left, left + core.shape[1])


def _difference_at(
    change: ViewChange, places: Float[np.ndarray, "places 2"]
) -> Float[np.ndarray, "places 3"]:
    """The change between the centres of the view's pixels, in straight lines."""
    place = places - 0.5
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32)
    total = np.zeros((len(places), 3), np.float32)
    last = change.view.side_px - 1
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - share[:, 0]) * np.abs(1 - below - share[:, 1])
            rows = np.minimum(low[:, 1] + below, last)
            columns = np.minimum(low[:, 0] + right, last)
            difference = change.after[rows, columns] - change.before[rows, columns]
            total += weight[:, None] * difference
    return total


def _mean_of_neighbours(
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


def _smooth_step(share: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
    clipped = np.clip(share, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))


def _spread(mask: Bool[np.ndarray, "rows columns"], reach: int) -> Bool[np.ndarray, "rows columns"]:
    """Everything within `reach` texels of the mask, diagonals included."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    for _ in range(reach):
        picture = picture.filter(ImageFilter.MaxFilter(3))
    return np.asarray(picture) > 0
