"""A head as it is seen from the front, in which its landmarks are found."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.landmarks.contours import Place
from reggan_training.pairs.camera import frontal_camera
from reggan_training.pairs.rasterising import HeadScene

SIDE_PX: Final = 1024
_FACE_PARTS: Final = (
    *(Part.SKIN, Part.EYE, Part.TEETH, Part.GUMS),
    *(Part.TONGUE, Part.MOUTH, Part.SOCKET),
)
_BROW_REACH: Final = 0.13
"""Eye distances over and under a brow's region in which its hair is looked for."""
_LEAST_DARK: Final = 200
"""Sum of levels by which hair has to be darker than skin along a brow; less is none."""
_SMALLEST_HOLE_PX: Final = 60
"""Pixels of a hole in the face that may be an eye."""

OnSurface = tuple[Int[np.ndarray, "3"], Float[np.ndarray, "3"]]
"""Three vertices and their weights, which add up to 1."""


class FrontView:
    """A state of a head from the front, without what it wears.

    Args:
        head: whose.
        weights: of its ARKit shapes.
    """

    def __init__(self, head: HeadMesh, weights: Mapping[str, float]) -> None:
        kept = np.isin(head.parts, _FACE_PARTS)
        self.head = head
        self._triangles, self._kept = head.triangles[kept], np.flatnonzero(kept)
        self._camera = frontal_camera(head.landmarks(head.rest))
        viewed = self._camera.view(head.vertices(weights))
        raster = HeadScene(viewed, self._triangles, self._camera).cast((0, 0, 1, 1), SIDE_PX)
        self._triangle, self._barycentric = raster.triangle, raster.barycentric
        piece = _pieces(self._triangles, len(head.rest))
        is_skin = head.parts[kept] == Part.SKIN
        is_face = is_skin & (piece[self._triangles[:, 0]] == piece[head.nose_tip])
        self.face: Bool[np.ndarray, "side side"] = (self._triangle >= 0) & is_face[self._triangle]

    def place_of(self, point: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Pixels of points in the head's own space."""
        flat = self._camera.project(self._camera.view(np.atleast_2d(point))) * SIDE_PX
        return flat.reshape(*point.shape[:-1], 2)

    def shows(self, *parts: Part) -> Bool[np.ndarray, "side side"]:
        """Pixels that show one of these parts."""
        own = np.isin(self.head.parts[self._kept], parts)
        return (self._triangle >= 0) & own[self._triangle]

    @property
    def eye_px(self) -> float:
        """Pixels of an eye distance."""
        ends = self.place_of(np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]))
        return float(np.linalg.norm(ends[0] - ends[1]))

    def half(self, side: str) -> Bool[np.ndarray, "side side"]:
        """Pixels of the head's own `right` or `left` half."""
        middle = self.place_of(self.head.rest[self.head.nose_tip])[0]
        columns = np.arange(SIDE_PX) < middle
        return np.broadcast_to(columns if side == "right" else ~columns, (SIDE_PX, SIDE_PX))

    def region(self, name: str) -> Float[np.ndarray, "side side"]:
        """Weight of one of `REGIONS`, 0 to 1, on the face's skin."""
        weight = self.head.regions[:, REGIONS.index(name)] / 255.0
        corner = weight[self._triangles[self._triangle]]
        u, v = self._barycentric[..., 0], self._barycentric[..., 1]
        return ((1 - u - v) * corner[..., 0] + u * corner[..., 1] + v * corner[..., 2]) * self.face

    def onto_hair(self, line: Place) -> Place:
        """Shift a brow's line up or down to where the head's own texture is dark around it."""
        reach = np.arange(-_BROW_REACH, _BROW_REACH, 0.01) * self.eye_px
        columns = np.round(line[1:-1, 0]).astype(int)
        rows = np.clip(np.round(line[1:-1, 1, None] + reach).astype(int), 0, SIDE_PX - 1)
        light = self._texture_light(rows, columns[:, None])
        if light is None:
            return line
        dark = np.clip(np.quantile(light, 0.7, axis=1, keepdims=True) - light - 8, 0, None)
        if dark.sum() < _LEAST_DARK:
            return line
        shift = np.median((dark * reach).sum(axis=1) / np.maximum(dark.sum(axis=1), 1e-6))
        return line + np.array([0.0, float(shift)])

    def _texture_light(
        self, rows: Int[np.ndarray, "points reach"], columns: Int[np.ndarray, "points 1"]
    ) -> Float[np.ndarray, "points reach"] | None:
        """Brightness of the head's texture at pixels, 0 to 255; None if it has no texture."""
        head = self.head
        if not head.textures or head.uv is None or head.texture_of is None:
            return None
        triangle = self._triangle[rows, columns]
        u, v = np.moveaxis(self._barycentric[rows, columns], -1, 0)[..., None]
        a, b, c = np.moveaxis(head.uv[self._triangles[triangle]], -2, 0)
        at = (1 - u - v) * a + u * b + v * c
        texture = head.textures[int(head.texture_of[self._kept[triangle[0, 0]]])].astype(float)
        size = np.array(texture.shape[1::-1])
        x, y = np.moveaxis(np.clip((at * size).astype(int), 0, size - 1), -1, 0)
        return texture[y, x, :3].mean(axis=-1)

    def opening_at(self, place: Float[np.ndarray, "2"]) -> Bool[np.ndarray, "side side"]:
        """Find the hole of the face around a pixel, or the nearest one: that of an eye."""
        label, stats, middles = self._holes()
        width = stats[:, cv2.CC_STAT_WIDTH]
        is_small = width < SIDE_PX // 4
        distance = np.linalg.norm(middles - place, axis=1) - width
        distance[~is_small | (stats[:, cv2.CC_STAT_AREA] < _SMALLEST_HOLE_PX)] = np.inf
        distance[0] = np.inf
        inside = label[int(place[1]), int(place[0])]
        return label == (inside if inside and is_small[inside] else int(distance.argmin()))

    def mouth_opening(self, corners: Float[np.ndarray, "2 3"]) -> Bool[np.ndarray, "side side"]:
        """Find the largest hole of the face between the corners of the mouth."""
        right, left = self.place_of(corners)
        label, stats, middles = self._holes()
        reach = np.linalg.norm(left - right)
        below = (right + left) / 2 + [0, reach * 0.25]
        is_near = np.abs(middles - below).max(axis=1) < 0.45 * reach
        is_near[0] = False
        is_near &= stats[:, cv2.CC_STAT_WIDTH] < 1.4 * reach
        return label == int(np.where(is_near, stats[:, cv2.CC_STAT_AREA], 0).argmax())

    def _holes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pieces of what is not face: their plane of numbers, statistics and middles."""
        away = (~self.face).astype(np.uint8)
        _, label, stats, middles = cv2.connectedComponentsWithStats(away, connectivity=4)
        return label, stats, middles

    def surface_at(self, place: Float[np.ndarray, "2"]) -> OnSurface:
        """Find the face's surface at the pixel nearest to a place."""
        x, y = np.clip(np.round(place - 0.5).astype(int), 0, SIDE_PX - 1).tolist()
        reach = 12
        while not self.face[_around(y, reach), _around(x, reach)].any():
            reach *= 3
        rows, columns = _around(y, reach), _around(x, reach)
        near_y, near_x = np.nonzero(self.face[rows, columns])
        near_y, near_x = near_y + rows.start, near_x + columns.start
        best = int(np.hypot(near_x + 0.5 - place[0], near_y + 0.5 - place[1]).argmin())
        y, x = near_y[best], near_x[best]
        u, v = self._barycentric[y, x]
        return self._triangles[self._triangle[y, x]], np.array([1 - u - v, u, v])

    def sides(self) -> Place:
        """Find the ends of the face's skin, without ears, at eyes, nose and mouth; left first."""
        own = self.face & (self.region("ears") < 0.3)
        head = self.head
        middle = int(self.place_of(head.rest[head.nose_tip])[0])
        mouth = self.place_of(head.rest[[head.mouth_right, head.mouth_left]])[:, 1].mean()
        eyes = self.place_of(np.zeros(3))[1]
        places = []
        for y in (eyes, (eyes + mouth) / 2, mouth):
            row = own[int(np.clip(y, 0, SIDE_PX - 1))]
            left, right = middle, middle
            while left > 0 and row[max(0, left - 6) : left].any():
                left -= 1
            while right < SIDE_PX - 1 and row[right + 1 : right + 7].any():
                right += 1
            places += [(left + 0.5, y), (right + 0.5, y)]
        return np.array(places, float)


def _around(pixel: int, reach: int) -> slice:
    return slice(max(0, pixel - reach), pixel + reach + 1)


def _pieces(triangles: Int[np.ndarray, "triangles 3"], count: int) -> Int[np.ndarray, " vertices"]:
    """Find the least vertex that each vertex is joined to by triangles."""
    piece = np.arange(count)
    while True:
        before = piece.copy()
        np.minimum.at(piece, triangles.ravel(), np.repeat(piece[triangles].min(axis=1), 3))
        piece = piece[piece]
        if (piece == before).all():
            return piece
