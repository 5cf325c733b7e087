"""What a view showed and shall show, and what that means for points of the surface."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.textures.character import corner_values
from reggan_plugin.textures.views.ray_scene import Hits
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.view import View

_GRAZING, _FULL = 0.08, 0.30
"""Cosines between the surface's normal and the way to the camera: nothing changes at an angle
beyond 85 degrees, everything within 72."""
SAME_PLACE = 3e-4
"""A surface this much (in parts of the distance) nearer than a texel's own point hides it."""
_FRONTALITY = 16.0
"""How much more a view counts that sees a texel straight on."""
_FIRST_COUNTS = 32.0
"""How much more the first view counts, which is the front: where two views draw the same feature
they differ by a pixel or two, and their mean is blurred. Side views take over at about 37°."""


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


class SurfaceChange:
    """The change of several views, asked for by points of the surface."""

    def __init__(self, stage: Stage, views: Sequence[ViewChange]) -> None:
        """Take the views, the front first; every point gets a mean of those that see it."""
        self._stage, self._views = stage, views

    def faces_that_may_change(
        self, chosen: Int[np.ndarray, " faces"]
    ) -> Bool[np.ndarray, " faces"]:
        """Which of these triangles a view may show where it changes."""
        stage = self._stage
        corners_of = stage.faces[chosen]
        may = np.zeros(len(chosen), dtype=np.bool_)
        for change in self._views:
            rows, columns = (np.flatnonzero(change.touched.any(axis=axis)) for axis in (1, 0))
            if not rows.size:
                continue
            places, depth = change.view.project(stage.points)
            towards = change.view.eye - stage.points
            facing = (stage.normals * towards).sum(axis=1) > 0
            usable = (facing & (depth > 0))[corners_of].any(axis=1)
            corners = places[corners_of]
            low, high = corners.min(axis=1), corners.max(axis=1)
            usable &= (high >= [columns[0], rows[0]]).all(axis=1)
            usable &= (low <= [columns[-1] + 1, rows[-1] + 1]).all(axis=1)
            may |= usable
        return may

    def at(self, hits: Hits) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Change of the shown colour, and how much of it counts, at points of the surface.

        Each view counts by its facing; the weight falls to 0 at grazing angles, and is 0 for
        points that no view sees where it changes.
        """
        stage = self._stage
        change = np.zeros((len(hits.face), 3), np.float32)
        share = np.zeros(len(hits.face), np.float32)
        weight = np.zeros(len(hits.face), np.float32)
        found = np.flatnonzero(hits.face >= 0)
        face, corners = hits.face[found], hits.weights[found]
        points = corner_values(stage.points, stage.faces, face, corners)
        normals = corner_values(stage.normals, stage.faces, face, corners)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        for place, view in enumerate(self._views):
            seen, facing, difference = self._by_view(view, points, normals)
            counts = _smooth_step((facing - _GRAZING) / (_FULL - _GRAZING))
            priority = counts * facing**_FRONTALITY * (_FIRST_COUNTS if place == 0 else 1.0)
            rows = found[seen]
            change[rows] += priority[:, None] * difference
            share[rows] += priority
            weight[rows] = np.maximum(weight[rows], counts)
        return change / np.where(share > 0, share, np.float32(1))[:, None], weight

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
        differs = (difference != 0).any(axis=1)
        rows, difference = rows[differs], difference[differs]
        directions = (points[rows] - view.eye) / depth[rows, None]
        nearest = self._stage.first_seen(view.eye, directions).distance
        visible = nearest > depth[rows] * (1 - SAME_PLACE)
        return rows[visible], facing[rows[visible]], difference[visible]


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


def _smooth_step(share: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
    clipped = np.clip(share, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))
