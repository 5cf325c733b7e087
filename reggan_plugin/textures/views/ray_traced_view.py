"""A character ready to be looked at without light: its geometry and maps, a camera without
distortion, and what covers what.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from reggan_plugin.array_types import Bool, CropPixels, CropPlane, Float, Int
from reggan_plugin.errors import MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.colour import linear_from_srgb, srgb_from_linear
from reggan_plugin.kernels.shapes import face_normals
from reggan_plugin.limits import (
    LEAST_RAYS_A_SECOND,
    MOST_LATE_SECONDS,
    MOST_LOOK_SECONDS,
    RAYS_A_SECOND_MORE,
)
from reggan_plugin.textures.character import Character, corner_values, smooth_normals
from reggan_plugin.textures.maps.texture_map import TextureMap

Vector = Float[np.ndarray, "3"]
Rays = Float[np.ndarray, "rays 3"]

DISTANCE_IN_FACES = 12.0
"""From the camera to the face, in distances of its eyes: the middle of the training pictures'."""


@frozen(eq=False)
class View:
    """A pinhole camera and the square picture that it takes.

    Picture coordinates are continuous pixels from the upper left corner.
    """

    eye: Vector
    axes: Float[np.ndarray, "3 3"]
    """Rows: to the right, up, and back from what is seen to the camera."""
    focal_px: float
    centre_px: tuple[float, float]
    """Point where the optical axis meets the picture: x, y."""
    side_px: int

    def project(
        self, points: Float[np.ndarray, "points 3"]
    ) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, " points"]]:
        """Project points to the picture: their places, and their depth along the optical axis."""
        local = (points - self.eye) @ self.axes.T
        depth = -local[:, 2]
        scale = self.focal_px / np.where(depth > 0, depth, np.nan)
        x = local[:, 0] * scale + self.centre_px[0]
        y = -local[:, 1] * scale + self.centre_px[1]
        return np.stack([x, y], axis=1), depth

    def directions(self, places: Float[np.ndarray, "places 2"]) -> Float[np.ndarray, "places 3"]:
        """From the camera through places of the picture; 1 long along the optical axis."""
        across = (places[:, :1] - self.centre_px[0]) / self.focal_px
        down = (places[:, 1:] - self.centre_px[1]) / self.focal_px
        return across * self.axes[0] - down * self.axes[1] - self.axes[2]

    def pixel_centres(self) -> Float[np.ndarray, "pixels 2"]:
        """x, y of every pixel, row by row."""
        y, x = np.mgrid[: self.side_px, : self.side_px] + 0.5
        return np.stack([x.ravel(), y.ravel()], axis=1)

    def window(self, left: float, top: float, extent: float, side_px: int) -> "View":
        """Return a square of this picture, taken by the same camera at `side_px` a side."""
        zoom = side_px / extent
        x, y = self.centre_px
        return replace(
            self,
            focal_px=self.focal_px * zoom,
            centre_px=((x - left) * zoom, (y - top) * zoom),
            side_px=side_px,
        )


def look_at(
    target: Vector, towards: Vector, up: Vector, *, distance: float, extent: float, side_px: int
) -> View:
    """Return a camera that stands `distance` from a target and frames `extent` around it.

    Args:
        target: in the middle of the picture.
        towards: from the target to the camera; any length.
        up: roughly up in the picture.
        distance: between the two.
        extent: what the picture's side measures at the target.
        side_px: of the picture.
    """
    back = towards / np.linalg.norm(towards)
    right = np.cross(up, back)
    right = right / np.linalg.norm(right)
    return View(
        eye=target + distance * back,
        axes=np.stack([right, np.cross(back, right), back]),
        focal_px=side_px * distance / extent,
        centre_px=(side_px / 2, side_px / 2),
        side_px=side_px,
    )


_FIRST_RAYS, _RAYS_AT_ONCE = 1 << 10, 1 << 20
"""Few at first, to see how long they take; the last bounds the memory of a query: 150 MB."""


@frozen(eq=False)
class Hits:
    """The first hit of each ray."""

    face: Int[np.ndarray, " rays"]
    """Index of the triangle, -1 where there is none."""
    weights: Float[np.ndarray, "rays 3"]
    """Of the triangle's three corners, at the point that was met; they add up to 1."""
    distance: Float[np.ndarray, " rays"]
    """In lengths of the ray's direction."""


