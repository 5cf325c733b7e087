"""Dense landmarks of a head, as places on its mesh, found by looking at it from the front.

Lids are the edge of what is seen of the eyeballs, the inner lips that of the mouth's opening as the
jaw drops, outer lips and brows the edges of their regions: so every family of heads, and a user's
own, gets the same landmarks without a table of its vertices. What has no edge (cheeks, jaw, the
wings of the nose) is carried over from a mean head by a smooth map through the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.rig.layout import COUNT, rows_of
from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.pairs.camera import frontal_camera
from reggan_training.pairs.raster import HeadScene

_SIDE_PX = 1024
_FACE_PARTS = (Part.SKIN, Part.EYE, Part.TEETH, Part.GUMS, Part.TONGUE, Part.MOUTH, Part.SOCKET)
_JAW_DROP = 0.5
IRIS_RAD = 0.45
"""`HeadMesh.eye_angle` at which an iris ends."""
_FREE = {
    # eye distances from the middle between the eyes, to the right and up, on ICT's mean head
    "cheek": ((0.95, -0.35), (0.62, -0.36), (0.33, -0.42), (0.85, -0.75), (0.55, -0.78),
              (0.68, -1.15)),
    "temple": ((1.0, 0.12), (0.86, 0.5)),
    "nostril": ((0.255, -0.66), (0.15, -0.74)),
    "jaw": ((1.05, -0.75), (1.0, -1.0), (0.93, -1.22), (0.82, -1.44), (0.66, -1.62),
            (0.46, -1.75), (0.24, -1.83)),
    "forehead": ((0.62, 0.72), (0.33, 0.8), (0.0, 0.82)),
}  # fmt: skip
"""Places without an edge of their own. x is mirrored for the other side."""

Place = Float[np.ndarray, "points 2"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DensePoints:
    """Landmarks of a head as weighted vertices; the irises follow the eyeballs.

    Attributes:
        rows, weights: three vertices and their weights for each landmark but those of the irises.
        eyes: by side the vertices of the eyeball, and the landmarks of the iris on it at rest.
        rest: vertices at rest, of which `eyes` was found.
    """

    rows: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    eyes: Mapping[str, tuple[Int[np.ndarray, " ball"], Float[np.ndarray, "iris 3"]]]
    rest: Float[np.ndarray, "vertices 3"]

    def at(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "points 3"]:
        """Landmarks of a state of the head."""
        points = (vertices[self.rows] * self.weights[..., None]).sum(axis=1)
        for side, (ball, iris) in self.eyes.items():
            before = np.column_stack([self.rest[ball], np.ones(len(ball))])
            affine = np.linalg.lstsq(before, vertices[ball], rcond=None)[0]
            moved = np.column_stack([iris, np.ones(len(iris))]) @ affine
            points[rows_of("iris", side)], points[rows_of("pupil", side)] = moved[:-1], moved[-1:]
        return points


def dense_points(head: HeadMesh, like: "DensePoints | None" = None, model: HeadMesh | None = None) -> DensePoints:
    """Find the landmarks of a head.

    Args:
        head: whose mesh they are on.
        like, model: landmarks of a mean head and that head; None: this is the mean head.
    """
    view = _FrontView(head, {})
    dropped = _FrontView(head, {"jawOpen": _JAW_DROP})
    found: dict[int, tuple[Int[np.ndarray, "3"], Float[np.ndarray, "3"]]] = {}

    def keep(rows: Int[np.ndarray, " n"], places: Place, seen: _FrontView) -> None:
        for row, place in zip(rows, places, strict=True):
            found[int(row)] = seen.surface_at(place)

    for side, eye in (("right", head.right_eye_vertices), ("left", head.left_eye_vertices)):
        loop = _loop(view.opening_at(view.place_of(head.rest[eye].mean(axis=0))))
        if side == "left":
            loop = loop[::-1]
        upper, lower = _halves(loop, 13, 11, flips=side == "left")
        keep(rows_of("lid_upper", side), upper, view)
        keep(rows_of("lid_lower", side), lower, view)
        brow = view.onto_hair(_middle_line(view.region("brows") * view.half(side), 9))
        keep(rows_of("brow", side), brow if side == "right" else brow[::-1], view)
    lips = view.region("lips") > 0.5
    outer_upper, outer_lower = _halves(_loop(_largest(lips)), 13, 11)
    keep(rows_of("lip_outer_upper"), outer_upper, view)
    keep(rows_of("lip_outer_lower"), outer_lower, view)
    corners = head.rest[[head.mouth_right, head.mouth_left]]
    inner = _loop(dropped.mouth_opening(corners))
    inner_upper, inner_lower = _halves(inner, 11, 9)
    keep(rows_of("lip_inner_upper"), inner_upper, dropped)
    keep(rows_of("lip_inner_lower"), inner_lower, dropped)
    tip, chin = view.place_of(head.rest[head.nose_tip]), view.place_of(head.rest[head.chin])
    inner_corners = np.array(
        [view.place_of(_point(head.rest, found[int(rows_of("lid_upper", s)[-1])])) for s in ("right", "left")]
    )
    top = inner_corners.mean(axis=0)
    share = np.array([0.05, 0.33, 0.6, 0.85])[:, None]
    keep(rows_of("bridge"), top + share * (tip - top), view)
    keep(rows_of("nose")[:1], tip[None], view)
    keep(rows_of("jaw")[7:8], chin[None], view)
    free = _free_places(view, found, like, model, tip, chin)
    for row, place in free.items():
        found[row] = view.surface_at(place)
    rows, weights = np.zeros((COUNT, 3), int), np.zeros((COUNT, 3))
    for row, (corner, weight) in found.items():
        rows[row], weights[row] = corner, weight
    eyes = {side: iris_of(head, side) for side in ("right", "left")}
    return DensePoints(rows=rows, weights=weights, eyes=eyes, rest=head.rest)


def _point(rest: Float[np.ndarray, "vertices 3"], at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return at[1] @ rest[at[0]]


class _FrontView:
    """A head as it is seen from the front, without what it wears."""

    def __init__(self, head: HeadMesh, weights: Mapping[str, float]) -> None:
        kept = np.isin(head.parts, _FACE_PARTS)
        self.head, self.triangles, self.parts = head, head.triangles[kept], head.parts[kept]
        self.kept = np.flatnonzero(kept)
        self.camera = frontal_camera(head.landmarks(head.rest))
        self.vertices = head.vertices(weights)
        ends = self.place_of(np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]))
        self.eye_px = float(np.linalg.norm(ends[0] - ends[1]))
        viewed = self.camera.view(self.vertices)
        raster = HeadScene(viewed, self.triangles, self.camera).cast((0, 0, 1, 1), _SIDE_PX)
        self.triangle, self.barycentric = raster.triangle, raster.barycentric
        piece = _pieces(self.triangles, len(head.rest))
        is_face = (self.parts == Part.SKIN) & (piece[self.triangles[:, 0]] == piece[head.nose_tip])
        self.face: Bool[np.ndarray, "side side"] = (self.triangle >= 0) & is_face[self.triangle]

    def place_of(self, point: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Pixels of points of the head at rest."""
        flat = self.camera.project(self.camera.view(np.atleast_2d(point))) * _SIDE_PX
        return flat.reshape(*point.shape[:-1], 2)

    def half(self, side: str) -> Bool[np.ndarray, "side side"]:
        """Pixels of the head's own right or left half."""
        middle = self.place_of(self.head.rest[self.head.nose_tip])[0]
        columns = np.arange(_SIDE_PX) < middle
        return np.broadcast_to(columns if side == "right" else ~columns, (_SIDE_PX, _SIDE_PX))

    def region(self, name: str) -> Float[np.ndarray, "side side"]:
        """Weight of a region, 0 to 1, on the face's skin."""
        weight = self.head.regions[:, REGIONS.index(name)] / 255.0
        corner = weight[self.triangles[self.triangle]]
        u, v = self.barycentric[..., 0], self.barycentric[..., 1]
        return ((1 - u - v) * corner[..., 0] + u * corner[..., 1] + v * corner[..., 2]) * self.face

    def onto_hair(self, line: Place) -> Place:
        """Shift a brow's line up or down to where the head's own texture is dark around it."""
        head = self.head
        if not head.textures or head.uv is None or head.texture_of is None:
            return line
        reach = np.arange(-0.13, 0.13, 0.01) * self.eye_px
        columns = np.round(line[1:-1, 0]).astype(int)
        rows = np.clip(np.round(line[1:-1, 1, None] + reach).astype(int), 0, _SIDE_PX - 1)
        triangle = self.triangle[rows, columns[:, None]]
        u, v = np.moveaxis(self.barycentric[rows, columns[:, None]], -1, 0)[..., None]
        a, b, c = np.moveaxis(head.uv[self.triangles[triangle]], -2, 0)
        at = (1 - u - v) * a + u * b + v * c
        texture = head.textures[int(head.texture_of[self.kept[triangle[0, 0]]])].astype(float)
        size = np.array(texture.shape[1::-1])
        x, y = np.moveaxis(np.clip((at * size).astype(int), 0, size - 1), -1, 0)
        light = texture[y, x, :3].mean(axis=-1)
        dark = np.clip(np.quantile(light, 0.7, axis=1, keepdims=True) - light - 8, 0, None)
        if dark.sum() < 200:
            return line
        shift = np.median((dark * reach).sum(axis=1) / np.maximum(dark.sum(axis=1), 1e-6))
        return line + [0.0, float(shift)]

    def opening_at(self, place: Float[np.ndarray, "2"]) -> Bool[np.ndarray, "side side"]:
        """The hole of the face around a pixel, or the nearest one."""
        count, label, stats, middles = cv2.connectedComponentsWithStats((~self.face).astype(np.uint8), connectivity=4)
        box = stats[:, cv2.CC_STAT_WIDTH] < _SIDE_PX // 4
        distance = np.linalg.norm(middles - place, axis=1) - stats[:, cv2.CC_STAT_WIDTH]
        distance[~box | (stats[:, cv2.CC_STAT_AREA] < 60)] = np.inf
        distance[0] = np.inf
        inside = label[int(place[1]), int(place[0])]
        chosen = inside if inside and box[inside] else int(distance.argmin())
        return label == chosen

    def mouth_opening(self, corners: Float[np.ndarray, "2 3"]) -> Bool[np.ndarray, "side side"]:
        """The largest hole between the corners of the mouth."""
        right, left = self.place_of(corners)
        _, label, stats, middles = cv2.connectedComponentsWithStats((~self.face).astype(np.uint8), connectivity=4)
        reach = np.linalg.norm(left - right)
        near = np.abs(middles - (right + left) / 2 - [0, reach * 0.25]).max(axis=1) < 0.45 * reach
        near[0] = False
        near &= stats[:, cv2.CC_STAT_WIDTH] < 1.4 * reach
        return label == int(np.where(near, stats[:, cv2.CC_STAT_AREA], 0).argmax())

    def surface_at(self, place: Float[np.ndarray, "2"]) -> tuple[Int[np.ndarray, "3"], Float[np.ndarray, "3"]]:
        """Vertices and weights of the face's surface at the pixel nearest to a place."""
        x, y = np.clip(np.round(place - 0.5).astype(int), 0, _SIDE_PX - 1)
        reach = 12
        while True:
            rows, columns = slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
            near_y, near_x = np.nonzero(self.face[rows, columns])
            if len(near_y):
                break
            reach *= 3
        near_y, near_x = near_y + rows.start, near_x + columns.start
        best = int(np.hypot(near_x + 0.5 - place[0], near_y + 0.5 - place[1]).argmin())
        y, x = near_y[best], near_x[best]
        u, v = self.barycentric[y, x]
        return self.triangles[self.triangle[y, x]], np.array([1 - u - v, u, v])


