"""Build the template: a thinned mean head whose shapes are the average of what families mean.

    python -m reggan_training.rig.template --data DIR --out reggan_plugin/rig/template.npz

The mesh is ICT FaceKit's mean face (MIT), thinned by edge collapses that keep the rims of lids and
lips. Every other family's mean head is laid on it by its dense landmarks, as its lips and lids are
apart, and lends the motion of its shapes: rigs mean motions by the same name that differ by factors
of two, so a shape's motion here is the mean over families (the *house convention*). Blinks are
ICT's, made to meet exactly.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from reggan_plugin.rig.layout import COUNT, rows_of
from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, mirrored_name
from reggan_training.heads.head import REGIONS, HeadFamily, HeadMesh, Part
from reggan_training.landmarks.pictures import families_in
from reggan_training.landmarks.points import DensePoints, dense_points

_KEPT = 4200
"""Vertices, about."""
_JAW_DROP = 0.5
_BAND, _BAND_ENDS = 0.06, 0.18
"""Eye distances above the upper lid's edge that go along with it rigidly (lashes lie there), and
over which the skin above takes over. Measured in the trial: without it lashes smear over the lid."""
_FEATHER, _FEATHER_ABOVE = 0.35, 0.14
"""Eye distances beyond the face's outline over which motion fades: under the jaw, where the neck
follows it, and beside and above the face, where hair begins, which does not."""
_BLINK_LAP = 0.004
"""Eye distances by which shut lids overlap."""
_WITHOUT = ("eyeBlink",)
"""Shapes that are ICT's alone."""
_VALID_HEADS = ("Asian_F_2", "Black_M_1", "Hispanic_F_1", "White_M_2")
_MAKEHUMAN_HEADS = ("mh-5-00002", "mh-5-00007", "mh-5-00011")

