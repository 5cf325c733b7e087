"""Build the template: a thinned mean head whose shapes are the average of what families mean.

    python -m reggan_training.rig.build_template --ict NPZ --makehuman DIR --face-units DIR \
--valid DIR --out reggan_plugin/rig/template.npz

The mesh is ICT FaceKit's mean face (MIT), thinned by edge collapses that keep the rims of lids and
lips. Every other family's mean head is laid on it by its dense landmarks, as its lips and lids are
apart, and lends the motion of its shapes: rigs mean motions by the same name that differ by factors
of two, so a shape's motion here is the mean over families (the *house convention*). Blinks are
ICT's, made to meet exactly.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.frozen import frozen
from reggan_plugin.kernels.shapes import face_normals, vertex_normals
from reggan_plugin.rig.dense_landmarks import COUNT, SIDES, rows_of
from reggan_plugin.rig.lid_shapes import (
    LASH_SHAPES,
    Rows,
    Weights,
    closed_lids,
    marks_on,
    with_lash_band,
)
from reggan_plugin.rig.motion_from_other_mesh import carried, inverse_squares, nearest_vertices
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name
from reggan_training.commands.options import (
    FILE_TO_WRITE,
    OpenFamilies,
    family_options,
    report_line,
)
from reggan_training.heads.head import HeadFamily, HeadMesh, Part, distance_to_line, inside_polygon
from reggan_training.landmarks.points_on_mesh import (
    JAW_DROP,
    MEAN_FAMILY,
    DensePoints,
    dense_points,
)
from reggan_training.training_run import write_arrays

Points = Float[np.ndarray, "_ 3"]
Faces = Int[np.ndarray, "_ 3"]
_MOST_ROUNDS: Final = 60
_LEAST_COSINE: Final = 0.5
"""Of the angle by which a triangle may turn."""
_MEAN_HEAD: Final = "ict-5-00000"
_LENDERS: Final = {
    "makehuman": ("mh-5-00002", "mh-5-00007", "mh-5-00011"),
    "valid": ("Asian_F_2", "Black_M_1", "Hispanic_F_1", "White_M_2"),
}
"""Heads of other families whose mean motion counts."""
_OWN: Final = ("eyeBlink",)
"""Shapes that are ICT's alone."""
_CHIN: Final = slice(3, 12)
"""Landmarks of the jaw along which edges are short: they are the chin's outline before a neck."""
_LEAST_MOTION: Final = 0.005
"""Eye distances; of a family whose shape moves less, it does not count."""
_FEATHER, _FEATHER_ABOVE = 0.35, 0.14
"""Eye distances beyond the face's outline over which motion fades: under the jaw, where the neck
follows it, and beside and above the face, where hair begins, which does not."""


def thinned(
    points: Points,
    faces: Faces,
    wanted: Float[np.ndarray, " points"],
    *,
    frozen: Bool[np.ndarray, " points"],
) -> tuple[Int[np.ndarray, " kept"], Faces]:
    """Collapse edges that are shorter than wanted, the shortest by that measure first.

    A vertex goes onto its neighbour; borders stay, and no triangle turns over.

    Args:
        points: of the mesh.
        faces: of the mesh.
        wanted: length of the edges around each point.
        frozen: points that stay where they are.

    Returns:
        The rows of the points that are kept, and the faces between them by their new rows.
    """
    mesh = _Mesh(points, faces, frozen)
    for _ in range(_MOST_ROUNDS):
        if not mesh.collapse_once(wanted):
            break
    kept, dense = np.unique(mesh.faces[mesh.alive], return_inverse=True)
    return kept, dense.reshape(-1, 3)


