"""The user's own head as the template: it lends its shapes to the mesh that is laid over faces.

The head is drawn from the front, the landmark network looks at the picture as it looks at any
face, and what it finds is lifted to the surface that the picture shows there. By these landmarks
the house's template is laid on the head, and each of its vertices takes the motion of the surface
next to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, CropPixels, Float, Int
from reggan_plugin.errors import FaceNotFoundError, MeshError
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import vertex_normals
from reggan_plugin.limits import MOST_MOTION
from reggan_plugin.rig.dense_landmarks import COUNT, SIDES, eye_rows, rows_of
from reggan_plugin.rig.head_part import Part
from reggan_plugin.rig.lid_shapes import LASH_SHAPES, closed_lids, with_lash_band
from reggan_plugin.rig.motion_from_other_mesh import carried, nearest_vertices
from reggan_plugin.rig.raster import MeshRaster, rasterise
from reggan_plugin.rig.skin_motion import Landmarks
from reggan_plugin.rig.template_fit import Template
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name

_SIDE_PX: Final = 640
_EYE, _EYES_AT = 0.18, 0.34
"""Eye distance and row of the eyes of a head that is known, in parts of the picture's side."""
_DISTANCE: Final = 12.0
"""From camera to face in eye distances, as in the pictures that the network has learnt from."""
_DROP: Final = 0.5
"""Weight of `jawOpen` by which lips part, so that their inner edges are seen."""
_REGION: Final = 2.6
"""Height of what a face's shapes move, in eye distances; a first guess."""
_STRONG: Final = 0.25
"""Share of a shape's largest motion from which on a vertex belongs to the face."""
_TO_EDGE: Final = {"lid_upper": 0.06, "lid_lower": 0.06, "lip_inner_upper": 0.1,
                   "lip_inner_lower": 0.1}  # fmt: skip
"""Eye distances within which a landmark of an edge is moved to the edge that the mesh has."""
_OFF: Final = 0.12
"""Eye distances beside the surface from which on a landmark is left out."""
_LOWER: Final = 0.4
"""Share of the jaw's motion from which on a surface belongs to the lower lip."""
_HIDDEN = 0.05
"""Eye distances behind what a picture shows from which on a vertex is hidden."""
_MOUTH_WIDE = 0.45
"""Eye distances from the middle in which the inside of a mouth is looked for: no ear."""
_LEAST_MOTION: Final = 0.002
"""Eye distances; a shape that moves the face less is none."""
_ACTS, _LEAST_SHARE = 0.5, 0.3
"""Of the house's largest motion, from which on it acts; and of the vertices there, how many a
shape has to move. Sample head: 0.36 or more; shapes of a mouth's inside alone: 0.23 or less."""
_LEAST_EYES: Final = 0.2
"""Distance of the eyes in that first guess, below which they are none."""
_FEWEST_PLACES: Final = 4
_LEAST_WIDE: Final = 0.1
_MOST_MISFIT, _CLEAR, _NEARLY = 0.15, 0.7, float(np.cos(np.radians(25)))
"""Of what shapes move, laid on the places of the template's: the most that may be left, and how
much less than with mirrored names where these tell front from back; and how near the file's own
axes are taken. ICT's heads: 0.02 left, mirrored 0.06, and 8 degrees or less off; the sample: 0.03,
0.08 and 2 degrees."""
_AROUND: Final = 0.2
"""Eye distances around the laid template within which surfaces lend their motion."""
_BACKDROP, _AMBIENT = 0.55, 0.45
_LAMP: Final = np.array([0.25, 0.45, 0.86])

Points = Float[np.ndarray, "_ 3"]
Picture = CropPixels
FindLandmarks = Callable[[Picture], Landmarks | None]
"""Finds a face's landmarks in a picture, in parts of its side; None if it shows no face."""


