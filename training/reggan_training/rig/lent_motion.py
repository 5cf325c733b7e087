"""Motion of another head's shapes at the vertices of the template."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.rig.light import vertex_normals
from reggan_plugin.vocabulary.face_shapes import mirrored_name
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.landmarks.points import JAW_DROP, DensePoints, dense_points
from reggan_training.rig.thinning import Faces, Points

_AT_ONCE: Final = 500
_NEIGHBOURS: Final = 4
_SOFT: Final = 1e-3
"""Eye distances that are added before distances are inverted."""


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
    onto = _carried(points, found.at(here).astype(float), marks.astype(float))
    normals = vertex_normals(points, triangles)
    near, weight = _nearest(onto, normals, lender, there.astype(float))
    lent = {}
    for name in lender.controls:
        if name == "mouthClose":  # only makes sense with the jaw open
            moved = lender.vertices({name: 1.0, "jawOpen": 1.0}) - lender.vertices({"jawOpen": 1.0})
        else:
            moved = lender.vertices({name: 1.0}) - lender.rest.astype(float)
        lent[name] = (moved[near] * weight[..., None]).sum(axis=1)
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
    weight = _inverse_squares(np.take_along_axis(distance, near, 1))
    return {
        name: (own + (shapes[mirrored_name(name)][near] * weight[..., None]).sum(1) * flip) / 2
        for name, own in shapes.items()
    }


def _nearest(
    onto: Points, normals: Points, lender: HeadMesh, there: Float[np.ndarray, "vertices 3"]
) -> tuple[Int[np.ndarray, "points near"], Float[np.ndarray, "points near"]]:
    """Skin vertices of a head nearest to points, on the side that these face, and their weights."""
    faces = lender.triangles[lender.parts == Part.SKIN]
    skin = np.unique(faces)
    skin_normals = vertex_normals(there, faces)[skin]
    near = np.zeros((len(onto), _NEIGHBOURS), int)
    distances = np.zeros((len(onto), _NEIGHBOURS))
    for start in range(0, len(onto), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        distance = np.linalg.norm(onto[part, None] - there[None, skin], axis=2)
        distance += 0.25 * np.clip(0.4 - normals[part] @ skin_normals.T, 0, None)
        order = np.argpartition(distance, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
        near[part], distances[part] = skin[order], np.take_along_axis(distance, order, 1)
    return near, _inverse_squares(distances)


def _inverse_squares(distance: Float[np.ndarray, "points near"]) -> np.ndarray:
    weight = 1 / (distance + _SOFT) ** 2
    return weight / weight.sum(axis=1, keepdims=True)


def _carried(
    points: Points, start: Float[np.ndarray, "marks 3"], end: Float[np.ndarray, "marks 3"]
) -> Points:
    """Points under the smooth map of space that takes `start` near `end`.

    Source: Duchon, Splines minimizing rotation-invariant semi-norms, 1977.
    """
    count = len(start)
    flat = np.column_stack([start, np.ones(count)])
    distance = np.linalg.norm(start[:, None] - start[None], axis=2)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = -distance - 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = flat, flat.T
    system += 1e-9 * np.eye(count + 4)
    weights = np.linalg.solve(system, np.concatenate([end, np.zeros((4, 3))]))
    kernel = -np.linalg.norm(points[:, None] - start[None], axis=2)
    return (
        kernel @ weights[:count] + np.column_stack([points, np.ones(len(points))]) @ weights[count:]
    )