Points = Float[np.ndarray, "points 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Skin:
    """The mean head's face."""

    head: HeadMesh
    found: DensePoints
    rows: Int[np.ndarray, " kept"]
    """Vertices of the head that are kept."""
    triangles: Int[np.ndarray, "triangles 3"]
    """Of the kept ones, by their place among them."""


def build(data: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the template."""
    families = families_in(data)
    ict = families["ict"].head("ict-5-00000")
    mean = replace(ict, rest=ict.canonical)
    found = dense_points(mean)
    skin = _thinned(mean, found)
    rest = mean.rest[skin.rows].astype(float)
    own = {name: (mean.vertices({name: 1.0}) - mean.rest)[skin.rows] for name in ARKIT_SHAPES}
    others = {
        "makehuman": [_lent(families["makehuman"], name, skin) for name in _MAKEHUMAN_HEADS],
        "valid": [_lent(families["valid"], name, skin) for name in _VALID_HEADS],
    }
    landmarks = _carried_landmarks(mean, found, skin)
    shapes = {}
    for name in ARKIT_SHAPES:
        lent = [own[name]]
        if not name.startswith(_WITHOUT):
            for heads in others.values():
                known = [head[name] for head in heads if name in head]
                if known and np.abs(known).max() > 0.005:
                    lent.append(np.mean(known, axis=0))
        shapes[name] = np.mean(lent, axis=0)
        sizes = [float(np.sqrt((d**2).sum(1).mean())) for d in lent]
        print(f"{name:18s}", " ".join(f"{size:.4f}" for size in sizes))
    shapes = _symmetric(rest, shapes)
    rows, weights = landmarks
    for side in ("right", "left"):
        _close_lids(rest, shapes, rows, weights, side)
        for name in shapes:
            if name.startswith(("eye", "cheekSquint", "brow")):
                shapes[name] = _with_lash_band(rest, shapes[name], rows, weights, side)
    keep = _feather(rest, rows, weights)
    deltas = np.stack([shapes[name] * keep[:, None] for name in ARKIT_SHAPES])
    scale = np.abs(deltas).max(axis=(1, 2))
    iris = found.at(mean.rest)
    jaw = np.clip(-shapes["jawOpen"][:, 1] / max(1e-6, -shapes["jawOpen"][:, 1].min()), 0, 1)
    return {
        "rest": rest.astype(np.float32),
        "triangles": skin.triangles.astype(np.uint16),
        "shapes": np.round(deltas / scale[:, None, None] * 32767).astype(np.int16),
        "scales": (scale / 32767).astype(np.float32),
        "names": np.array(ARKIT_SHAPES),
        "landmark_rows": rows.astype(np.uint16),
        "landmark_weights": weights.astype(np.float32),
        "landmark_rest": iris.astype(np.float32),
        "jaw": np.round(jaw * 255).astype(np.uint8),
        "keep": np.round(keep * 255).astype(np.uint8),
    }


def _thinned(mean: HeadMesh, found: DensePoints) -> _Skin:
    """The face's skin, thinned by half-edge collapses away from lids and lips."""
    is_skin = mean.parts == Part.SKIN
    middle = mean.rest[mean.triangles].mean(axis=1)
    is_face = is_skin & (middle[:, 2] > -0.9) & (middle[:, 1] > -2.35) & (middle[:, 1] < 1.25)
    triangles = mean.triangles[is_face]
    used = np.unique(triangles)
    place = np.full(len(mean.rest), -1)
    place[used] = np.arange(len(used))
    faces, points = place[triangles], mean.rest[used].astype(float)
    marks = found.at(mean.rest)
    fine = np.concatenate(
        [marks[rows_of(n, s)] for n in ("lid_upper", "lid_lower") for s in ("right", "left")]
        + [marks[rows_of(n)] for n in ("lip_inner_upper", "lip_inner_lower", "lip_outer_upper", "lip_outer_lower")]
    )
    distance = np.min([np.linalg.norm(points - mark, axis=1) for mark in fine], axis=0)
    brows = np.concatenate([marks[rows_of("brow", s)] for s in ("right", "left")])
    near_brow = np.min([np.linalg.norm(points - mark, axis=1) for mark in brows], axis=0)
    # the edge that is wanted, eye distances: as the mesh has it at rims, coarse on the neck
    wanted = np.clip(0.012 + 0.15 * np.minimum(distance, 0.6 * near_brow + 0.05), 0.012, 0.16)
    wanted[points[:, 1] < -1.95] = 0.16
    kept, faces = _collapsed(points, faces, wanted, frozen=distance < 0.03)
    return _Skin(head=mean, found=found, rows=used[kept], triangles=faces)


def _collapsed(
    points: Points, faces: Int[np.ndarray, "faces 3"], wanted: Float[np.ndarray, " points"], *, frozen: Bool[np.ndarray, " points"]
) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, "faces 3"]]:
    """Collapse edges that are shorter than wanted, the shortest by that measure first.

    A vertex goes onto its neighbour; borders stay, and no triangle turns over.
    """
    faces = faces.copy()
    count = len(points)
    alive = np.ones(len(faces), bool)
    for _ in range(60):
        edges = np.concatenate([faces[alive][:, [0, 1]], faces[alive][:, [1, 2]], faces[alive][:, [2, 0]]])
        ordered = np.sort(edges, axis=1)
        unique, number = np.unique(ordered, axis=0, return_counts=True)
        border = np.zeros(count, bool)
        border[unique[number == 1]] = True
        length = np.linalg.norm(points[unique[:, 0]] - points[unique[:, 1]], axis=1)
        ratio = length / wanted[unique].mean(axis=1)
        of_vertex: dict[int, list[int]] = {}
        for row in np.flatnonzero(alive):
            for corner in faces[row]:
                of_vertex.setdefault(int(corner), []).append(int(row))
        touched = np.zeros(count, bool)
        done = 0
        for k in np.argsort(ratio):
            if ratio[k] > 1:
                break
            a, b = (int(v) for v in unique[k])
            if touched[a] or touched[b]:
                continue
            if frozen[a] or border[a]:
                a, b = b, a
            if frozen[a] or border[a]:
                continue
            around = of_vertex[a]
            ring = {int(v) for row in around for v in faces[row]} - {a}
            common = ring & ({int(v) for row in of_vertex[b] for v in faces[row]} - {b})
            if len(common) != 2:
                continue
            before = faces[around]
            after = np.where(before == a, b, before)
            stays = ~(before == b).any(axis=1)
            n0, n1 = (_normals(points, f[stays]) for f in (before, after))
            cosine = (n0 * n1).sum(1) / np.maximum(np.linalg.norm(n0, axis=1) * np.linalg.norm(n1, axis=1), 1e-12)
            if (cosine < 0.5).any():
                continue
            for row, new in zip(around, after, strict=True):
                if (new == b).sum() > 1:
                    alive[row] = False
                faces[row] = new
            touched[list(ring | {a, b})] = True
            done += 1
        if not done:
            break
    kept, dense = np.unique(faces[alive], return_inverse=True)
    return kept, dense.reshape(-1, 3)


def _normals(points: Points, faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "faces 3"]:
    corner = points[faces]
    return np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])