class RayScene:
    """Triangles that rays can be cast at; single precision, so keep the points near 0."""

    def __init__(
        self, positions: Float[np.ndarray, "points 3"], faces: Int[np.ndarray, "faces 3"]
    ) -> None:
        """Build the search tree."""
        self._faces, self._rays, self._late_s, self._spent_s = len(faces), 0, 0.0, 0.0
        self._scene = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(
            self._scene,
            np.ascontiguousarray(positions, dtype=np.float32),
            np.ascontiguousarray(faces, dtype=np.int32),
        )

    def first_hits(self, origins: Rays, directions: Rays) -> Hits:
        """Return the nearest triangle on each ray, from either side."""
        count = len(origins)
        face = np.full(count, -1, dtype=np.int32)
        weights = np.zeros((count, 3), dtype=np.float32)
        distance = np.full(count, np.inf, dtype=np.float32)
        start, at_once = 0, _FIRST_RAYS
        while start < count:
            part = slice(start, min(start + at_once, count))
            begin = time.thread_time()
            found = self._scene.run(
                np.ascontiguousarray(origins[part], dtype=np.float32),
                np.ascontiguousarray(directions[part], dtype=np.float32),
                query="INTERSECT",
                output=True,
            )
            face[part] = found["primID"]
            weights[part, 1], weights[part, 2] = found["u"], found["v"]
            distance[part] = np.where(face[part] >= 0, found["tfar"], np.inf)
            self._refuse_slow(part.stop - start, time.thread_time() - begin)
            start, at_once = part.stop, min(2 * at_once, _RAYS_AT_ONCE)
        weights[:, 0] = 1.0 - weights[:, 1] - weights[:, 2]
        return Hits(face=face, weights=weights, distance=distance)

    def _refuse_slow(self, rays: int, seconds: float) -> None:
        """Refuse triangles that a search tree hardly divides, as thousands in one place.

        Raises:
            MeshError: looking at them takes more time than any sound mesh does.
        """
        self._late_s = max(self._late_s + seconds - rays / LEAST_RAYS_A_SECOND, 0.0)
        self._spent_s += seconds
        self._rays += rays
        most_s = MOST_LOOK_SECONDS + self._rays / RAYS_A_SECOND_MORE
        if self._late_s > MOST_LATE_SECONDS or self._spent_s > most_s:
            raise MeshError(
                f"The mesh of {self._faces:,} triangles takes too long to look at: too many of "
                "them lie in one place. Merge what lies twice, and export it again."
            )


_BACKDROP = 0.45
"""Behind the head, sRGB-encoded: grey as the backdrops of the training pictures."""
_MOST_LAYERS = 16
"""Of hair cards and lashes that a ray passes."""
_LAMP_HEIGHT, _AMBIENT, _MIDDLE_GREY = 0.5, 0.25, 0.25
_STEP = 1e-5
"""Past a surface that is looked through, in parts of the distance."""


@frozen(eq=False)
class StagePicture:
    """The picture of a view."""

    colour: CropPixels
    """sRGB-encoded, [0, 1]."""
    coverage: CropPlane
    """1 where there is something, 0 on the backdrop."""
    part: Int[np.ndarray, "side side"]
    """Index of the part that is seen, -1 on the backdrop."""
    uv: Float[np.ndarray, "side side 2"]
    distance: CropPlane
    """Depth along the optical axis; infinite on the backdrop."""


MapOfPart = Callable[[int], TextureMap | None]


