"""Change of a view, and what it means for points of the surface."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.imaging.frame_motion import FrameMotion
from reggan_plugin.textures.character import corner_values
from reggan_plugin.textures.maps.texture_map import TextureMap
from reggan_plugin.textures.views.moved_surface import SurfaceMover, between_pixels
from reggan_plugin.textures.views.ray_scene import Hits
from reggan_plugin.textures.views.stage import Stage
from reggan_plugin.textures.views.view import View

_GRAZING, _FULL = 0.08, 0.30
"""Cosines between the surface's normal and the way to the camera: nothing changes at an angle
beyond 85 degrees, everything within 72."""
SAME_PLACE = 3e-4
"""A surface this much (in parts of the distance) nearer than a texel's own point hides it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ViewChange:
    """A view before and after the change.

    Attributes:
        view: the camera.
        before: sRGB-encoded.
        after: likewise.
        motion: what became of each pixel, where the model says so.
    """

    view: View
    before: Float[np.ndarray, "side side 3"]
    after: Float[np.ndarray, "side side 3"]
    motion: FrameMotion | None = None

    @cached_property
    def difference(self) -> Float[np.ndarray, "side side 3"]:
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
        change: ViewChange,
        parts: Sequence[int],
        texture: TextureMap,
        *,
        is_data: bool = False,
    ) -> None:
        """Take the view.

        `parts` wear the map, whose own texels move where the view says how; `is_data` tells that
        they are no colours.
        """
        self._stage, self._change = stage, change
        self._mover = SurfaceMover(stage, parts, texture, is_data=is_data)

    def faces_that_may_change(
        self, chosen: Int[np.ndarray, " faces"]
    ) -> Bool[np.ndarray, " faces"]:
        """True for triangles that the view may show where it changes."""
        stage, view, touched = self._stage, self._change.view, self._change.touched
        rows, columns = (np.flatnonzero(touched.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            return np.zeros(len(chosen), dtype=np.bool_)
        corners_of = stage.faces[chosen]
        places, depth = view.project(stage.points)
        facing = (stage.normals * (view.eye - stage.points)).sum(axis=1) > 0
        may = (facing & (depth > 0))[corners_of].any(axis=1)
        corners = places[corners_of]
        may &= (corners.max(axis=1) >= [columns[0], rows[0]]).all(axis=1)
        may &= (corners.min(axis=1) <= [columns[-1] + 1, rows[-1] + 1]).all(axis=1)
        return np.asarray(may)

    def at(self, hits: Hits) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Change of the shown colour, and how much of it counts, at points of the surface.

        The weight falls to 0 at grazing angles, and is 0 for points that the view does not see
        where it changes.
        """
        stage, change = self._stage, self._change
        differences = np.zeros((len(hits.face), 3), np.float32)
        weight = np.zeros(len(hits.face), np.float32)
        found = np.flatnonzero(hits.face >= 0)
        face, corners = hits.face[found], hits.weights[found]
        points = corner_values(stage.points, stage.faces, face, corners)
        normals = corner_values(stage.normals, stage.faces, face, corners)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        seen, facing = self._seen(points, normals)
        places, _ = change.view.project(points[seen])
        if change.motion is None:
            difference = between_pixels(change.difference, places)
        else:
            own_uv = corner_values(stage.uv, stage.faces, face[seen], corners[seen])
            difference = self._mover.difference(
                change.view, change.before, change.motion, places, own_uv
            )
        counts = _smooth_step((facing - _GRAZING) / (_FULL - _GRAZING))
        rows = found[seen]
        differences[rows] = difference
        weight[rows] = counts * (difference != 0).any(axis=1)
        return differences, weight

    def _seen(
        self, points: Float[np.ndarray, "points 3"], normals: Float[np.ndarray, "points 3"]
    ) -> tuple[Int[np.ndarray, " seen"], Float[np.ndarray, " seen"]]:
        """Rows of the points that the view sees where it changes, and their facing."""
        view = self._change.view
        towards = view.eye - points
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        facing = (normals * towards).sum(axis=1).astype(np.float32)
        places, depth = view.project(points)
        inside = (places > 0.5).all(axis=1) & (places < view.side_px - 0.5).all(axis=1)
        rows = np.flatnonzero(inside & (facing > _GRAZING) & (depth > 0))
        rows = rows[_is_near(self._change.touched, places[rows])]
        directions = (points[rows] - view.eye) / depth[rows, None]
        nearest = self._stage.first_seen(view.eye, directions).distance
        visible = nearest > depth[rows] * (1 - SAME_PLACE)
        return rows[visible], facing[rows[visible]]


def _is_near(
    touched: Bool[np.ndarray, "side side"], places: Float[np.ndarray, "places 2"]
) -> Bool[np.ndarray, " places"]:
    """True for places where one of the four pixels around is touched."""
    low = np.floor(places - 0.5).astype(np.int64)
    high = np.minimum(low + 1, len(touched) - 1)
    near = touched[low[:, 1], low[:, 0]] | touched[low[:, 1], high[:, 0]]
    return np.asarray(near | touched[high[:, 1], low[:, 0]] | touched[high[:, 1], high[:, 0]])


def _smooth_step(share: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
    clipped = np.clip(share, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))
