"""The template, a mean face with ARKit's shapes, and how it is laid over a face, in closed form.

Its unit: eye distances; axes: x to the head's own left, y up, z to the front; origin: the middle
between the eyes. Built by `reggan_training.rig.build_template`.

The map from its space to the picture is affine plus a biharmonic part through the landmarks. It is
the mean of a Gaussian process whose noise at each landmark is what the network says, so it is
linear in the landmarks: a ridge regression with one small system to solve.

Source: Duchon, Splines minimizing rotation-invariant semi-norms, 1977; Wahba, Spline Models for
Observational Data, 1990, section 2.4 (smoothing splines as ridge regression).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import solve_equations, sum_distances
from reggan_plugin.rig.dense_landmarks import COUNT, LIP_PAIRS, SIDES, eye_rows, rows_of

_LOWER: Final = 0.4
"""Share of the jaw's motion from which on a vertex beside the mouth goes with the jaw."""
CONVENTIONS: Final = ("ict", "makehuman", "valid")
"""Families of rigs whose shapes the template knows."""


@frozen(eq=False)
class Template:
    """Mesh of a face that moves.

    Attributes:
        rest: vertices at neutral.
        triangles: counter-clockwise from outside.
        shapes: motion of the vertices at weight 1, by ARKit name: the mean of the conventions.
        conventions: what each family of rigs means by a shape, less that mean, in the order of
            `CONVENTIONS`; by ARKit name. Empty where the shapes are a character's own.
        rows, weights: three vertices and their weights for each landmark of `rig.dense_landmarks`.
        landmarks: the landmarks at rest, irises on the eyeballs.
        jaw: how far each vertex goes with the jaw, 0 to 1.
        keep: 1 on the face, falling to 0 beyond its outline.
    """

    rest: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    shapes: Mapping[str, Float[np.ndarray, "vertices 3"]]
    conventions: Mapping[str, Float[np.ndarray, "conventions vertices 3"]]
    rows: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    landmarks: Float[np.ndarray, "points 3"]
    jaw: Float[np.ndarray, " vertices"]
    keep: Float[np.ndarray, " vertices"]

    def displacement(self, weights: Mapping[str, float]) -> Float[np.ndarray, "vertices 3"]:
        """Motion of the vertices for ARKit weights; names that are missing are 0."""
        total = np.zeros_like(self.rest)
        for name, weight in weights.items():
            if weight and name in self.shapes:
                total += np.float32(weight) * self.shapes[name]
        return total

    def conventions_of(
        self, weights: Mapping[str, float]
    ) -> Float[np.ndarray, "conventions vertices 3"]:
        """Return what each convention adds to `displacement` for ARKit weights."""
        total = np.zeros((len(CONVENTIONS), *self.rest.shape), np.float32)
        for name, weight in weights.items():
            if weight and name in self.conventions:
                total += np.float32(weight) * self.conventions[name]
        return total

    def at_landmarks(
        self, values: Float[np.ndarray, "vertices channels"]
    ) -> Float[np.ndarray, "points channels"]:
        """Values of vertices at the landmarks (of irises: those of the first vertex)."""
        return np.einsum("pk,pkc->pc", self.weights, values[self.rows]).astype(np.float32)