class Stage:
    """All parts of a character in one search tree, with their base colour maps.

    `map_of` gives the map of a part by its index; None where the part is of one colour.
    """

    def __init__(self, character: Character, map_of: MapOfPart) -> None:
        """Build the search tree, around the middle of the character and of its own size."""
        self.character, self.map_of = character, map_of
        parts = character.parts
        counts = [len(part.positions) for part in parts]
        starts = np.cumsum([0, *counts])
        self.points = np.concatenate([part.positions for part in parts])
        self.faces = np.concatenate(
            [part.faces + start for part, start in zip(parts, starts, strict=False)]
        )
        self.part_of_face = np.repeat(np.arange(len(parts)), [len(p.faces) for p in parts])
        self.uv = np.concatenate(
            [np.zeros((len(p.positions), 2)) if p.uv is None else p.uv for p in parts]
        )
        self.normals = np.concatenate([smooth_normals(p.positions, p.faces) for p in parts])
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        self._middle, self._size = (low + high) / 2, float(max(np.ptp(self.points), 1e-12))
        self._scene = RayScene((self.points - self._middle) / self._size, self.faces)
        self._culls = np.array([not part.material.is_double_sided for part in parts])
        self._see_through = np.array([part.material.alpha_mode != "opaque" for part in parts])

    def with_maps(self, map_of: MapOfPart) -> "Stage":
        """Return the same geometry with other maps."""
        other = copy.copy(self)
        other.map_of = map_of
        return other

    def first_seen(self, eye: Vector, directions: Rays) -> Hits:
        """First hit of each camera ray; it passes holes in hair and backs of surfaces."""
        start = np.broadcast_to((eye - self._middle) / self._size, directions.shape)
        hits = self._scene.first_hits(start, directions)
        travelled = np.zeros(len(directions))
        for _ in range(_MOST_LAYERS if (self._culls | self._see_through).any() else 0):
            passed = np.flatnonzero(self._passes(hits, directions))
            if not passed.size:
                break
            travelled[passed] += hits.distance[passed] * (1 + _STEP) + _STEP
            origins = start[passed] + travelled[passed, None] * directions[passed]
            further = self._scene.first_hits(origins, directions[passed])
            hits.face[passed], hits.weights[passed] = further.face, further.weights
            hits.distance[passed] = further.distance
        hits.distance[:] += travelled
        hits.distance[:] *= self._size
        return hits

    def take(self, view: View, reduction: int = 1) -> StagePicture:
        """Return the picture of a view, without light; `reduction` as in `TextureMap.shown`."""
        return self._picture(view, self._rays(view), reduction)

    def take_shaded(self, view: View, reduction: int = 1) -> CropPixels:
        """Return the colours under a lamp above the camera, exposed for what is in the middle.

        For the locator alone: the plain colour of a dark face without shadows has so little
        contrast that it is not found.
        """
        hits = self._rays(view)
        picture = self._picture(view, hits, reduction)
        found = np.flatnonzero(hits.face >= 0)
        normal = corner_values(self.normals, self.faces, hits.face[found], hits.weights[found])
        lamp = view.axes[2] + _LAMP_HEIGHT * view.axes[1]
        facing = np.abs(normal @ (lamp / np.linalg.norm(lamp)))
        light = np.ones(view.side_px**2, np.float32)
        light[found] = _AMBIENT + (1 - _AMBIENT) * facing
        shaded = linear_from_srgb(picture.colour) * light.reshape(view.side_px, view.side_px, 1)
        third = slice(view.side_px // 3, 2 * view.side_px // 3)
        middle = shaded[third, third][picture.coverage[third, third] > 0]
        exposure = _MIDDLE_GREY / max(float(np.median(middle)), 1e-3) if middle.size else 1.0
        exposed = srgb_from_linear(shaded * np.float32(max(exposure, 1.0)))
        covered = picture.coverage[..., None] > 0
        return np.where(covered, np.clip(exposed, 0.0, 1.0), picture.colour)

    def _rays(self, view: View) -> Hits:
        return self.first_seen(view.eye, view.directions(view.pixel_centres()))

    def _picture(self, view: View, hits: Hits, reduction: int) -> StagePicture:
        side = view.side_px
        found = np.flatnonzero(hits.face >= 0)
        colour = np.full((side * side, 3), _BACKDROP, np.float32)
        part = np.full(side * side, -1)
        uv = np.zeros((side * side, 2))
        part[found] = self.part_of_face[hits.face[found]]
        uv[found] = corner_values(self.uv, self.faces, hits.face[found], hits.weights[found])
        for index in np.unique(part[found]):
            here = part == index
            colour[here] = self._shown(int(index), uv[here], reduction)[0]
        return StagePicture(
            colour=colour.reshape(side, side, 3),
            coverage=(part >= 0).astype(np.float32).reshape(side, side),
            part=part.reshape(side, side),
            uv=uv.reshape(side, side, 2),
            distance=hits.distance.reshape(side, side),
        )

    def _passes(self, hits: Hits, directions: Rays) -> Bool[np.ndarray, " rays"]:
        """Return true for rays that go on: they met the back of a one-sided surface, or a hole."""
        passes = np.zeros(len(hits.face), dtype=np.bool_)
        found = np.flatnonzero(hits.face >= 0)
        part = self.part_of_face[hits.face[found]]
        culled = np.flatnonzero(self._culls[part])
        normal = face_normals(self.points, self.faces[hits.face[found[culled]]])
        passes[found[culled]] = (normal * directions[found[culled]]).sum(axis=1) > 0
        for index in np.unique(part[self._see_through[part]]):
            here = found[part == index]
            uv = corner_values(self.uv, self.faces, hits.face[here], hits.weights[here])
            material = self.character.parts[int(index)].material
            cutoff = material.alpha_cutoff if material.alpha_mode == "cutout" else 0.5
            passes[here] |= self._shown(int(index), uv, 1)[1] < cutoff
        return passes

    def _shown(
        self, index: int, uv: Float[np.ndarray, "points 2"], reduction: int
    ) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        material = self.character.parts[index].material
        texture = self.map_of(index)
        if texture is not None:
            colour, alpha = texture.shown(uv, reduction)
            return colour, alpha * np.float32(material.colour[3])
        flat = np.clip(srgb_from_linear(np.array(material.colour[:3], np.float32)), 0.0, 1.0)
        colour = np.broadcast_to(flat, (len(uv), 3))
        return colour, np.full(len(uv), material.colour[3], np.float32)
