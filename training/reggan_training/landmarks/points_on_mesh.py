"""Dense landmarks of a head, as places on its mesh, found by looking at it from the front.

Lids are the edge of what is seen of the eyeballs, the inner lips that of the mouth's opening as the
jaw drops, outer lips and brows the edges of their regions: so every family of heads, and a user's
own, gets the same landmarks without a table of its vertices. What has no edge (cheeks, jaw, the
wings of the nose) is carried over from a mean head by a smooth map through the others.
`HeadSource` gives heads of several families with them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import COUNT, SIDES, rows_of
from reggan_training.data.identity_and_split import VALID_HELD_OUT, is_held_out
from reggan_training.heads.head import HeadFamily, HeadMesh, Part, Vertices, fit_sphere
from reggan_training.landmarks.front_view import (
    VIEW_PX,
    FrontView,
    OnSurface,
    Place,
    carried,
    halves,
    largest,
    middle_line,
    outline,
)

JAW_DROP: Final = 0.5
"""Weight of `jawOpen` by which lips part, so that their inner edges are seen."""
_IRIS_RAD: Final = 0.45
"""`HeadMesh.eye_angle` at which an iris ends."""
_ALONG_NOSE: Final = np.array([0.05, 0.33, 0.6, 0.85])[:, None]
"""Where the landmarks of the bridge are, from between the inner corners of the eyes to the tip."""
_CHIN: Final = 7
"""Of the landmarks of the jaw the one in the middle."""
_FREE: Final = {
    "cheek": ((0.95, -0.35), (0.62, -0.36), (0.33, -0.42), (0.85, -0.75), (0.55, -0.78),
              (0.68, -1.15)),
    "temple": ((1.0, 0.12), (0.86, 0.5)),
    "nostril": ((0.255, -0.66), (0.15, -0.74)),
    "jaw": ((1.05, -0.75), (1.0, -1.0), (0.93, -1.22), (0.82, -1.44), (0.66, -1.62),
            (0.46, -1.75), (0.24, -1.83)),
    "forehead": ((0.62, 0.72), (0.33, 0.8), (0.0, 0.82)),
}  # fmt: skip
"""Places without an edge of their own, on ICT's mean head: eye distances from the middle between
the eyes, outwards and up. x is mirrored for the other side."""
_UNDER_NOSE: Final = (0.0, -0.80)
SHARES: Final = {"ict": 0.36, "makehuman": 0.34, "valid": 0.30}
"""How often a head of each family is drawn."""
SHARE_OF_CHARACTER: Final = 0.30
"""How often one of a user's own heads is drawn, beside `SHARES`."""
MEAN_FAMILY: Final = "ict"
"""The family whose mean head has the landmarks that have no edge of their own."""
_TEXTURED: Final = 0.85
"""How often a head that has textures shows them."""
_NUMBERS: Final = 100_000
_PREFIXES: Final = {"ict": "ict", "makehuman": "mh"}
"""Of the names of identities, of families that sample them."""


@frozen(eq=False)
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
    rest: Vertices

    def at(self, vertices: Vertices) -> Float[np.ndarray, "points 3"]:
        """Landmarks of a state of the head."""
        points = (vertices[self.rows] * self.weights[..., None]).sum(axis=1)
        for side, (ball, iris) in self.eyes.items():
            before = np.column_stack([self.rest[ball], np.ones(len(ball))])
            affine = np.linalg.lstsq(before, vertices[ball], rcond=None)[0]
            moved = np.column_stack([iris, np.ones(len(iris))]) @ affine
            points[rows_of("iris", side)], points[rows_of("pupil", side)] = moved[:-1], moved[-1:]
        return points


def dense_points(
    head: HeadMesh, like: DensePoints | None = None, model: HeadMesh | None = None
) -> DensePoints:
    """Find the landmarks of a head.

    Args:
        head: whose mesh they are on.
        like: landmarks of a mean head; None if this is the mean head.
        model: that mean head.
    """
    view = FrontView(head, {})
    found = _Landmarks(head)
    for side, eye in (("right", head.right_eye_vertices), ("left", head.left_eye_vertices)):
        _find_lids(found, view, side, head.rest[eye].mean(axis=0))
        brow = view.onto_hair(middle_line(view.region("brows") * view.half(side), 9))
        found.keep(rows_of("brow", side), brow if side == "right" else brow[::-1], view)
    _find_lips(found, view)
    _find_profile(found, view)
    if like is None or model is None:
        free = _free_places(view)
    else:
        free = _places_like(found, view, like, model)
    for row, place in free.items():
        found.keep(np.array([row]), place[None], view)
    return found.landmarks()


