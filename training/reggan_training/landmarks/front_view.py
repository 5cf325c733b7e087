"""A head from the front, with the contours of its lids and lips, in which landmarks are found."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.array_types import CropPlane
from reggan_plugin.rig.dense_landmarks import rows_of
from reggan_plugin.rig.own_teeth import pieces_of
from reggan_training.heads.head import REGIONS, HeadMesh, Part, Vertices, texels_at
from reggan_training.landmarks.drawn_accessories import SIDE_PX
from reggan_training.rendering.rasterising import Camera, HeadScene, frontal_camera

ViewMask = Bool[np.ndarray, "side side"]
"""Of the pixels of the view."""

Place = Float[np.ndarray, "_ 2"]
_EDGE_PX: Final = 9
"""Width of the window that smooths an edge."""
_LINE_PX: Final = 17
"""Width of the window that smooths a middle line."""
_SOLID: Final = 0.35
"""Weight from which on a pixel counts as the region's."""
_SLACK: Final = 1e-4
"""How loosely `carried` holds on to its places, in parts of the picture's side."""

_WORN: Final = (Part.HAIR, Part.GLASSES, Part.BEARD, Part.LASHES, Part.BROWS)
_INSIDE: Final = (Part.MOUTH, Part.TEETH, Part.GUMS, Part.TONGUE, Part.SOCKET)
_MOUTH_PX: Final = 384
"""Side of the closer look at the mouth."""
_STEPS: Final = 160
"""Places that are looked at between an upper lip and a lower one."""
_LIP: Final = 0.10
"""How far above and below its inner landmarks the mouth's opening is looked for, in its widths."""
Points = Float[np.ndarray, "points 2"]
VIEW_PX: Final = 1024
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


def largest(mask: ViewMask) -> ViewMask:
    """Find the largest connected piece of a mask."""
    _, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    stats[0] = 0
    return label == int(stats[:, cv2.CC_STAT_AREA].argmax())