class _Mesh:
    """A mesh whose edges are collapsed in rounds: in each no two that touch."""

    def __init__(self, points: Points, faces: Faces, frozen: Bool[np.ndarray, " points"]) -> None:
        self._points, self._frozen = points, frozen
        self.faces, self.alive = faces.copy(), np.ones(len(faces), bool)
        self._around: dict[int, list[int]] = {}
        self._fixed = frozen

    def collapse_once(self, wanted: Float[np.ndarray, " points"]) -> bool:
        """Do one round; False if there was nothing to do."""
        edges = self._look_around()
        length = np.linalg.norm(self._points[edges[:, 0]] - self._points[edges[:, 1]], axis=1)
        ratio = length / wanted[edges].mean(axis=1)
        touched = np.zeros(len(self._points), bool)
        order = np.argsort(ratio)
        for start, end in edges[order[ratio[order] <= 1]].tolist():
            if not (touched[start] or touched[end]):
                touched[self._collapse(start, end)] = True
        return bool(touched.any())

    def _look_around(self) -> Int[np.ndarray, "edges 2"]:
        """Note which faces are around each point and which points are fixed; list the edges."""
        alive = self.faces[self.alive]
        ends = np.concatenate([alive[:, [0, 1]], alive[:, [1, 2]], alive[:, [2, 0]]])
        edges, number = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
        self._fixed = self._frozen.copy()
        self._fixed[edges[number == 1]] = True
        self._around = {}
        for row in np.flatnonzero(self.alive).tolist():
            for corner in self.faces[row].tolist():
                self._around.setdefault(corner, []).append(row)
        return edges

    def _collapse(self, start: int, end: int) -> list[int]:
        """Move one end of an edge onto the other; the points that this touches, if it may be."""
        if self._fixed[start]:
            start, end = end, start
        if self._fixed[start]:
            return []
        around, ring = self._around[start], self._ring(start)
        if len(ring & self._ring(end)) != 2:
            return []
        before = self.faces[around]
        after = np.where(before == start, end, before)
        if self._turns_over(before, after, ~(before == end).any(axis=1)):
            return []
        self.faces[around] = after
        self.alive[np.array(around)[(after == end).sum(axis=1) > 1]] = False
        return [*ring, start, end]

    def _ring(self, point: int) -> set[int]:
        return set(self.faces[self._around[point]].ravel().tolist()) - {point}

    def _turns_over(self, before: Faces, after: Faces, stays: Bool[np.ndarray, " faces"]) -> bool:
        old, new = (
            face_normals(self._points, before[stays]),
            face_normals(self._points, after[stays]),
        )
        sizes = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
        cosine = (old * new).sum(axis=1) / np.maximum(sizes, 1e-12)
        return bool((cosine < _LEAST_COSINE).any())


def lent_motion(
    lender: HeadMesh,
    mean: HeadMesh,
    found: DensePoints,
    rows: Int[np.ndarray, " kept"],
    triangles: Faces,
) -> dict[str, Points]:
    """Motion of each of a head's shapes at weight 1, eye distances.

    The mean head is laid on the other by their landmarks as lips and lids are apart.

    Args:
        lender: the other head.
        mean: the head that the template is of.
        found: its landmarks.
        rows: its vertices that the template keeps.
        triangles: of the template.
    """
    drop = {"jawOpen": JAW_DROP}
    there, here = lender.vertices(drop), mean.vertices(drop)
    marks = dense_points(lender, found, mean).at(there)
    points = here[rows].astype(float)
    onto = carried(points, found.at(here).astype(float), marks.astype(float))
    normals = vertex_normals(points, triangles)
    skin = lender.triangles[lender.parts == Part.SKIN]
    near, weight = nearest_vertices(onto, normals, there.astype(float), skin)
    lent = {}
    for name in lender.controls:
        lent[name] = (lender.motion_of(name)[near] * weight[..., None]).sum(axis=1)
    return lent


def symmetric(
    rest: Points, shapes: Mapping[str, Points], drop: Float[np.ndarray, " points"]
) -> dict[str, Points]:
    """Shapes of which each mirrors its twin; ones of the middle mirror themselves.

    `drop`: how far each vertex goes up as the jaw opens, which tells one lip from the other.
    """
    flip = np.array([-1.0, 1.0, 1.0])
    lips_apart = np.abs(drop[:, None] - drop[None])  # a twin is on the same lip
    distance = np.linalg.norm(rest[:, None] - (rest * flip)[None], axis=2) + 2 * lips_apart
    near = np.argsort(distance, axis=1)[:, :3]
    weight = inverse_squares(np.take_along_axis(distance, near, 1))
    return {
        name: (own + (shapes[mirrored_name(name)][near] * weight[..., None]).sum(1) * flip) / 2
        for name, own in shapes.items()
    }


@click.command()
@family_options
@click.option("--out", type=FILE_TO_WRITE, required=True)
@verbose_option
def main(open_families: OpenFamilies, out: Path) -> None:
    """Build the template from ICT FaceKit, MakeHuman and VALID heads."""
    families = {family.name: family for family in open_families()}
    missing = [name for name in ("ict", *_LENDERS) if name not in families]
    if missing:
        raise click.UsageError(f"The template needs all three families; missing: {missing}.")
    arrays = template_arrays(families)
    write_arrays(out, arrays, is_compressed=False)  # a start would unpack it for 11 ms
    vertices, triangles = len(arrays["rest"]), len(arrays["triangles"])
    click.echo(f"{out}: {vertices} vertices, {triangles} triangles, {out.stat().st_size} bytes")