@frozen(eq=False)
class RigMesh:
    """A head of the user's own, as its file has it.

    Attributes:
        name: of its file.
        points: vertices at rest.
        triangles: counter-clockwise from outside.
        parts: a `Part` for each triangle.
        shapes: motion of the vertices at weight 1, by ARKit name.
        unknown: names of shapes that are none of ARKit's.
        rows_of_teeth: for each triangle 1 where its name says upper, -1 lower, 0 neither; None
            likewise for all.
        fronts: where it may look, likeliest first: rows are its own left, up, and to the front.
        colours: sRGB-encoded colours of places on triangles: rows and weights of the corners.
    """

    name: str
    points: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    parts: Int[np.ndarray, " triangles"]
    shapes: Mapping[str, Float[np.ndarray, "vertices 3"]]
    fronts: tuple[Float[np.ndarray, "3 3"], ...]
    colours: Callable[[np.ndarray, np.ndarray], np.ndarray]
    unknown: tuple[str, ...] = ()
    rows_of_teeth: Int[np.ndarray, " triangles"] | None = None


@frozen(eq=False)
class OwnRig:
    """A template with the shapes of a head.

    Attributes:
        template: laid on the head.
        lent: shapes that are the head's; the others stay the house's.
        axes: from the file's directions to the template's.
        origin: of the template's space, in the file.
        unit: an eye distance in the file.
    """

    template: Template
    lent: tuple[str, ...]
    axes: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]
    unit: float

    @property
    def missing(self) -> tuple[str, ...]:
        """Shapes that stay the house's."""
        return tuple(name for name in ARKIT_SHAPES if name not in self.lent)


def own_rig(house: Template, mesh: RigMesh, find: FindLandmarks) -> OwnRig:
    """Lay the house's template on a head and give it the head's shapes.

    Args:
        house: the template of this package.
        mesh: the head.
        find: the landmark network.

    Raises:
        MeshError: the mesh has none of ARKit's shapes, or one that moves beyond all measure.
        FaceNotFoundError: no picture of it shows a face.
    """
    known = {name: moved for name, moved in mesh.shapes.items() if np.abs(moved).max() > 0}
    if not known:
        raise _without_shapes(mesh)
    head = _with_inside_of_mouth(_framed(house, mesh, known, find))
    jaw = head.shapes.get("jawOpen")
    drop = np.zeros_like(head.points) if jaw is None else _DROP * jaw
    house_drop = np.zeros_like(house.rest) if jaw is None else _DROP * house.shapes["jawOpen"]
    marks = head.anchors(find)
    rows = np.flatnonzero(marks.kept)
    there = head.points + drop
    onto = carried(
        (house.rest + house_drop).astype(float),
        (house.landmarks + house.at_landmarks(house_drop))[rows].astype(float),
        marks.at(there)[rows],
    )
    normals = vertex_normals(onto, house.triangles)
    near, weight = nearest_vertices(onto, normals, there, _skin_around(head, there, onto))
    keep = house.keep[:, None].astype(float)
    lent = {
        name: (moved[near] * weight[..., None]).sum(axis=1) * keep
        for name, moved in head.shapes.items()
    }
    lent = {name: moved for name, moved in lent.items() if _moves_face(moved, house, name)}
    if jaw is not None and "jawOpen" not in lent:  # lips that do not part were looked at parted
        others = {name: moved for name, moved in mesh.shapes.items() if name != "jawOpen"}
        return own_rig(house, replace(head.mesh, shapes=others), find)
    for name, moved in lent.items():
        if np.abs(moved).max() > MOST_MOTION:
            raise MeshError(
                f"{mesh.name}: its shape {name} moves the face by {np.abs(moved).max():.3g} times "
                f"the distance of the eyes, of at most {MOST_MOTION:g}. Export it again."
            )
    rest = onto - _DROP * lent["jawOpen"] if "jawOpen" in lent else onto
    return OwnRig(
        template=_as_template(house, rest, lent),
        lent=tuple(name for name in ARKIT_SHAPES if name in lent),
        axes=head.axes,
        origin=head.origin,
        unit=head.unit,
    )