def _carried_landmarks(
    mean: HeadMesh, found: DensePoints, skin: _Skin
) -> tuple[Int[np.ndarray, "points 3"], Float[np.ndarray, "points 3"]]:
    """Landmarks on the thinned mesh: three vertices near each and affine weights of them."""
    points = mean.rest[skin.rows].astype(float)
    marks = found.at(mean.rest).astype(float)
    corners = points[skin.triangles]
    middles = corners.mean(axis=1)
    jaw = (mean.vertices({"jawOpen": 1.0}) - mean.rest)[:, 1]
    mark_jaw = (jaw[found.rows] * found.weights).sum(axis=1)
    rows, weights = np.zeros((COUNT, 3), int), np.zeros((COUNT, 3))
    for k in range(COUNT):
        near = np.argsort(np.linalg.norm(middles - marks[k], axis=1))[:40]
        best = None
        for t in near:
            a, b, c = corners[t]
            system = np.stack([b - a, c - a], axis=1)
            uv = np.linalg.lstsq(system, marks[k] - a, rcond=None)[0]
            w = np.clip(np.array([1 - uv.sum(), *uv]), 0, 1)
            w /= w.sum()
            error = np.linalg.norm(w @ corners[t] - marks[k])
            # closed lips touch: stay on the lip that moves as the landmark does
            error += 0.5 * abs(w @ jaw[skin.rows[skin.triangles[t]]] - mark_jaw[k])
            if best is None or error < best[0]:
                best = (error, skin.triangles[t], w)
        assert best is not None
        rows[k], weights[k] = best[1], best[2]
    return rows, weights


def _lent(family: HeadFamily, identity: str, skin: _Skin) -> dict[str, Points]:
    """Motion of the shapes of another head at the vertices of the template."""
    head = family.head(identity)
    found = dense_points(head, skin.found, skin.head)
    drop = {"jawOpen": _JAW_DROP}
    there, here = head.vertices(drop).astype(float), skin.head.vertices(drop).astype(float)
    start, end = skin.found.at(here.astype(np.float32)), found.at(there.astype(np.float32))
    onto = _biharmonic(here[skin.rows], start.astype(float), end.astype(float))
    is_skin = np.zeros(len(head.rest), bool)
    is_skin[head.triangles[head.parts == Part.SKIN]] = True
    lips = np.flatnonzero(is_skin)
    # vertices nearest to where each of the template's would be, on the side that it faces
    normal_there = _vertex_normals(there, head.triangles[head.parts == Part.SKIN])
    normal_here = _vertex_normals(here[skin.rows], skin.triangles)
    near = np.zeros((len(onto), 4), int)
    weight = np.zeros((len(onto), 4))
    for start_row in range(0, len(onto), 500):
        part = slice(start_row, start_row + 500)
        distance = np.linalg.norm(onto[part, None] - there[None, lips], axis=2)
        distance += 0.25 * np.clip(0.4 - normal_here[part] @ normal_there[lips].T, 0, None)
        order = np.argpartition(distance, 4, axis=1)[:, :4]
        near[part] = lips[order]
        weight[part] = 1 / (np.take_along_axis(distance, order, 1) + 1e-3) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    lent = {}
    for name in head.controls:
        base = head.rest.astype(float)
        moved = head.vertices({name: 1.0}) - base
        if name == "mouthClose":  # only makes sense with the jaw open
            moved = head.vertices({name: 1.0, "jawOpen": 1.0}) - head.vertices({"jawOpen": 1.0})
        lent[name] = (moved[near] * weight[..., None]).sum(axis=1)
    return lent


def _vertex_normals(points: Points, faces: Int[np.ndarray, "faces 3"]) -> Points:
    total = np.zeros_like(points)
    normal = _normals(points, faces)
    for k in range(3):
        np.add.at(total, faces[:, k], normal)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _biharmonic(points: Points, start: Points, end: Points) -> Points:
    """Points under the smooth map of space that takes `start` near `end`."""
    count = len(start)
    flat = np.column_stack([start, np.ones(count)])
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = -np.linalg.norm(start[:, None] - start[None], axis=2) - 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.solve(system + 1e-9 * np.eye(count + 4), np.concatenate([end, np.zeros((4, 3))]))
    kernel = -np.linalg.norm(points[:, None] - start[None], axis=2)
    return kernel @ weights[:count] + np.column_stack([points, np.ones(len(points))]) @ weights[count:]


def _symmetric(rest: Points, shapes: Mapping[str, Points]) -> dict[str, Points]:
    """Shapes of which each mirrors its twin; ones of the middle mirror themselves."""
    flip = np.array([-1.0, 1.0, 1.0])
    drop = shapes["jawOpen"][:, 1]
    lips_apart = np.abs(drop[:, None] - drop[None])  # a twin is on the same lip
    distance = np.linalg.norm(rest[:, None] - (rest * flip)[None], axis=2) + 2 * lips_apart
    near = np.argsort(distance, axis=1)[:, :3]
    weight = 1 / (np.take_along_axis(distance, near, 1) + 1e-3) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    return {
        name: (own + (shapes[mirrored_name(name)][near] * weight[..., None]).sum(1) * flip) / 2
        for name, own in shapes.items()
    }


def _landmarks(rest: Points, rows: np.ndarray, weights: np.ndarray) -> Points:
    return (rest[rows] * weights[..., None]).sum(axis=1)