def template_arrays(families: Mapping[str, HeadFamily]) -> dict[str, np.ndarray]:
    """Return what the file holds: see `reggan_plugin.rig.template_fit`.

    `families` are `ict`, `makehuman` and `valid`, by name.
    """
    ict = families["ict"].head(_MEAN_HEAD)
    mean = replace(ict, rest=ict.canonical)
    found = dense_points(mean)
    skin = _thinned_face(mean, found)
    rest = mean.rest[skin.rows].astype(float)
    rows, weights = _marks_on_skin(mean, found, skin)
    keep = _feather(rest, rows, weights)
    meant = _conventions(families, mean, found, skin)
    drop = meant[MEAN_FAMILY]["jawOpen"][:, 1]
    conventions = {name: _finished(rest, own, drop, rows, weights) for name, own in meant.items()}
    deltas = np.stack(
        [
            np.stack([own[name] * keep[:, None] for name in ARKIT_SHAPES])
            for own in conventions.values()
        ]
    )
    scale = np.abs(deltas).max(axis=(0, 2, 3))
    lowered = -np.mean([own["jawOpen"][:, 1] for own in conventions.values()], axis=0)
    return {
        "rest": rest.astype(np.float32),
        "triangles": skin.triangles.astype(np.uint16),
        "shapes": np.round(deltas / scale[:, None, None] * 32767).astype(np.int16),
        "scales": (scale / 32767).astype(np.float32),
        "names": np.array(ARKIT_SHAPES),
        "conventions": np.array(list(conventions)),
        "landmark_rows": rows.astype(np.uint16),
        "landmark_weights": weights.astype(np.float32),
        "landmark_rest": found.at(mean.rest).astype(np.float32),
        "jaw": _bytes(np.clip(lowered / max(1e-6, lowered.max()), 0, 1)),
        "keep": _bytes(keep),
    }


@frozen(eq=False)
class _Skin:
    """The template's mesh.

    Attributes:
        rows: vertices of the mean head that are kept.
        triangles: between these, by their place among them.
    """

    rows: Int[np.ndarray, " kept"]
    triangles: Faces


def _thinned_face(mean: HeadMesh, found: DensePoints) -> _Skin:
    """Thin the face's skin away from lids and lips."""
    middle = mean.rest[mean.triangles].mean(axis=1)
    is_face = (mean.parts == Part.SKIN) & (middle[:, 2] > -0.9)
    is_face &= (middle[:, 1] > -2.35) & (middle[:, 1] < 1.25)
    triangles = mean.triangles[is_face]
    used = np.unique(triangles)
    place = np.full(len(mean.rest), -1)
    place[used] = np.arange(len(used))
    points = mean.rest[used].astype(float)
    marks = found.at(mean.rest)
    rims = [rows_of(name, side) for name in ("lid_upper", "lid_lower") for side in SIDES]
    rims += [
        rows_of(f"lip_{lip}")
        for lip in ("inner_upper", "inner_lower", "outer_upper", "outer_lower")
    ]
    distance = _distance(points, marks[np.concatenate(rims)])
    near_brow = _distance(points, marks[np.concatenate([rows_of("brow", side) for side in SIDES])])
    near_chin = _distance(points, marks[rows_of("jaw")[_CHIN]])
    # the edge that is wanted, eye distances: as the mesh has it at rims, coarse on the neck
    near = np.minimum(np.minimum(distance, 0.6 * near_brow + 0.05), 0.6 * near_chin + 0.2)
    wanted = np.clip(0.012 + 0.15 * near, 0.012, 0.16)
    wanted[points[:, 1] < -1.95] = 0.16
    kept, faces = thinned(points, place[triangles], wanted, frozen=distance < 0.03)
    return _Skin(rows=used[kept], triangles=faces)


def _distance(points: Points, marks: Float[np.ndarray, "marks 3"]) -> Float[np.ndarray, " points"]:
    """Distance of each point from the nearest mark."""
    return np.min([np.linalg.norm(points - mark, axis=1) for mark in marks], axis=0)