def _moves_face(moved: Points, house: Template, name: str) -> bool:
    """Tell whether a shape moves the face where the house's shape of its name does, and not only
    what lies behind it.
    """
    own, theirs = (
        np.linalg.norm(offsets * house.keep[:, None], axis=1)
        for offsets in (house.shapes[name], moved)
    )
    acts = own > _ACTS * own.max()
    return bool((theirs[acts] > _LEAST_MOTION).mean() > _LEAST_SHARE)


def _with_inside_of_mouth(head: "_UprightHead") -> "_UprightHead":
    """Tell the inside of a mouth that is one piece with the skin: what a dropped jaw alone shows,
    and what is hidden behind it. Taken for skin, its slower motion would be the lips'.
    """
    if "jawOpen" not in head.shapes or (head.parts == Part.MOUTH).any():
        return head
    jaw = _DROP * head.shapes["jawOpen"]
    at_rest, dropped = (head.seen(points) for points in (head.points, head.points + jaw))
    across, up = np.abs(head.points[:, 0]), head.points[:, 1]
    inside = dropped & ~at_rest & (across < _MOUTH_WIDE) & (up < 0)
    hidden = head.triangles[(head.parts == Part.SKIN) & ~at_rest[head.triangles].any(axis=1)]
    count = -1
    while count != (count := int(inside.sum())):
        inside[hidden[inside[hidden].any(axis=1)]] = True
    parts = head.parts.copy()
    parts[(parts == Part.SKIN) & inside[head.triangles].any(axis=1)] = Part.MOUTH
    return replace(head, mesh=replace(head.mesh, parts=parts))


def _skin_around(head: "_UprightHead", points: Points, face: Points) -> np.ndarray:
    """Triangles of the head's skin that are near a face."""
    low, high = face.min(axis=0) - _AROUND, face.max(axis=0) + _AROUND
    is_near = ((points > low) & (points < high)).all(axis=1)
    skin = head.triangles[head.parts == Part.SKIN]
    return skin[is_near[skin].any(axis=1)]


def _as_template(house: Template, rest: Points, lent: Mapping[str, Points]) -> Template:
    """Give the template another rest and the shapes that are lent; blinks shut, lashes follow."""
    shapes = {**house.shapes, **lent}
    for side in SIDES:
        blink = "eyeBlink" + side.capitalize()
        shapes[blink] = closed_lids(rest, shapes[blink], house.rows, house.weights, side)
        lashes = {name: shapes[name] for name in lent if name.startswith(LASH_SHAPES)}
        shapes |= with_lash_band(rest, lashes, house.rows, house.weights, side)
    drop = np.clip(-shapes["jawOpen"][:, 1], 0, None)
    moved = replace(
        house,
        rest=rest.astype(np.float32),
        shapes={name: shapes[name].astype(np.float32) for name in house.shapes},
        conventions={},
        jaw=(drop / max(float(drop.max()), 1e-6)).astype(np.float32),
    )
    landmarks = moved.at_landmarks(moved.rest)
    for side in SIDES:  # on the eyeballs, not on a vertex of the skin
        lids = eye_rows(side)
        irises = np.concatenate([rows_of("iris", side), rows_of("pupil", side)])
        shift = landmarks[lids].mean(axis=0) - house.landmarks[lids].mean(axis=0)
        landmarks[irises] = house.landmarks[irises] + shift
    return replace(moved, landmarks=landmarks)


@frozen(eq=False)
class _Anchors:
    """Landmarks as places on a mesh: three vertices and their weights each, and which are kept."""

    rows: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    kept: Bool[np.ndarray, " points"]

    def at(self, points: Points) -> Float[np.ndarray, "points 3"]:
        """Where they are in a state of the mesh."""
        return (points[self.rows] * self.weights[..., None]).sum(axis=1)