class _Landmarks:
    """Landmarks of a head that were found so far, by row, in the order in which they were."""

    def __init__(self, head: HeadMesh) -> None:
        self._head = head
        self.surface: dict[int, OnSurface] = {}

    def keep(self, rows: Int[np.ndarray, " rows"], places: Place, view: FrontView) -> None:
        """Keep what a view shows at places."""
        for row, place in zip(rows, places, strict=True):
            self.surface[int(row)] = view.surface_at(place)

    def seen(self, rows: Int[np.ndarray, " rows"], view: FrontView) -> Place:
        """Pixels of landmarks at rest."""
        points = [self.surface[int(row)] for row in rows]
        rest = self._head.rest
        return np.array([view.place_of(weights @ rest[corners]) for corners, weights in points])

    def landmarks(self) -> DensePoints:
        """All of them."""
        rows, weights = np.zeros((COUNT, 3), int), np.zeros((COUNT, 3))
        for row, (corners, shares) in self.surface.items():
            rows[row], weights[row] = corners, shares
        eyes = {side: iris_of(self._head, side) for side in SIDES}
        return DensePoints(rows=rows, weights=weights, eyes=eyes, rest=self._head.rest)


def _find_lids(
    found: _Landmarks, view: FrontView, side: str, middle: Float[np.ndarray, "3"]
) -> None:
    loop = outline(view.opening_at(view.place_of(middle)))
    is_left = side == "left"
    upper, lower = halves(loop[::-1] if is_left else loop, 13, 11, flips=is_left)
    found.keep(rows_of("lid_upper", side), upper, view)
    found.keep(rows_of("lid_lower", side), lower, view)


def _find_lips(found: _Landmarks, view: FrontView) -> None:
    """Find the outer edges at rest, the inner ones with the jaw dropped."""
    head = view.head
    upper, lower = halves(outline(largest(view.region("lips") > 0.5)), 13, 11)
    found.keep(rows_of("lip_outer_upper"), upper, view)
    found.keep(rows_of("lip_outer_lower"), lower, view)
    dropped = FrontView(head, {"jawOpen": JAW_DROP})
    corners = head.rest[[head.mouth_right, head.mouth_left]]
    upper, lower = halves(outline(dropped.mouth_opening(corners)), 11, 9)
    found.keep(rows_of("lip_inner_upper"), upper, dropped)
    found.keep(rows_of("lip_inner_lower"), lower, dropped)


def _find_profile(found: _Landmarks, view: FrontView) -> None:
    """Bridge, tip of the nose, chin."""
    head = view.head
    tip, chin = view.place_of(head.rest[head.nose_tip]), view.place_of(head.rest[head.chin])
    inner_corners = np.array([rows_of("lid_upper", side)[-1] for side in SIDES])
    top = found.seen(inner_corners, view).mean(axis=0)
    found.keep(rows_of("bridge"), top + _ALONG_NOSE * (tip - top), view)
    found.keep(rows_of("nose")[:1], tip[None], view)
    found.keep(rows_of("jaw")[_CHIN : _CHIN + 1], chin[None], view)


