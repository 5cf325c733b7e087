"""The change of a view, and what it means for points of the surface and texels of the map.

Motion that is seen in a view is carried out on the map: a texel takes what stood where it moved
from, with its fine detail. The change fades as the surface turns away, and reaches into folds.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import Bool, CropPixels, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.crop import blurred
from reggan_plugin.kernels.sampling import PictureSampler, sampled
from reggan_plugin.textures.character import corner_values
from reggan_plugin.textures.maps.texture_map import MapTile, TextureMap
from reggan_plugin.textures.views.ray_traced_view import Hits, Stage, View

Places = Float[np.ndarray, "places 2"]
Colours = Float[np.ndarray, "places 3"]
Points = Float[np.ndarray, "points 3"]

GRAZING, FULL = 0.08, 0.30
"""Cosines between the surface's normal and the way to the camera: nothing changes at an angle
beyond 85 degrees, everything within 72."""
SAME_PLACE = 3e-4
"""A surface this much (in parts of the distance) nearer than a texel's own point hides it."""
FOLD = 4e-3
"""Depth of a fold in parts of the distance: 3 mm on a face, such as between closed lips."""
INTO_FOLD = -0.5
"""The cosine up to which a surface may turn away inside a fold."""


def facing_of(
    points: Points, normals: Points, eye: Float[np.ndarray, "3"]
) -> Float[np.ndarray, " points"]:
    """Cosines between normals and the way to the camera."""
    towards = eye - points
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    return np.asarray((normals * towards).sum(axis=1), np.float32)


def share_of_facing(facing: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """How much of a change counts, 0 to 1: all from `FULL` on, nothing up to `GRAZING`."""
    clipped = np.clip((facing - GRAZING) / (FULL - GRAZING), 0.0, 1.0)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))


_WINDOW_PX, _MARGIN_PX = 256, 4
"""Texels that become floats at a time, and what the kernel looks at beyond them."""


def sample_finely(texture: TextureMap, uv: Places) -> Colours:
    """Shown colours at points of the map by the kernel of frames; black where a tile is missing.

    At the centre of a texel they are its own, without rounding.
    """
    colours = np.zeros((len(uv), 3), np.float32)
    numbers = texture.tile_of(uv)
    for number in np.unique(numbers):
        if int(number) in texture.tiles:
            here = np.flatnonzero(numbers == number)
            colours[here] = _from_tile(texture, texture.tiles[int(number)], uv[here])
    return colours


def _from_tile(texture: TextureMap, tile: MapTile, uv: Places) -> Colours:
    """Window by window, so that little of a large map is ever held as floats."""
    height, width = tile.shape
    inside = uv - np.floor(uv)
    x, y = inside[:, 0] * width - 0.5, (1.0 - inside[:, 1]) * height - 0.5
    left, top = (np.floor(axis / _WINDOW_PX).astype(np.int64) for axis in (x, y))
    order = np.lexsort((left, top))
    starts = np.flatnonzero(np.diff(left[order]) | np.diff(top[order])) + 1
    colours = np.empty((len(uv), 3), np.float32)
    for here in np.split(order, starts):
        if here.size:
            first = [int(axis[here[0]]) * _WINDOW_PX - _MARGIN_PX for axis in (top, left)]
            window = _window(texture, tile, first[0], first[1])
            colours[here] = PictureSampler(window).at(x[here] - first[1], y[here] - first[0])
    return np.clip(colours, 0.0, 1.0, out=colours)