@frozen(eq=False)
class _UprightHead:
    """A head in eye distances: x to its own left, y up, z to the front.

    Attributes:
        axes, origin, unit: see `OwnRig`.
        eye, eyes_at: the eye distance and the row of the origin, in parts of its pictures' side.
    """

    mesh: RigMesh
    points: Points
    shapes: Mapping[str, Points]
    axes: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]
    unit: float
    eye: float = _EYE
    eyes_at: float = _EYES_AT

    @classmethod
    def of(
        cls,
        mesh: RigMesh,
        shapes: Mapping[str, Points],
        axes: Float[np.ndarray, "3 3"],
        origin: Float[np.ndarray, "3"],
        unit: float,
    ) -> "_UprightHead":
        """Lay out a mesh in axes, about an origin, in a unit of the file."""
        points = (mesh.points - origin) @ axes.T / unit
        moved = {name: own @ axes.T / unit for name, own in shapes.items()}
        return cls(
            mesh=mesh,
            points=points,
            shapes=with_own_sides(moved, points),
            axes=axes,
            origin=origin,
            unit=unit,
        )

    @property
    def triangles(self) -> Int[np.ndarray, "triangles 3"]:
        """As of the mesh."""
        return self.mesh.triangles

    @property
    def parts(self) -> Int[np.ndarray, " triangles"]:
        """As of the mesh."""
        return self.mesh.parts

    def seen(self, points: Points) -> Bool[np.ndarray, " vertices"]:
        """Tell which vertices a picture of a state shows, hair aside."""
        raster, rows = self.raster(points, Part.HAIR, Part.GLASSES)
        depth = raster.mixed(points[:, 2:], self.triangles[rows])[..., 0]
        depth[~raster.is_hit] = -np.inf
        across, down = np.floor(self._places(points)).astype(int).T
        inside = (across >= 0) & (down >= 0) & (across < _SIDE_PX) & (down < _SIDE_PX)
        shown = np.zeros(len(points), bool)
        shown[inside] = points[inside, 2] > depth[down[inside], across[inside]] - _HIDDEN
        return shown

    def _places(self, points: Points) -> Float[np.ndarray, "points 2"]:
        """Where a picture shows points, in its pixels."""
        flat = points[..., :2] * (_DISTANCE / (_DISTANCE - points[..., 2:]))
        middle = np.array([0.5, self.eyes_at])
        return (middle + self.eye * flat * [1, -1]) * _SIDE_PX

    def raster(self, points: Points, *hidden: Part) -> tuple[MeshRaster, np.ndarray]:
        """Draw what a picture shows of a state of the head, and the rows of the triangles drawn."""
        places = self._places(points)
        is_drawn = (np.abs(places - _SIDE_PX / 2) < _SIDE_PX).all(axis=1)
        is_drawn &= points[:, 2] < _DISTANCE / 2
        rows = np.flatnonzero(~np.isin(self.parts, hidden) & is_drawn[self.triangles].all(axis=1))
        seen = np.column_stack([places, points[:, 2]])
        try:
            return rasterise(seen, self.triangles[rows], _SIDE_PX, _SIDE_PX), rows
        except MeshError as error:
            raise error.after(f"{self.mesh.name}: ") from error

    def picture(self, points: Points) -> Picture:
        """Draw the head in soft light, without what hides the face."""
        raster, rows = self.raster(points, Part.HAIR, Part.GLASSES)
        picture = np.full((_SIDE_PX, _SIDE_PX, 3), _BACKDROP, np.float32)
        hit = raster.is_hit
        normals = raster.mixed_where_hit(
            vertex_normals(points, self.triangles), self.triangles[rows]
        )
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        light = _AMBIENT + (1 - _AMBIENT) * np.clip(normals @ _LAMP, 0, 1)
        colours = self.mesh.colours(rows[raster.triangle[hit]], raster.barycentric[hit])
        picture[hit] = np.clip(colours * light[:, None], 0, 1)
        return picture

    def anchors(self, find: FindLandmarks) -> _Anchors:
        """Landmarks on the mesh: those of the inner lips as the jaw has dropped.

        Raises:
            FaceNotFoundError: a picture shows no face.
        """
        found = self.lifted(self.points, find(self.picture(self.points)))
        if "jawOpen" in self.shapes:
            points = self.points + _DROP * self.shapes["jawOpen"]
            dropped = self.lifted(points, find(self.picture(points)))
            inner = np.concatenate([rows_of("lip_inner_upper"), rows_of("lip_inner_lower")])
            for values, others in ((found.rows, dropped.rows), (found.weights, dropped.weights)):
                values[inner] = others[inner]
            found.kept[inner] = dropped.kept[inner]
        irises = [rows_of(name, side) for name in ("iris", "pupil") for side in SIDES]
        found.kept[np.concatenate(irises)] = False
        return found

    def lifted(self, points: Points, landmarks: Landmarks | None) -> _Anchors:
        """Landmarks that were found in the picture of a state, lifted to the skin seen there.

        Raises:
            FaceNotFoundError: none were found.
        """
        if landmarks is None:
            raise _without_face(self.mesh)
        raster, drawn = self.raster(
            points, Part.HAIR, Part.GLASSES, Part.LASHES, Part.BROWS, Part.BEARD, Part.CLOTHES
        )
        hit = raster.is_hit
        triangle, barycentric = raster.triangle, raster.barycentric  # planes, made when asked for
        part = np.where(hit, self.parts[drawn][triangle], -1)
        skin = part == Part.SKIN
        jaw = np.zeros((_SIDE_PX, _SIDE_PX), np.float32)
        if "jawOpen" in self.shapes:
            fall = np.clip(-self.shapes["jawOpen"][:, 1:2], 0, None)
            jaw = raster.mixed(fall / max(float(fall.max()), 1e-6), self.triangles[drawn])[..., 0]
        edge = skin & _beside(~skin)
        places, eye_px = landmarks.places * _SIDE_PX, self.eye * _SIDE_PX
        rows, weights = np.zeros((COUNT, 3), int), np.zeros((COUNT, 3))
        kept = np.zeros(COUNT, bool)
        wanted = _edges(edge, jaw)
        for row, place in enumerate(places):
            pixel = None
            if row in wanted:
                within, reach = wanted[row]
                pixel = _nearest_pixel(within, place, reach * eye_px)
            if pixel is None:
                pixel = _nearest_pixel(skin, place, _OFF * eye_px)
            if pixel is not None:
                rows[row] = self.triangles[drawn[triangle[pixel]]]
                weights[row], kept[row] = barycentric[pixel], True
        return _Anchors(rows=rows, weights=weights, kept=kept)