class _ByName(Mapping[str, Float[np.ndarray, "..."]]):
    """Arrays that are made when they are first asked for: an expression takes few of fifty."""

    def __init__(
        self, names: Sequence[str], make: Callable[[int], Float[np.ndarray, "..."]]
    ) -> None:
        self._rows, self._made = {name: row for row, name in enumerate(names)}, cache(make)

    def __getitem__(self, name: str) -> Float[np.ndarray, "..."]:
        return self._made(self._rows[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@cache
def template() -> Template:
    """Return the template of this package, read when first asked for."""
    with np.load(Path(__file__).with_name("template.npz")) as arrays:
        stored, scales = arrays["shapes"], arrays["scales"]
        names = [str(name) for name in arrays["names"]]

        def meant(row: int) -> Float[np.ndarray, "conventions vertices 3"]:
            return stored[:, row].astype(np.float32) * scales[row]

        def mean(row: int) -> Float[np.ndarray, "vertices 3"]:
            return np.asarray(meant(row).mean(axis=0))

        return Template(
            rest=arrays["rest"],
            triangles=arrays["triangles"].astype(np.int64),
            shapes=_ByName(names, mean),
            conventions=_ByName(names, lambda row: meant(row) - mean(row)),
            rows=arrays["landmark_rows"].astype(np.int64),
            weights=arrays["landmark_weights"],
            landmarks=arrays["landmark_rest"],
            jaw=arrays["jaw"] / np.float32(255),
            keep=arrays["keep"] / np.float32(255),
        )


@cache  # a template is compared by identity
def is_lower(template: Template) -> Bool[np.ndarray, " vertices"]:
    """Vertices that go with the jaw rather than with the skull.

    At the mouth's line lips touch, and towards its corners the jaw moves them less and less: which
    lip a vertex is of is told there by what it moves of both.
    """
    upper, lower = LIP_PAIRS
    moved = template.at_landmarks(template.jaw[:, None])[:, 0]
    x = template.landmarks[upper, 0]
    order = np.argsort(x)
    between = (moved[upper] + moved[lower])[order] / 2
    bound = np.interp(template.rest[:, 0], x[order], between, left=_LOWER, right=_LOWER)
    return template.jaw >= bound


_SPREAD: Final = 0.1
"""How far heads differ from the affine image of the mean one: deviation in eye distances between
places that are one eye distance apart. A choice that was not tuned."""
_LEAST_SIGMA: Final = 0.003
_SOFT: Final = 0.01
"""Eye distances over which the kernel is rounded, so that it has a slope at the landmarks."""
_TIGHT: Final = {"lid_upper": 0.5, "lid_lower": 0.5, "lip_outer_upper": 0.7, "lip_outer_lower": 0.7}
"""Factors on the noise where the eye sees least errors."""
_SMOOTH: Final = 0.25
"""Noise of the landmarks for the map that motion goes through, eye distances. A lip that is twice
as thick opens no further: with its own convention, 28 held-out heads' landmarks of the lips have
0.975 of their true motion explained (0.962 through the map that goes through the landmarks), lids
0.951 (0.927), chins turned by 30° 0.91 (0.82); from 0.1 to 0.4 these change by 0.01."""
_SHUTS, _OPEN = 0.25, 0.75
"""Shares of an opening that are left, from which on it counts as shut, and as not closing."""
_NO_GAP: Final = 0.03
"""Eye distances between edges that count as none."""
_NEAR: Final = 0.12
"""Eye distances from an edge over which motion closes in on the other one."""


Rows = Int[np.ndarray, "..."]
"""Of landmarks."""


@frozen(eq=False)
class FaceMap:
    """Map from the template's space to the crop.

    Attributes:
        anchors: of the kernel, in the template's space.
        warp: weights of the kernel, in parts of the crop's side.
        affine: from (x, y, z, 1) to the crop.
        towards: the crop's depth axis in the template's space: larger is nearer. Its length is
            that of an eye distance in parts of the crop's side.
    """

    anchors: Float[np.ndarray, "anchors 3"]
    warp: Float[np.ndarray, "anchors 2"]
    affine: Float[np.ndarray, "4 2"]
    towards: Float[np.ndarray, "3"]

    def __call__(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Places of points: x and y in parts of the crop's side, y down, and their nearness."""
        return self.bent_by(points, sum_distances(points, self.anchors, self.warp, _SOFT))

    def bent_by(
        self, points: Float[np.ndarray, "points 3"], bent: Float[np.ndarray, "points 2"]
    ) -> Float[np.ndarray, "points 3"]:
        """Return what calling the map does, where the sum of its kernel is known."""
        points = points.astype(np.float32, copy=False)
        flat = points @ self.affine[:3] + self.affine[3] - bent
        return np.column_stack([flat, points @ self.towards])

    @cached_property
    def eye(self) -> float:
        """An eye distance in parts of the crop's side."""
        return float(np.linalg.norm(self.towards))


class Placed(NamedTuple):
    """Places of points in the crop by both maps of a `Fit`."""

    by_map: Float[np.ndarray, "points 3"]
    by_smooth: Float[np.ndarray, "points 3"]


@frozen(eq=False)
class Fit:
    """A face as the template sees it.

    Attributes:
        map: from the template's space to the crop.
        smooth: a stiffer map between them, which misses the landmarks: motion goes through it.
        worn: motion of the template's vertices that the source wears: a mouth that is open, and
            what it is known to show.
        jaw_open: weight of `jawOpen` in it.
    """

    map: FaceMap
    smooth: FaceMap
    worn: Float[np.ndarray, "vertices 3"]
    jaw_open: float

    def moved(
        self,
        points: Float[np.ndarray, "points 3"],
        change: Float[np.ndarray, "points 3"],
        closing: Float[np.ndarray, " points"],
    ) -> Float[np.ndarray, "points 3"]:
        """Places of points in the crop after a change, as `FaceMap` gives them.

        Motion keeps the size that it has on the head at large. Where edges meet in the template's
        space they have to meet in the picture: there the points go where the map takes them.

        Args:
            points: in the template's space, before it.
            change: of the points.
            closing: 1 where edges meet, 0 where motion keeps its size; see `closing_edges`.
        """
        return self.moved_on(self.placed(points), points + change, closing)

    def placed(self, points: Float[np.ndarray, "points 3"]) -> Placed:
        """Places of points before a change, for `moved_on`."""
        warps = np.column_stack([self.map.warp, self.smooth.warp])
        bent = sum_distances(points, self.map.anchors, warps, _SOFT)
        return Placed(
            *(
                one.bent_by(points, own)
                for one, own in zip(
                    (self.map, self.smooth), (bent[:, :2], bent[:, 2:]), strict=True
                )
            )
        )

    def moved_on(
        self,
        start: Placed,
        points: Float[np.ndarray, "points 3"],
        closing: Float[np.ndarray, " points"],
    ) -> Float[np.ndarray, "points 3"]:
        """Return what `moved` does, for several changes of the same points.

        Args:
            start: of the points before the change.
            points: in the template's space, after it.
            closing: see `moved`.
        """
        there, stiff = self.placed(points)
        kept = start.by_map[:, :2] + (stiff - start.by_smooth)[:, :2]
        there[:, :2] = kept + closing[:, None] * (there[:, :2] - kept)
        return there


def fit(
    template: Template,
    places: Float[np.ndarray, "points 2"],
    sigma: Float[np.ndarray, " points"],
    shown: Mapping[str, float] = MappingProxyType({}),
) -> Fit:
    """Lay the template over the landmarks of a face.

    Args:
        template: what is laid.
        places: of the landmarks, in parts of the crop's side.
        sigma: their standard deviations, likewise.
        shown: weights of shapes that the source wears, beside those that hold its mouth open; what
            is not named counts as its own build.
    """
    eye = np.linalg.norm(places[eye_rows("left")].mean(0) - places[eye_rows("right")].mean(0))
    worn = {**shown, **worn_mouth(template, places, shown)}
    displacement = template.displacement(worn)
    anchors = template.landmarks + template.at_landmarks(displacement)
    pairs, targets, noise = _anchored(places, sigma / max(float(eye), 1e-6))
    anchors = _mean_of(anchors, pairs)
    return Fit(
        map=face_map(anchors, targets, noise),
        smooth=face_map(anchors, targets, np.full_like(noise, _SMOOTH)),
        worn=displacement,
        jaw_open=worn.get("jawOpen", 0.0),
    )


def closing_edges(
    template: Template, laid: Fit, change: Float[np.ndarray, "vertices 3"]
) -> Float[np.ndarray, " vertices"]:
    """How far each vertex belongs to lids or lips that a change shuts, 0 to 1.

    Args:
        template: that is laid over a face.
        laid: how.
        change: of its vertices.
    """
    marks = template.landmarks + template.at_landmarks(laid.worn)
    before = laid.map(marks)[:, :2]
    after = laid.map(marks + template.at_landmarks(change))[:, :2]
    start, end = (
        np.array([np.linalg.norm(at[u] - at[v], axis=1).max() for u, v in _edges()]) / laid.map.eye
        for at in (before, after)
    )
    shut = 1 - np.interp(end / np.maximum(start, 1e-6), (_SHUTS, _OPEN), (0, 1))
    lids, lips = slice(0, 2), 2
    is_shut = np.interp(start, (_NO_GAP, 2 * _NO_GAP), (1, 0))
    shut[lids] = np.maximum(shut, is_shut)[lids]  # lids that are shut stay so
    shut[lips] *= start[lips] >= _NO_GAP  # closed lips may part
    return np.max(_near_edges(template) * shut[:, None].astype(np.float32), axis=0)


def _edges() -> list[tuple[Rows, Rows]]:
    """Upper and lower landmarks of both eyes' lids and of the lips, in pairs."""
    lids = [(rows_of("lid_upper", s)[1:-1], rows_of("lid_lower", s)[::-1]) for s in SIDES]
    return [*lids, (LIP_PAIRS[0], LIP_PAIRS[1])]


@cache  # a template is compared by identity
def _near_edges(template: Template) -> Float[np.ndarray, "openings vertices"]:
    """1 on the edges of each opening, 0 away from them."""
    marks = [template.landmarks[np.concatenate(pair)] for pair in _edges()]
    # by axis: a sum over three values takes ten times as long
    away = [
        [(template.rest[:, axis] - one[:, axis, None]) ** 2 for axis in range(3)] for one in marks
    ]
    square = [(across + down + deep).min(axis=0) for across, down, deep in away]
    return np.exp(-np.stack(square) / _NEAR**2).astype(np.float32)


def face_map(
    anchors: Float[np.ndarray, "anchors 3"],
    targets: Float[np.ndarray, "anchors 2"],
    noise: Float[np.ndarray, " anchors"],
) -> FaceMap:
    """Solve for the smooth map from anchors to targets.

    Args:
        anchors: in the template's space.
        targets: in parts of the crop's side.
        noise: deviations of the targets, in eye distances.
    """
    count = len(anchors)
    flat = np.column_stack([anchors, np.ones(count)])
    certain = 1 / (noise + 0.02) ** 2  # what the pose is read from, before the bending
    normal = flat.T * certain
    affine = np.linalg.solve(normal @ flat + 1e-6 * np.eye(4) * certain.sum(), normal @ targets)
    size = (anchors**2).sum(1)
    square = np.maximum(size[:, None] + size - 2 * anchors @ anchors.T, 0)
    rounded = np.sqrt(square + square.dtype.type(_SOFT**2))
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = -rounded + np.diag((noise / _SPREAD) ** 2)
    system[:count, count:], system[count:, :count] = flat, flat.T
    system[count:, count:] = -1e-6 * np.eye(4)
    solved = solve_equations(system, np.concatenate([targets - flat @ affine, np.zeros((4, 2))]))
    affine = affine + solved[count:]
    right, down = affine[:3, 0], affine[:3, 1]
    nearer = -np.cross(right, down)
    nearer *= np.sqrt(np.linalg.norm(right) * np.linalg.norm(down)) / max(
        np.linalg.norm(nearer), 1e-9
    )
    return FaceMap(
        anchors=anchors.astype(np.float32),
        warp=solved[:count].astype(np.float32),
        affine=affine.astype(np.float32),
        towards=nearer.astype(np.float32),
    )


def _anchored(
    places: Float[np.ndarray, "points 2"], sigma: Float[np.ndarray, " points"]
) -> tuple[tuple[Rows, Rows], Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """Landmarks that the map goes through: each row twice, or two of closed lips as one."""
    left_out = {int(r) for n in ("iris", "pupil") for s in SIDES for r in rows_of(n, s)}
    factor = np.ones(COUNT)
    for name, own in _TIGHT.items():
        for side in SIDES if name.startswith("lid") else ("middle",):
            factor[rows_of(name, side)] = own
    noise = np.maximum(sigma * factor, _LEAST_SIGMA)
    eye = np.linalg.norm(places[eye_rows("left")].mean(0) - places[eye_rows("right")].mean(0))
    shut = {
        int(u): int(v) for u, v in LIP_PAIRS.T if np.linalg.norm(places[u] - places[v]) < 0.02 * eye
    }
    shut_on = set(shut.values())
    one = np.array([row for row in range(COUNT) if row not in left_out and row not in shut_on])
    pairs = one, np.array([shut.get(int(row), int(row)) for row in one])
    return pairs, _mean_of(places, pairs), _mean_of(noise, pairs)


def _mean_of(
    values: Float[np.ndarray, "points ..."], pairs: tuple[Rows, Rows]
) -> Float[np.ndarray, "n ..."]:
    return (values[pairs[0]] + values[pairs[1]]) / 2


_MOUTH: Final = ("jawOpen", "mouthLowerDown", "mouthUpperUp")


def worn_mouth(
    template: Template,
    places: Float[np.ndarray, "points 2"],
    shown: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, float]:
    """Weights of the shapes that hold the source's mouth open, from the gap between its lips.

    A map through closed lips cannot part them; so the template's own mouth is opened first.
    """
    upper, lower = LIP_PAIRS
    corners = rows_of("lip_inner_upper")[[0, -1]]
    wide = max(float(np.linalg.norm(places[corners[1]] - places[corners[0]])), 1e-6)
    gap = np.linalg.norm(places[lower] - places[upper], axis=1) / wide
    if gap.max() < 0.04:
        return {}
    rest = template.landmarks
    if shown:
        rest = rest + template.at_landmarks(template.displacement(shown))
    scale = float(np.linalg.norm(rest[corners[1]] - rest[corners[0]]))
    columns = []
    for name in _MOUTH:
        both = [name] if name in template.shapes else [name + "Left", name + "Right"]
        moved = template.at_landmarks(template.displacement(dict.fromkeys(both, 1.0)))
        columns.append((moved[upper, 1] - moved[lower, 1]) / scale)
    own = np.maximum(rest[upper, 1] - rest[lower, 1], 0) / scale
    system = np.stack(columns, axis=1)
    ridge = np.diag([0.05, 0.3, 0.3]) * np.abs(system).mean() * len(gap) * 0.1
    weights = np.linalg.solve(system.T @ system + ridge, system.T @ (gap - own))
    used: Bool[np.ndarray, " shapes"] = weights > 0.02
    if not used.any():
        return {}
    weights = np.zeros(len(_MOUTH))
    part = system[:, used]
    weights[used] = np.linalg.solve(part.T @ part + ridge[np.ix_(used, used)], part.T @ (gap - own))
    found: dict[str, float] = {}
    for name, weight in zip(_MOUTH, np.clip(weights, 0.0, 1.2), strict=True):
        for full in [name] if name in template.shapes else [name + "Left", name + "Right"]:
            found[full] = float(weight)
    return found
