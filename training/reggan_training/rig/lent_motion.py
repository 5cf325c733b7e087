"""Motion of another head's shapes at the vertices of the template."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.rig.lent_motion import carried, inverse_squares, nearest_vertices
from reggan_plugin.rig.light import vertex_normals
from reggan_plugin.vocabulary.face_shapes import mirrored_name
from reggan_training.heads.head import HeadMesh, Part
from reggan_training.landmarks.points import JAW_DROP, DensePoints, dense_points
from reggan_training.rig.thinning import Faces, Points


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
    weight = inverse_squares(np.take_along_axis(distance, near, 1))
    return {
        name: (own + (shapes[mirrored_name(name)][near] * weight[..., None]).sum(1) * flip) / 2
        for name, own in shapes.items()
    }