Mask = Bool[np.ndarray, "rows columns"]


def _edges(edge: Mask, jaw: Float[np.ndarray, "rows columns"]) -> dict[int, tuple[Mask, float]]:
    """For landmarks of edges: where the mesh has one of their kind, and how far off it may be."""
    found: dict[int, tuple[Mask, float]] = {}
    for name, reach in _TO_EDGE.items():
        within = edge
        if name.startswith("lip"):
            within = edge & ((jaw < _LOWER) if name.endswith("upper") else (jaw >= _LOWER))
        for side in SIDES if name.startswith("lid") else ("middle",):
            found |= {int(row): (within, reach) for row in rows_of(name, side)}
    for corner in rows_of("lip_inner_upper")[[0, -1]]:
        found[int(corner)] = edge, _TO_EDGE["lip_inner_upper"]
    return found


def _beside(mask: Mask) -> Mask:
    """Pixels beside those of a mask."""
    wide = np.pad(mask, 1, mode="edge")
    return wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]


def _nearest_pixel(
    mask: Mask, place: Float[np.ndarray, "2"], reach: float
) -> tuple[int, int] | None:
    """Row and column of a mask's pixel that is nearest to a place; None if none is in reach."""
    side = len(mask)
    left, top = (int(np.clip(np.floor(value - reach), 0, side - 1)) for value in place)
    right, bottom = (int(np.clip(np.ceil(value + reach), 0, side)) for value in place)
    rows, columns = np.nonzero(mask[top:bottom, left:right])
    if not len(rows):
        return None
    distance = np.hypot(columns + left + 0.5 - place[0], rows + top + 0.5 - place[1])
    best = int(distance.argmin())
    if distance[best] > reach:
        return None
    return int(rows[best]) + top, int(columns[best]) + left


