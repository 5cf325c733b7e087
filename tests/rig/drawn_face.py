"""A face drawn from the template itself: a picture whose landmarks are known exactly."""

import numpy as np

from reggan_plugin.rig.dense_landmarks import COUNT, eye_rows, rows_of
from reggan_plugin.rig.raster import mask_of, smooth_arc
from reggan_plugin.rig.skin_motion import Landmarks
from reggan_plugin.rig.template_fit import template

SIDE_PX = 384
SKIN, WHITE, IRIS, LIPS = (
    np.array(one) for one in ((0.7, 0.5, 0.4), (1, 1, 1), (0.1, 0.2, 0.5), (0.6, 0.25, 0.25))
)
WHOLE = (0.0, 0.0, 1.0, 1.0)


def placed(points: np.ndarray, eye: float = 0.234) -> np.ndarray:
    """Places of points of the template, seen from the front, in parts of the crop's side."""
    return np.column_stack([0.5 + eye * points[:, 0], 0.3 - eye * points[:, 1]])


def drawn_face(worn: dict[str, float] | None = None) -> tuple[np.ndarray, Landmarks]:
    """A flat face that wears weights of shapes, and its landmarks."""
    rig = template()
    marks = placed(rig.landmarks + rig.at_landmarks(rig.displacement(worn or {})))
    picture = np.broadcast_to(SKIN, (SIDE_PX, SIDE_PX, 3)).copy()
    outer = np.concatenate(
        [smooth_arc(marks[rows_of("lip_outer_upper")]), marks[rows_of("lip_outer_lower")]]
    )
    outlines = [(outer, LIPS)]
    for side in ("right", "left"):
        outlines += [(marks[eye_rows(side)], WHITE)]
    for outline, colour in outlines:
        share = mask_of(outline, WHOLE, SIDE_PX)[..., None]
        picture += share * (colour - picture)
    for side in ("right", "left"):
        share = mask_of(marks[rows_of("iris", side)], WHOLE, SIDE_PX)
        share = (share * mask_of(marks[eye_rows(side)], WHOLE, SIDE_PX))[..., None]
        picture += share * (IRIS - picture)
    sigma = np.full(COUNT, 0.002 * 0.234)
    return picture.astype(np.float32), Landmarks(places=marks, sigma=sigma)