def _free_places(view: FrontView) -> dict[int, Float[np.ndarray, "2"]]:
    """Pixels of the mean head's landmarks that have no edge of their own, by row."""
    origin = view.place_of(np.zeros(3))
    places: dict[int, Float[np.ndarray, 2]] = {}
    for name, own in _FREE.items():
        right = origin + view.eye_px * np.array(own) * [-1, -1]
        left = origin + view.eye_px * np.array(own) * [1, -1]
        if name in ("jaw", "forehead"):  # from side to side; the forehead's last is in the middle
            rows = rows_of(name)
            right_rows, left_rows = rows[: len(own)], rows[: -len(rows) // 2 : -1]
        else:
            right_rows, left_rows = rows_of(name, "right"), rows_of(name, "left")
        places |= {int(row): place for row, place in zip(right_rows, right, strict=True)}
        places |= {int(row): place for row, place in zip(left_rows, left, strict=False)}
    places[int(rows_of("nose")[1])] = origin + view.eye_px * np.array(_UNDER_NOSE) * [1, -1]
    return places


def _places_like(
    found: _Landmarks, view: FrontView, like: DensePoints, model: HeadMesh
) -> dict[int, Float[np.ndarray, "2"]]:
    """Pixels of the landmarks that have no edge of their own, carried over from a mean head."""
    other = FrontView(model, {})
    template = other.place_of(like.at(model.rest))
    firm = {int(row) for row in _firm_rows()}
    controls = [row for row in found.surface if row in firm]
    start = np.concatenate([template[controls], other.sides()])
    end = np.concatenate([found.seen(np.array(controls), view), view.sides()])
    irises = {
        int(row) for name in ("iris", "pupil") for side in SIDES for row in rows_of(name, side)
    }
    wanted = [row for row in range(COUNT) if row not in found.surface and row not in irises]
    return dict(zip(wanted, carried(template[wanted], start, end, VIEW_PX), strict=True))


def _firm_rows() -> Int[np.ndarray, " rows"]:
    """Landmarks whose places are sure enough to carry others along."""
    names = [(name, side) for name in ("lid_upper", "brow") for side in SIDES]
    middle = ("lip_outer_upper", "lip_outer_lower", "bridge", "nose", "jaw")
    names += [(name, "middle") for name in middle]
    return np.concatenate([rows_of(*name) for name in names])


def iris_of(
    head: HeadMesh, side: str, size: float = 1.0
) -> tuple[Int[np.ndarray, " ball"], Float[np.ndarray, "iris 3"]]:
    """Find an eyeball's vertices, and the eight landmarks of its iris' edge and its middle.

    Args:
        head: whose, at rest.
        side: `right` or `left`.
        size: of the iris, in parts of a usual one's.
    """
    sign = 1 if side == "left" else -1
    ball = _eyeball(head, sign)
    points = head.rest[ball].astype(float)
    centre, _ = fit_sphere(points)
    angle = head.eye_angle[ball] * size
    near = angle < max(0.5, float(np.sort(angle)[min(8, len(angle) - 1)]) + 1e-3)
    axis = (points[near] - centre).mean(axis=0)
    radius = float(np.median(np.linalg.norm(points[near] - centre, axis=1)))
    axis /= np.linalg.norm(axis)
    outward = np.array([sign, 0.0, 0.0]) - sign * axis[0] * axis
    outward /= np.linalg.norm(outward)
    upward = np.cross(axis, outward) * sign
    turn = np.arange(8)[:, None] * np.pi / 4
    ring = np.cos(turn) * outward + np.sin(turn) * upward
    edge = np.cos(_IRIS_RAD * size) * axis + np.sin(_IRIS_RAD * size) * ring
    return ball, np.concatenate([centre + radius * edge, (centre + radius * axis)[None]])


def _eyeball(head: HeadMesh, sign: int) -> Int[np.ndarray, " ball"]:
    is_eye = np.zeros(len(head.rest), bool)
    is_eye[head.triangles[head.parts == Part.EYE]] = True
    return np.flatnonzero(is_eye & (sign * head.rest[:, 0] > 0))


class HeadSource:
    """Heads of several families with their landmarks.

    Args:
        families: by name; `ict` is one, for its mean head.
        shares: how often each is drawn, in parts of their sum.
        seed: of the identities.
        held_out: give held-out identities instead of those for training.

    Attributes:
        mean: ICT FaceKit's mean head.
        mean_points: its landmarks.
    """

    def __init__(
        self,
        families: Mapping[str, HeadFamily],
        shares: Mapping[str, float],
        seed: int,
        *,
        held_out: bool,
    ) -> None:
        self._families, self._seed, self._held_out = families, seed, held_out
        self._names = [name for name in families if shares.get(name, 0) > 0]
        total = sum(shares[name] for name in self._names)
        self._shares = [shares[name] / total for name in self._names]
        mean = families[MEAN_FAMILY].head(f"{MEAN_FAMILY}-{seed}-00000")
        self.mean = replace(mean, rest=mean.canonical)
        self.mean_points = dense_points(self.mean)
        self._found: dict[tuple[str, bool], DensePoints] = {}

    def heads(self, random: np.random.Generator) -> Iterator[tuple[HeadMesh, DensePoints]]:
        """Heads without end."""
        while True:
            family = str(random.choice(self._names, p=self._shares))
            identity = self._identity(family, random)
            yield self.head(family, identity, shows_texture=random.random() < _TEXTURED)

    def head(
        self, family: str, identity: str, *, shows_texture: bool = True
    ) -> tuple[HeadMesh, DensePoints]:
        """One head by name; without its texture brows lie where a look paints them."""
        head = self._families[family].head(identity)
        if not shows_texture:
            head = replace(head, textures=())
        # identities of a family that samples them share a mesh
        key = (family if family in _PREFIXES else identity, bool(head.textures))
        if key not in self._found:
            is_mean = family == MEAN_FAMILY
            self._found[key] = (
                self.mean_points if is_mean else dense_points(head, self.mean_points, self.mean)
            )
        eyes = {side: iris_of(head, side) for side in SIDES}
        return head, replace(self._found[key], eyes=eyes, rest=head.rest)

    def _identity(self, family: str, random: np.random.Generator) -> str:
        if family == "valid":
            names = self._families[family].identities(None, 0)
            is_wanted = [name for name in names if (name in VALID_HELD_OUT) == self._held_out]
            return str(random.choice(is_wanted))
        if family not in _PREFIXES:  # a user's own head: a family of one
            return self._families[family].identities(None, 0)[0]
        while True:
            number = int(random.integers(_NUMBERS))
            name = f"{_PREFIXES[family]}-{self._seed}-{number:05d}"
            if is_held_out(family, name) == self._held_out:
                return name