def _framed(
    house: Template, mesh: RigMesh, shapes: Mapping[str, Points], find: FindLandmarks
) -> _UprightHead:
    """Turn the head upright, its eyes level, as large as the template.

    Raises:
        FaceNotFoundError: no side of it shows a face.
    """
    moves = np.zeros(len(mesh.points), bool)
    for moved in shapes.values():
        way = np.linalg.norm(moved, axis=1)
        moves |= way > _STRONG * way.max()
    face = mesh.points[moves]
    for axes in mesh.fronts:
        low, high = (face @ axes.T).min(axis=0), (face @ axes.T).max(axis=0)
        middle, unit = (low + high) / 2 @ axes, float(high[1] - low[1]) / _REGION
        head = replace(
            _UprightHead.of(mesh, shapes, axes, middle, max(unit, 1e-12)), eye=0.15, eyes_at=0.5
        )
        found = find(head.picture(head.points))
        level = None if found is None else _levelled(house, shapes, head, found)
        if level is not None:
            return level
    raise _without_face(mesh)


def sides_to_look_from(
    house: Template,
    points: Float[np.ndarray, "vertices 3"],
    shapes: Mapping[str, Points],
    fronts: tuple[Float[np.ndarray, "3 3"], ...],
) -> tuple[Float[np.ndarray, "3 3"], ...]:
    """Return the axes in which a head may look, likeliest first.

    First come those in which its shapes move what the template's shapes of the same names move; of
    names that a viewer gave to the sides, those of the other side. Source: Kabsch, Acta
    Crystallographica A32 (1976), p. 922.

    Args:
        house: the template of this package.
        points: the head's vertices at rest.
        shapes: their motion, by ARKit name.
        fronts: axes that its format says, likeliest first; rows as of `RigMesh.fronts`.
    """
    own, theirs = _middles(points, shapes), _middles(house.rest.astype(float), house.shapes)
    mirrored = {mirrored_name(name): middle for name, middle in own.items()}
    fits = [fit for named in (own, mirrored) if (fit := _fitted(named, theirs)) is not None]
    fits.sort(key=lambda fit: fit[1])
    sides = [_as_in_file(axes, fronts) for axes, misfit in fits if misfit < _MOST_MISFIT]
    if len(sides) > 1 and fits[0][1] > _CLEAR * fits[1][1]:  # few shapes: it may be the back
        places = [next((k for k, one in enumerate(fronts) if one is axes), 99) for axes in sides]
        sides = [sides[k] for k in np.argsort(places, kind="stable")]
    return (*sides, *(one for one in fronts if not any(one is axes for axes in sides)))


def _middles(
    points: Float[np.ndarray, "vertices 3"], shapes: Mapping[str, Points]
) -> dict[str, Float[np.ndarray, "3"]]:
    """Return the place that each shape moves, weighted by the squares of its motion."""
    weights = {name: (moved**2).sum(axis=1) for name, moved in shapes.items()}
    return {name: own @ points / own.sum() for name, own in weights.items() if own.sum() > 0}