def _window(
    texture: TextureMap, tile: MapTile, top: int, left: int
) -> Float[np.ndarray, "rows columns 3"]:
    """Shown colours of a square of texels, beyond the tile's borders as `TextureMap.within`."""
    side = np.arange(_WINDOW_PX + 2 * _MARGIN_PX + 1)
    rows, columns = np.meshgrid(
        texture.within(top + side, tile.shape[0]),
        texture.within(left + side, tile.shape[1]),
        indexing="ij",
    )
    stored, alpha = tile.texels(rows.ravel(), columns.ravel())
    shown = texture.shown_from_stored(tile.coding, stored, alpha)
    finite = np.clip(np.nan_to_num(shown, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return finite.reshape(len(side), len(side), 3)


def _painted(light: Colours, motion: FrameMotion, places: Places) -> Colours:
    """Light with the paint over it, sRGB-encoded."""
    cover = sampled(motion.cover[..., None], places)
    paint = linear_from_srgb(sampled(motion.paint, places))
    return srgb_from_linear(light + cover * (paint - light))


_FACING_PX = 256
"""Side of the picture of facings."""


@frozen(eq=False)
class ViewChange:
    """A view before and after the change.

    Attributes:
        view: the camera.
        before: sRGB-encoded.
        after: likewise.
        motion: what became of each pixel, where the model says so.
    """

    view: View
    before: CropPixels
    after: CropPixels
    motion: FrameMotion | None = None
    standing: tuple[int, ...] = ()
    """Parts on the skin that keep their place, and whose colours move nowhere."""
    held_back: float = 0.0
    """Part of the motion that `held` took away, 0 to 1."""

    def held(
        self, share: Float[np.ndarray, "survey survey"], standing: Sequence[int]
    ) -> "ViewChange":
        """Return the change with only a share of its motion, light and paint at each place.

        `share` is of the same view, in coarser pixels; it is less than 1 around the parts that are
        `standing` on the skin. A change without motion stays as it is.
        """
        if self.motion is None:
            return self
        places = self.view.pixel_centres() * (len(share) / self.view.side_px)
        part = sampled(share[..., None], places).reshape(self.before.shape[:2])
        whole = self.motion
        length = np.linalg.norm(whole.displacement, axis=2)
        motion = replace(
            whole,
            displacement=whole.displacement * part[..., None],
            log_gain=whole.log_gain * part[..., None],
            cover=whole.cover * part,
        )
        lost = float((length * (1 - part)).sum() / max(float(length.sum()), 1e-9))
        return replace(self, motion=motion, standing=tuple(standing), held_back=lost)

    @cached_property
    def difference(self) -> CropPixels:
        """After less before."""
        return self.after - self.before

    @cached_property
    def touched(self) -> Bool[np.ndarray, "side side"]:
        """Mask of the pixels that change."""
        if self.motion is not None:
            return self.motion.weight > 0
        return np.asarray((self.difference != 0).any(axis=2))


class SurfaceChange:
    """The change of a view, asked for by points of the surface."""

    def __init__(
        self,
        stage: Stage,
        seen: ViewChange,
        parts: Sequence[int],
        texture: TextureMap,
        *,
        is_data: bool,
    ) -> None:
        """Take the view.

        `parts` wear the map, whose own texels move where the view says how; `is_data` tells that
        they are no colours.
        """
        self._stage, self._seen = stage, seen
        self._parts, self._texture, self._is_data = list(parts), texture, is_data

    @cached_property
    def _facing(self) -> Float[np.ndarray, "side side 1"]:
        """Facing of what the view shows, as a mean over the width of a fold; 0 beside it."""
        side = min(_FACING_PX, self._seen.view.side_px)
        small = self._seen.view.window(0.0, 0.0, self._seen.view.side_px, side)
        hits = self._stage.first_seen(small.eye, small.directions(small.pixel_centres()))
        found = np.flatnonzero(hits.face >= 0)
        points, normals = self._points_of(hits, found)
        facing = np.zeros(side * side, np.float32)
        facing[found] = np.maximum(facing_of(points, normals, small.eye), 0.0)
        width_px = small.focal_px * FOLD
        return blurred(facing.reshape(side, side), width_px)[..., None]

    def _points_of(
        self, hits: Hits, found: Int[np.ndarray, " found"]
    ) -> tuple[Float[np.ndarray, "found 3"], Float[np.ndarray, "found 3"]]:
        """Points and normals of hits on the surface."""
        stage, face, corners = self._stage, hits.face[found], hits.weights[found]
        normals = corner_values(stage.normals, stage.faces, face, corners)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return corner_values(stage.points, stage.faces, face, corners), normals

    def faces_that_may_change(
        self, chosen: Int[np.ndarray, " faces"]
    ) -> Bool[np.ndarray, " faces"]:
        """Return true for triangles that the view may show where it changes.

        Of those that turn away, the ones in a fold: others would only hide, on the map, what shows.
        """
        stage, seen = self._stage, self._seen
        rows, columns = (np.flatnonzero(seen.touched.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            return np.zeros(len(chosen), dtype=np.bool_)
        places, depth = seen.view.project(stage.points)
        facing = facing_of(stage.points, stage.normals, seen.view.eye)
        may = self._corners_that_show | ((facing > 0) & (depth > 0))
        corners_of = stage.faces[chosen]
        usable = may[corners_of].any(axis=1)
        corners = places[corners_of]
        low, high = corners.min(axis=1), corners.max(axis=1)
        usable &= (high >= [columns[0], rows[0]]).all(axis=1)
        usable &= (low <= [columns[-1] + 1, rows[-1] + 1]).all(axis=1)
        return np.asarray(usable)

    def shows(self, faces: Int[np.ndarray, " faces"]) -> Bool[np.ndarray, " faces"]:
        """Return true for triangles with a corner that the view sees where it changes, or in a
        fold.
        """
        return np.asarray(self._corners_that_show[self._stage.faces[faces]].any(axis=1))

    @cached_property
    def _corners_that_show(self) -> Bool[np.ndarray, " vertices"]:
        shows = np.zeros(len(self._stage.points), dtype=np.bool_)
        seen, _, _ = self._seen_by(self._stage.points, self._stage.normals)
        shows[seen] = True
        return shows

    def at(
        self, hits: Hits
    ) -> tuple[Colours, Float[np.ndarray, " places"], Bool[np.ndarray, " places"]]:
        """Change of the shown colour, how much of it counts, and whether a fold hides the point.

        The weight falls to 0 at grazing angles, but not in a fold of what faces the camera: hidden
        texels take the paint, if there is any, and keep their own colour else. It is 0 for points
        that do not change.
        """
        change = np.zeros((len(hits.face), 3), np.float32)
        weight = np.zeros(len(hits.face), np.float32)
        hidden = np.zeros(len(hits.face), dtype=np.bool_)
        found = np.flatnonzero(hits.face >= 0)
        points, normals = self._points_of(hits, found)
        seen, facing, in_fold = self._seen_by(points, normals)
        rows = found[seen]
        uv = corner_values(self._stage.uv, self._stage.faces, hits.face[rows], hits.weights[rows])
        places, _ = self._seen.view.project(points[seen])
        change[rows] = self._difference(places, uv, in_fold)
        differs = (change[rows] != 0).any(axis=1)
        weight[rows] = differs * share_of_facing(facing)
        hidden[rows] = in_fold
        return change, weight, hidden

    def _difference(
        self,
        places: Float[np.ndarray, "seen 2"],
        uv: Float[np.ndarray, "seen 2"],
        in_fold: Bool[np.ndarray, " seen"],
    ) -> Float[np.ndarray, "seen 3"]:
        seen, out = self._seen, ~in_fold
        difference = np.zeros((len(places), 3), np.float32)
        if seen.motion is None:
            difference[out] = sampled(seen.difference, places[out])
            return difference
        difference[out] = self._moved(seen.motion, places[out], uv[out])
        difference[in_fold] = self._covered(seen.motion, places[in_fold], uv[in_fold])
        return difference

    def _moved(self, motion: FrameMotion, places: Places, uv: Places) -> Colours:
        """Change of the shown colours of texels at places of the view; 0 where it does not change.

        A place that comes from another part, such as the lip from the teeth, takes the colour of
        the view's picture. It stays where it is if the map holds data, if the other part keeps its
        place, and if it comes from beside the character or from a tile that the map lacks.
        """
        change = np.zeros((len(places), 3), np.float32)
        moves = np.flatnonzero(sampled(motion.weight[..., None], places)[:, 0])
        places, uv = places[moves], uv[moves]
        old = self._colours_from(places + sampled(motion.displacement, places), uv)
        light = linear_from_srgb(old) * np.exp(sampled(motion.log_gain, places))
        change[moves] = _painted(light, motion, places) - sample_finely(self._texture, uv)
        return change

    def _covered(self, motion: FrameMotion, places: Places, uv: Places) -> Colours:
        """Change of the shown colours of texels that stay, and take only the paint before them."""
        change = np.zeros((len(places), 3), np.float32)
        covered = np.flatnonzero(sampled(motion.cover[..., None], places)[:, 0])
        old = sample_finely(self._texture, uv[covered])
        change[covered] = _painted(linear_from_srgb(old), motion, places[covered]) - old
        return change

    def _colours_from(self, places: Places, uv: Places) -> Colours:
        """Shown colours of the surfaces at places of the view; else those at `uv`."""
        stage, view = self._stage, self._seen.view
        places = np.clip(places, 0.5, view.side_px - 0.5)
        hits = stage.first_seen(view.eye, view.directions(places))
        found = np.flatnonzero(hits.face >= 0)
        part = stage.part_of_face[hits.face[found]]
        on_map = np.isin(part, self._parts)
        worn, others = found[on_map], found[~on_map & ~np.isin(part, list(self._seen.standing))]
        uv = uv.copy()
        from_there = corner_values(stage.uv, stage.faces, hits.face[worn], hits.weights[worn])
        is_there = np.isin(self._texture.tile_of(from_there), list(self._texture.tiles))
        uv[worn[is_there]] = from_there[is_there]
        colours = sample_finely(self._texture, uv)
        if not self._is_data:
            colours[others] = sampled(self._seen.before, places[others])
        return colours

    def _seen_by(
        self, points: Points, normals: Points
    ) -> tuple[Int[np.ndarray, " seen"], Float[np.ndarray, " seen"], Bool[np.ndarray, " seen"]]:
        """Rows of the points that the view sees where it changes, their facing, which are hidden.

        Hidden ones lie in a fold.
        """
        view = self._seen.view
        own = facing_of(points, normals, view.eye)
        places, depth = view.project(points)
        inside = (places > 0.5).all(axis=1) & (places < view.side_px - 0.5).all(axis=1)
        rows = np.flatnonzero(inside & (own > INTO_FOLD) & (depth > 0))
        rows = rows[_is_near(self._seen.touched, places[rows])]
        directions = (points[rows] - view.eye) / depth[rows, None]
        nearest = self._stage.first_seen(view.eye, directions).distance
        near = nearest > depth[rows] * (1 - FOLD)
        rows, nearest = rows[near], nearest[near]
        hidden = (nearest <= depth[rows] * (1 - SAME_PLACE)) | (own[rows] <= GRAZING)
        around = sampled(self._facing, places[rows] * len(self._facing) / view.side_px)
        return rows, np.maximum(own[rows], around[:, 0]), hidden


def _is_near(touched: Bool[np.ndarray, "side side"], places: Places) -> Bool[np.ndarray, " places"]:
    """Return true for places where one of the four pixels around is touched."""
    low = np.floor(places - 0.5).astype(np.int64)
    high = np.minimum(low + 1, len(touched) - 1)
    near = touched[low[:, 1], low[:, 0]] | touched[low[:, 1], high[:, 0]]
    return np.asarray(near | touched[high[:, 1], low[:, 0]] | touched[high[:, 1], high[:, 0]])