def outline(mask: ViewMask) -> Place:
    """Trace the smoothed edge of a mask, clockwise as one sees it, from its leftmost place on."""
    filled = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    finer = np.kron(filled, np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(finer, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    loop = max(outlines, key=len)[:, 0].astype(float) / 2 + 0.25
    if cv2.contourArea(loop.astype(np.float32), oriented=True) < 0:  # y down: clockwise is positive
        loop = loop[::-1]
    kernel = np.hanning(_EDGE_PX + 2)[1:-1]
    kernel = kernel / kernel.sum()
    wide = np.concatenate([loop[-_EDGE_PX:], loop, loop[:_EDGE_PX]])
    smooth = np.stack([np.convolve(wide[:, k], kernel, "same") for k in (0, 1)], axis=1)
    smooth = smooth[_EDGE_PX:-_EDGE_PX]
    return np.roll(smooth, -int(smooth[:, 0].argmin()), axis=0)


def halves(loop: Place, upper: int, lower: int, *, flips: bool = False) -> tuple[Place, Place]:
    """Places along the upper and the lower edge of a closed line.

    Args:
        loop: clockwise from the left corner; flipped, anticlockwise from some place.
        upper: how many along the upper edge, both corners included.
        lower: how many along the lower edge, without the corners, back to the first one.
        flips: begin at the right corner instead of the left one.
    """
    if flips:
        loop = np.roll(loop, -int(loop[:, 0].argmax()), axis=0)
        turn = int(loop[:, 0].argmin())
    else:
        turn = int(loop[:, 0].argmax())
    over, under = loop[: turn + 1], np.concatenate([loop[turn:], loop[:1]])
    return _spread(over, upper), _spread(under, lower + 2)[1:-1]


def middle_line(weight: CropPlane, count: int) -> Place:
    """Places along the middle of a region that lies across, from the left to the right."""
    rows, columns = np.nonzero(largest(weight > _SOLID))
    height = np.bincount(columns, rows + 0.5) / np.maximum(np.bincount(columns), 1)
    x = np.unique(columns)
    padded = np.pad(height[x], _LINE_PX // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(_LINE_PX) / _LINE_PX, "valid")
    return _spread(np.column_stack([x + 0.5, smooth]), count + 2)[1:-1]


def carried(points: Place, start: Place, end: Place, side_px: int) -> Place:
    """Places under the smooth map that takes `start` to `end`.

    Source: Duchon, Splines minimizing rotation-invariant semi-norms, 1977.
    """
    count = len(start)
    flat = np.column_stack([start / side_px, np.ones(count)])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = -_distances(start, start) / side_px + _SLACK * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.solve(system, np.concatenate([end, np.zeros((3, 2))]))
    bent = -_distances(points, start) / side_px @ weights[:count]
    return bent + np.column_stack([points / side_px, np.ones(len(points))]) @ weights[count:]


def _distances(first: Place, second: Place) -> Float[np.ndarray, "first second"]:
    return np.linalg.norm(first[:, None] - second[None], axis=2)


def _spread(line: Place, count: int) -> Place:
    """Places along a line, equally far from each other, both ends included."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, k]) for k in (0, 1)], axis=1)


def seen_edges(points: Points, viewed: Vertices, head: HeadMesh, camera: Camera) -> Points:
    """Move landmarks of lids and lips to where their edges are seen: what overlaps, meets.

    Args:
        points: of the mesh, pixels; not changed.
        viewed: vertices in the camera's space.
        head: with the triangles that face the camera.
        camera: that draws the picture.
    """
    points = points.copy()
    for side in ("right", "left"):
        _meet_lids(points, side)
    _find_lips(points, viewed, head, camera)
    return points


def _meet_lids(points: Points, side: str) -> None:
    """Bring lids that overlap to the middle between them, in place."""
    upper, lower = rows_of("lid_upper", side)[1:-1], rows_of("lid_lower", side)[::-1]
    down = _down(points, rows_of("lid_upper", side), from_left=side == "right")
    over = ((points[lower] - points[upper]) @ down) < 0
    middle = (points[upper[over]] + points[lower[over]]) / 2
    points[upper[over]] = points[lower[over]] = middle


def _find_lips(points: Points, viewed: Vertices, head: HeadMesh, camera: Camera) -> None:
    """Bring the inner landmarks of the lips to the opening that is seen, in place.

    The mesh's own inner line of a lip misses it by 1.5 % of the eye distance: along each pair of
    points, the ends of what is seen of the inside are looked for.
    """
    whole = rows_of("lip_inner_upper")
    down = _down(points, whole, from_left=True)
    width = np.linalg.norm(points[whole[-1]] - points[whole[0]])
    centre, reach = points[whole].mean(axis=0), 0.75 * width + 8
    inside = _seen_inside(viewed, head, camera, centre, float(reach))
    scale = _MOUTH_PX / (2 * reach)
    lip = _LIP * width * down
    for top, bottom in zip(whole[1:-1], rows_of("lip_inner_lower")[::-1], strict=True):
        start, end = points[top] - lip, points[bottom] + lip
        middle = (points[top] + points[bottom]) / 2
        if (end - start) @ down < 1:
            start, end = middle - lip, middle + lip
        line = start + np.linspace(0, 1, _STEPS)[:, None] * (end - start)
        cells = np.clip(((line - (centre - reach)) * scale).astype(int), 0, _MOUTH_PX - 1)
        hit = np.flatnonzero(inside[cells[:, 1], cells[:, 0]])
        if len(hit) > 1:
            points[top], points[bottom] = line[hit[0]], line[hit[-1]]
        else:
            points[top] = points[bottom] = middle


def _seen_inside(
    viewed: Vertices, head: HeadMesh, camera: Camera, centre: Float[np.ndarray, "2"], reach: float
) -> ViewMask:
    """Where the mouth's inside is seen, in the square of so many pixels around a place."""
    low, high = (centre - reach) / SIDE_PX, (centre + reach) / SIDE_PX
    bare = ~np.isin(head.parts, _WORN)
    scene = HeadScene(viewed, head.triangles[bare], camera)
    triangle = scene.cast((low[0], low[1], high[0], high[1]), _MOUTH_PX).triangle
    part = np.where(triangle >= 0, head.parts[bare][triangle], Part.SKIN)
    return np.isin(part, _INSIDE)


def _down(
    points: Points, rows: Int[np.ndarray, " rows"], *, from_left: bool
) -> Float[np.ndarray, "2"]:
    """Return the unit vector down, at right angles to the line from first to last landmark."""
    across = points[rows[-1]] - points[rows[0]]
    across = across if from_left else -across
    return np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)


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
        raster = HeadScene(viewed, self._triangles, self._camera).cast((0, 0, 1, 1), VIEW_PX)
        self._triangle, self._barycentric = raster.triangle, raster.barycentric
        piece = pieces_of(self._triangles, len(head.rest))
        is_skin = head.parts[kept] == Part.SKIN
        is_face = is_skin & (piece[self._triangles[:, 0]] == piece[head.nose_tip])
        self.face: ViewMask = (self._triangle >= 0) & is_face[self._triangle]

    def place_of(self, point: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Pixels of points in the head's own space."""
        flat = self._camera.project(self._camera.view(np.atleast_2d(point))) * VIEW_PX
        return flat.reshape(*point.shape[:-1], 2)

    def shows(self, *parts: Part) -> ViewMask:
        """Pixels that show one of these parts."""
        own = np.isin(self.head.parts[self._kept], parts)
        return (self._triangle >= 0) & own[self._triangle]

    @property
    def eye_px(self) -> float:
        """Pixels of an eye distance."""
        ends = self.place_of(np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]))
        return float(np.linalg.norm(ends[0] - ends[1]))

    def half(self, side: str) -> ViewMask:
        """Pixels of the head's own `right` or `left` half."""
        middle = self.place_of(self.head.rest[self.head.nose_tip])[0]
        columns = np.arange(VIEW_PX) < middle
        return np.broadcast_to(columns if side == "right" else ~columns, (VIEW_PX, VIEW_PX))

    def region(self, name: str) -> CropPlane:
        """Weight of one of `REGIONS`, 0 to 1, on the face's skin."""
        weight = self.head.regions[:, REGIONS.index(name)] / 255.0
        corner = weight[self._triangles[self._triangle]]
        u, v = self._barycentric[..., 0], self._barycentric[..., 1]
        return ((1 - u - v) * corner[..., 0] + u * corner[..., 1] + v * corner[..., 2]) * self.face

    def onto_hair(self, line: Place) -> Place:
        """Shift a brow's line up or down to where the head's own texture is dark around it."""
        reach = np.arange(-_BROW_REACH, _BROW_REACH, 0.01) * self.eye_px
        columns = np.round(line[1:-1, 0]).astype(int)
        rows = np.clip(np.round(line[1:-1, 1, None] + reach).astype(int), 0, VIEW_PX - 1)
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
        texture = head.textures[int(head.texture_of[self._kept[triangle[0, 0]]])]
        return texels_at(texture, at)[..., :3].mean(axis=-1)

    def opening_at(self, place: Float[np.ndarray, "2"]) -> ViewMask:
        """Find the hole of the face around a pixel, or the nearest one: that of an eye."""
        label, stats, middles = self._holes()
        width = stats[:, cv2.CC_STAT_WIDTH]
        is_small = width < VIEW_PX // 4
        distance = np.linalg.norm(middles - place, axis=1) - width
        distance[~is_small | (stats[:, cv2.CC_STAT_AREA] < _SMALLEST_HOLE_PX)] = np.inf
        distance[0] = np.inf
        inside = label[int(place[1]), int(place[0])]
        return label == (inside if inside and is_small[inside] else int(distance.argmin()))

    def mouth_opening(self, corners: Float[np.ndarray, "2 3"]) -> ViewMask:
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
        x, y = np.clip(np.round(place - 0.5).astype(int), 0, VIEW_PX - 1).tolist()
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
            row = own[int(np.clip(y, 0, VIEW_PX - 1))]
            left, right = middle, middle
            while left > 0 and row[max(0, left - 6) : left].any():
                left -= 1
            while right < VIEW_PX - 1 and row[right + 1 : right + 7].any():
                right += 1
            places += [(left + 0.5, y), (right + 0.5, y)]
        return np.array(places, float)


def _around(pixel: int, reach: int) -> slice:
    return slice(max(0, pixel - reach), pixel + reach + 1)