def _close_lids(
    rest: Points, shapes: dict[str, Points], rows: np.ndarray, weights: np.ndarray, side: str
) -> None:
    """Make a blink at weight 1 bring the upper lid's edge onto the lower one, in place."""
    name = "eyeBlink" + side.capitalize()
    upper, lower = rows_of("lid_upper", side), np.concatenate(
        [rows_of("lid_upper", side)[-1:], rows_of("lid_lower", side), rows_of("lid_upper", side)[:1]]
    )[::-1]
    for _ in range(4):
        moved = rest + shapes[name]
        marks = _landmarks(moved, rows, weights)
        at = _landmarks(rest, rows, weights)
        across = np.linspace(0, 1, len(upper))
        target = np.stack([np.interp(across, np.linspace(0, 1, len(lower)), marks[lower, k]) for k in range(3)], 1)
        open_share = np.clip(np.sin(np.pi * across) * 3, 0, 1)[:, None]
        gap = target - marks[upper] - open_share * [0, _BLINK_LAP, 0]
        distance = np.linalg.norm(rest[:, None] - at[upper][None], axis=2)
        lower_distance = np.linalg.norm(rest[:, None] - at[lower][None], axis=2).min(axis=1)
        nearest = distance.argmin(axis=1)
        near = distance.min(axis=1)
        soft = np.exp(-((distance - near[:, None]) / 0.05) ** 2)
        soft /= soft.sum(axis=1, keepdims=True)
        share = np.exp(-((near / 0.14) ** 2)) * np.clip((lower_distance - near) / 0.02 + 0.5, 0, 1)
        share[at[upper][nearest][:, 0] * 0 + near > 0.4] = 0
        shapes[name] = shapes[name] + share[:, None] * (soft @ gap)


def _with_lash_band(
    rest: Points, shape: Points, rows: np.ndarray, weights: np.ndarray, side: str
) -> Points:
    """Let the skin just above the upper lid's edge go along with it rigidly."""
    at, moved = (_landmarks(p, rows, weights) for p in (rest, rest + shape))
    upper = rows_of("lid_upper", side)
    edge, motion = at[upper], (moved - at)[upper]
    away = rest[:, None] - edge[None]
    distance = np.linalg.norm(away, axis=2)
    above = (away[np.arange(len(rest)), distance.argmin(1)][:, 1] > -0.004) & (distance.min(1) < _BAND_ENDS)
    lower_at = at[rows_of("lid_lower", side)]
    above &= np.linalg.norm(rest[:, None] - lower_at[None], axis=2).min(1) > distance.min(1)
    soft = np.exp(-((distance - distance.min(1, keepdims=True)) / 0.03) ** 2)
    soft /= soft.sum(axis=1, keepdims=True)
    share = np.clip((_BAND_ENDS - distance.min(1)) / (_BAND_ENDS - _BAND), 0, 1)
    share = np.where(above, share * share * (3 - 2 * share), 0.0)
    corner = np.clip(np.minimum(np.arange(13), np.arange(13)[::-1]) / 2.0, 0, 1)
    share *= soft @ corner
    return shape + share[:, None] * (soft @ motion - shape)


def _feather(rest: Points, rows: np.ndarray, weights: np.ndarray) -> Float[np.ndarray, " vertices"]:
    """1 on the face, falling to 0 beyond its outline and on the neck."""
    marks = _landmarks(rest, rows, weights)
    outline = np.concatenate([marks[rows_of("jaw")], marks[rows_of("temple", "left")], marks[rows_of("forehead")][::-1], marks[rows_of("temple", "right")][::-1]])[:, :2]
    inside = _inside(rest[:, :2], outline)
    edges = zip(outline, np.roll(outline, -1, axis=0), strict=True)
    distance = np.full(len(rest), np.inf)
    for start, end in edges:
        along = end - start
        t = np.clip((rest[:, :2] - start) @ along / (along @ along), 0, 1)
        distance = np.minimum(distance, np.linalg.norm(rest[:, :2] - start - t[:, None] * along, axis=1))
    below = np.clip((-0.9 - rest[:, 1]) / 0.6, 0, 1)
    feather = _FEATHER_ABOVE + below * (_FEATHER - _FEATHER_ABOVE)
    share = np.clip(1 - np.where(inside, 0, distance) / feather, 0, 1)
    deep = np.clip((rest[:, 2] + 0.75) / 0.5, 0, 1)
    share = share * deep
    return share * share * (3 - 2 * share)


def _inside(points: Float[np.ndarray, "points 2"], polygon: Float[np.ndarray, "corners 2"]) -> Bool[np.ndarray, " points"]:
    x, y = points.T
    inside = np.zeros(len(points), bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arrays = build(arguments.data)
    np.savez_compressed(arguments.out, **arrays)
    print(f"{len(arrays['rest'])} vertices, {len(arrays['triangles'])} triangles, {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