def _conventions(
    families: Mapping[str, HeadFamily], mean: HeadMesh, found: DensePoints, skin: _Skin
) -> dict[str, dict[str, Points]]:
    """Motion of each shape at weight 1 as each family means it, averaged over its heads.

    Where a family has none, it is the mean of the others'. Reports how far each shape moves
    vertices in each family, eye distances.
    """
    meant: dict[str, dict[str, Points]] = {
        MEAN_FAMILY: {
            name: (mean.vertices({name: 1.0}) - mean.rest)[skin.rows] for name in ARKIT_SHAPES
        }
    }
    for family, names in _LENDERS.items():
        heads = [
            lent_motion(families[family].head(name), mean, found, skin.rows, skin.triangles)
            for name in names
        ]
        meant[family] = {
            name: np.mean([head[name] for head in heads if name in head], axis=0)
            for name in ARKIT_SHAPES
            if not name.startswith(_OWN) and any(name in head for head in heads)
        }
    for name in ARKIT_SHAPES:
        known = [own for own in meant.values() if np.abs(own.get(name, 0)).max() > _LEAST_MOTION]
        house = np.mean([own[name] for own in known], axis=0)
        for own in meant.values():
            if not any(own is one for one in known):
                own[name] = house
        sizes = [float(np.sqrt((own[name] ** 2).sum(1).mean())) for own in meant.values()]
        report_line(f"{name:18s} " + " ".join(f"{size:.4f}" for size in sizes))
    return meant


def _finished(
    rest: Points,
    shapes: Mapping[str, Points],
    drop: Float[np.ndarray, " points"],
    rows: Rows,
    weights: Weights,
) -> dict[str, Points]:
    """Shapes that are symmetric, whose blinks shut the eyes, and whose lashes go with the lids."""
    finished = symmetric(rest, shapes, drop)
    for side in SIDES:
        blink = "eyeBlink" + side.capitalize()
        finished[blink] = closed_lids(rest, finished[blink], rows, weights, side)
        lashes = {one: own for one, own in finished.items() if one.startswith(LASH_SHAPES)}
        finished |= with_lash_band(rest, lashes, rows, weights, side)
    return finished


def _marks_on_skin(mean: HeadMesh, found: DensePoints, skin: _Skin) -> tuple[Rows, Weights]:
    """Landmarks on the thinned mesh: three vertices near each and affine weights of them."""
    points = mean.rest[skin.rows].astype(float)
    marks = found.at(mean.rest).astype(float)
    corners = points[skin.triangles]
    middles = corners.mean(axis=1)
    jaw = (mean.vertices({"jawOpen": 1.0}) - mean.rest)[:, 1]
    mark_jaw = (jaw[found.rows] * found.weights).sum(axis=1)
    corner_jaw = jaw[skin.rows[skin.triangles]]
    rows, weights = np.zeros((COUNT, 3), int), np.zeros((COUNT, 3))
    for k, mark in enumerate(marks):
        near = np.argsort(np.linalg.norm(middles - mark, axis=1))[:40]
        inside = [_inside_weights(corners[t], mark) for t in near]
        # closed lips touch: stay on the lip that moves as the landmark does
        errors = [
            np.linalg.norm(w @ corners[t] - mark) + 0.5 * abs(w @ corner_jaw[t] - mark_jaw[k])
            for t, w in zip(near, inside, strict=True)
        ]
        best = int(np.argmin(errors))
        rows[k], weights[k] = skin.triangles[near[best]], inside[best]
    return rows, weights


def _inside_weights(
    corners: Float[np.ndarray, "3 3"], place: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "3"]:
    """Weights of a triangle's corners for a place near it, none below 0."""
    a, b, c = corners
    uv = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), place - a, rcond=None)[0]
    weights = np.clip(np.array([1 - uv.sum(), *uv]), 0, 1)
    return weights / weights.sum()


def _feather(rest: Points, rows: Rows, weights: Weights) -> Float[np.ndarray, " vertices"]:
    """1 on the face, falling to 0 beyond its outline and on the neck."""
    marks = marks_on(rest, rows, weights)
    around = [
        rows_of("jaw"),
        rows_of("temple", "left"),
        rows_of("forehead")[::-1],
        rows_of("temple", "right")[::-1],
    ]
    outline = marks[np.concatenate(around)][:, :2]
    places = rest[:, :2]
    distance = distance_to_line(places, np.vstack([outline, outline[:1]]))
    is_below = np.clip((-0.9 - rest[:, 1]) / 0.6, 0, 1)
    feather = _FEATHER_ABOVE + is_below * (_FEATHER - _FEATHER_ABOVE)
    share = np.clip(1 - np.where(inside_polygon(places, outline), 0, distance) / feather, 0, 1)
    share = share * np.clip((rest[:, 2] + 0.75) / 0.5, 0, 1)
    return share * share * (3 - 2 * share)


def _bytes(shares: Float[np.ndarray, " vertices"]) -> np.ndarray:
    return np.round(shares * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