def _pieces(triangles: Int[np.ndarray, "triangles 3"], count: int) -> Int[np.ndarray, " vertices"]:
    """The least vertex that each vertex is joined to by triangles."""
    piece = np.arange(count)
    while True:
        before = piece.copy()
        np.minimum.at(piece, triangles.ravel(), np.repeat(piece[triangles].min(axis=1), 3))
        piece = piece[piece]
        if (piece == before).all():
            return piece


def _largest(mask: Bool[np.ndarray, "side side"]) -> Bool[np.ndarray, "side side"]:
    _, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    stats[0] = 0
    return label == int(stats[:, cv2.CC_STAT_AREA].argmax())


def _loop(mask: Bool[np.ndarray, "side side"]) -> Place:
    """The smoothed edge of a mask, clockwise as one sees it, from its leftmost place on."""
    filled = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(np.kron(filled, np.ones((2, 2), np.uint8)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    loop = max(outlines, key=len)[:, 0].astype(float) / 2 + 0.25
    if cv2.contourArea(loop.astype(np.float32), oriented=True) < 0:  # y down: clockwise is positive
        loop = loop[::-1]
    width = 9
    kernel = np.hanning(width + 2)[1:-1]
    wide = np.concatenate([loop[-width:], loop, loop[:width]])
    smooth = np.stack([np.convolve(wide[:, k], kernel / kernel.sum(), "same") for k in (0, 1)], axis=1)
    smooth = smooth[width:-width]
    return np.roll(smooth, -int(smooth[:, 0].argmin()), axis=0)


def _halves(loop: Place, upper: int, lower: int, *, flips: bool = False) -> tuple[Place, Place]:
    """So many places along the upper edge, corners included, and along the lower one, without.

    The loop runs clockwise from the left corner; flipped, anticlockwise from some place, and its
    upper edge is taken from the right corner on.
    """
    if flips:
        loop = np.roll(loop, -int(loop[:, 0].argmax()), axis=0)
        turn = int(loop[:, 0].argmin())
    else:
        turn = int(loop[:, 0].argmax())
    over, under = loop[: turn + 1], np.concatenate([loop[turn:], loop[:1]])
    return _spread(over, upper), _spread(under, lower + 2)[1:-1]


def _spread(line: Place, count: int) -> Place:
    """Places along a line, equally far from each other."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, k]) for k in (0, 1)], axis=1)


def _middle_line(weight: Float[np.ndarray, "side side"], count: int) -> Place:
    """Places along the middle of a region that lies across, from the left to the right."""
    mask = _largest(weight > 0.35)
    rows, columns = np.nonzero(mask)
    height = np.bincount(columns, rows + 0.5) / np.maximum(np.bincount(columns), 1)
    x = np.unique(columns)
    smooth = np.convolve(np.pad(height[x], 8, mode="edge"), np.ones(17) / 17, "valid")
    return _spread(np.column_stack([x + 0.5, smooth]), count + 2)[1:-1]


def iris_of(head: HeadMesh, side: str, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of an eyeball, and the edge and middle of an iris `size` times as large."""
    is_eye = np.zeros(len(head.rest), bool)
    is_eye[head.triangles[head.parts == Part.EYE]] = True
    sign = 1 if side == "left" else -1
    ball = np.flatnonzero(is_eye & (sign * head.rest[:, 0] > 0))
    points = head.rest[ball].astype(float)
    system = np.column_stack([2 * points, np.ones(len(points))])
    solved = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre = solved[:3]
    angle = head.eye_angle[ball] * size
    near = angle < max(0.5, float(np.sort(angle)[min(8, len(angle) - 1)]) + 1e-3)
    axis = (points[near] - centre).mean(axis=0)
    radius = float(np.median(np.linalg.norm(points[near] - centre, axis=1)))
    axis /= np.linalg.norm(axis)
    outward = np.array([sign, 0.0, 0.0]) - sign * axis[0] * axis
    outward /= np.linalg.norm(outward)
    upward = np.cross(axis, outward) * sign
    turn = np.arange(8) * np.pi / 4
    ring = np.cos(turn)[:, None] * outward + np.sin(turn)[:, None] * upward
    edge = centre + radius * (np.cos(IRIS_RAD * size) * axis + np.sin(IRIS_RAD * size) * ring)
    return ball, np.concatenate([edge, (centre + radius * axis)[None]])


def _free_places(
    view: _FrontView,
    found: Mapping[int, tuple[np.ndarray, np.ndarray]],
    like: DensePoints | None,
    model: HeadMesh | None,
    tip: Float[np.ndarray, "2"],
    chin: Float[np.ndarray, "2"],
) -> dict[int, Float[np.ndarray, "2"]]:
    """Pixels of the landmarks that have no edge of their own."""
    if like is None or model is None:
        origin = view.place_of(np.zeros(3))
        unit = np.linalg.norm(view.place_of(np.array([0.5, 0, 0])) - view.place_of(np.array([-0.5, 0, 0])))
        places: dict[int, Float[np.ndarray, "2"]] = {}
        for name, own in _FREE.items():
            points = np.array(own)
            right = origin + unit * points * [-1, -1]
            left = origin + unit * points * [1, -1]
            if name == "jaw":
                rows = rows_of("jaw")
                whole = dict(zip(rows[:7], right, strict=True)) | dict(zip(rows[:7:-1], left, strict=True))
            elif name == "forehead":
                rows = rows_of("forehead")
                whole = dict(zip(rows[:3], right, strict=True)) | dict(zip(rows[:2:-1], left[:2], strict=True))
            else:
                whole = dict(zip(rows_of(name, "right"), right, strict=True)) | dict(zip(rows_of(name, "left"), left, strict=True))
            places |= {int(row): place for row, place in whole.items()}
        below = origin + unit * np.array([0.0, 0.80])
        places[int(rows_of("nose")[1])] = below
        return places
    other = _FrontView(model, {})
    template = other.place_of(like.at(model.rest))
    controls = [row for row in found if row in set(map(int, _firm_rows()))]
    start = np.concatenate([template[controls], _outline(other)])
    end = np.concatenate(
        [np.array([view.place_of(_point(view.head.rest, found[row])) for row in controls]), _outline(view)]
    )
    wanted = [row for row in range(COUNT) if row not in found and row not in _iris_rows()]
    return dict(zip(wanted, _carried(template[wanted], start, end), strict=True))


def _firm_rows() -> Int[np.ndarray, " rows"]:
    names = [("lid_upper", s) for s in ("right", "left")] + [("brow", s) for s in ("right", "left")]
    names += [(n, "middle") for n in ("lip_outer_upper", "lip_outer_lower", "bridge", "nose", "jaw")]
    return np.concatenate([rows_of(*name) for name in names])


def _iris_rows() -> set[int]:
    return {int(r) for n in ("iris", "pupil") for s in ("right", "left") for r in rows_of(n, s)}


def _outline(view: _FrontView) -> Place:
    """Ends of the face's skin, without ears, at the heights of the eyes, nose and mouth."""
    own = view.face & (view.region("ears") < 0.3)
    head = view.head
    middle = view.place_of(head.rest[head.nose_tip])[0]
    mouth = view.place_of(head.rest[[head.mouth_right, head.mouth_left]])[:, 1].mean()
    eyes = view.place_of(np.zeros(3))[1]
    places = []
    for y in (eyes, (eyes + mouth) / 2, mouth):
        row = own[int(np.clip(y, 0, _SIDE_PX - 1))]
        left, right = int(middle), int(middle)
        while left > 0 and row[max(0, left - 6) : left].any():
            left -= 1
        while right < _SIDE_PX - 1 and row[right + 1 : right + 7].any():
            right += 1
        places += [(left + 0.5, y), (right + 0.5, y)]
    return np.array(places, float)


def _carried(points: Place, start: Place, end: Place) -> Place:
    """Points under the smooth map that takes `start` to `end`."""
    def kernel(first: Place, second: Place) -> Float[np.ndarray, "first second"]:
        return np.linalg.norm(first[:, None] - second[None], axis=2) / _SIDE_PX

    count = len(start)
    flat = np.column_stack([start / _SIDE_PX, np.ones(count)])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = -kernel(start, start) + 1e-4 * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.solve(system, np.concatenate([end, np.zeros((3, 2))]))
    moved: Place = -kernel(points, start) @ weights[:count]
    return moved + np.column_stack([points / _SIDE_PX, np.ones(len(points))]) @ weights[count:]