def _fitted(
    own: Mapping[str, Float[np.ndarray, "3"]], house: Mapping[str, Float[np.ndarray, "3"]]
) -> tuple[Float[np.ndarray, "3 3"], float] | None:
    """Return the axes that turn places onto those of the same names, and the share of these that is
    left; None where places are too few, or all in a line.
    """
    names = [name for name in own if name in house]
    if len(names) < _FEWEST_PLACES:
        return None
    given, wanted = (np.array([places[name] for name in names]) for places in (own, house))
    given, wanted = given - given.mean(axis=0), wanted - wanted.mean(axis=0)
    left, size, right = np.linalg.svd(wanted.T @ given)
    if size[1] < _LEAST_WIDE * size[0]:
        return None
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    misfit = 1 - (size @ signs) ** 2 / ((given**2).sum() * (wanted**2).sum())
    return (left * signs) @ right, float(misfit)


def _as_in_file(
    axes: Float[np.ndarray, "3 3"], fronts: tuple[Float[np.ndarray, "3 3"], ...]
) -> Float[np.ndarray, "3 3"]:
    """Return the axes of the file that are nearly these; these themselves if none are."""
    straight = np.rint(axes)
    is_turn = np.abs(straight).sum() == 3 and np.linalg.det(straight) > 0
    if not is_turn or (np.trace(axes @ straight.T) - 1) / 2 < _NEARLY:
        return axes
    return next((one for one in fronts if np.array_equal(one, straight)), straight)


def _levelled(
    house: Template, shapes: Mapping[str, Points], rough: _UprightHead, found: Landmarks
) -> _UprightHead | None:
    """Turn the head about its own front until its eyes are level; None if it has none."""
    marks = rough.lifted(rough.points, found)
    if not all(marks.kept[eye_rows(side)].any() for side in SIDES):
        return None
    right, left = (
        marks.at(rough.points)[eye_rows(side)[marks.kept[eye_rows(side)]]].mean(axis=0)
        for side in SIDES
    )
    own = [house.landmarks[eye_rows(side)].mean(axis=0) for side in SIDES]
    across = left - right
    wide = float(np.hypot(across[0], across[1]))
    if not wide > _LEAST_EYES:
        return None
    cos, sin = across[:2] / wide
    level = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    axes = level @ rough.axes
    unit = rough.unit * wide / float(np.linalg.norm(own[1] - own[0]))
    eyes = rough.origin + rough.unit * ((right + left) / 2 @ rough.axes)
    origin = eyes - unit * ((own[0] + own[1]) / 2 @ axes)
    return _UprightHead.of(rough.mesh, shapes, axes, origin, unit)


_SIDEWAYS: Final = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")


def with_own_sides(offsets: Mapping[str, Points], points: Points) -> dict[str, Points]:
    """Shapes with left and right as the head's own, +x being own left.

    Some files name the sides as a viewer sees them: then most one-sided shapes move the other side,
    and all are renamed.
    """
    votes = 0.0
    for name, moved in offsets.items():
        if not name.endswith(("Left", "Right")) or name in _SIDEWAYS:
            continue
        way = np.linalg.norm(moved, axis=1)
        if way.any():
            sign = 1 if name.endswith("Left") else -1
            votes += np.sign(sign * (way @ points[:, 0]))
    if votes >= 0:
        return dict(offsets)
    return {mirrored_name(name): moved for name, moved in offsets.items()}


def _without_face(mesh: RigMesh) -> FaceNotFoundError:
    return FaceNotFoundError(
        f"{mesh.name} shows no face from any side that was looked at, so its shapes cannot be "
        "laid on one. Expected a human-like head with eyes, nose and mouth; check that the file "
        "holds the head, and that each of its shapes moves what ARKit's shape of that name does.",
        kind="face-on-rig",
    )


def _without_shapes(mesh: RigMesh) -> MeshError:
    found = f"{len(mesh.unknown)} shapes of other names" if mesh.unknown else "no shapes at all"
    some = f" ({', '.join(mesh.unknown[:12])}{', …' if len(mesh.unknown) > 12 else ''})"
    return MeshError(
        f"{mesh.name} has {found}{some if mesh.unknown else ''}; expected ARKit's, such as "
        "jawOpen and mouthSmileLeft. Rename its shape keys to ARKit's names (in Blender, the table "
        "of This Character's Rig does), and export it with its shapes."
    )
