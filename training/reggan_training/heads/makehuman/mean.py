"""The mean MakeHuman head, whose place in space names the same spot on every identity."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.eyes import Eye, LidRings, eye_points
from reggan_training.heads.anatomy.head import CHIN, EYE_GROUPS, MOUTH_CORNERS, NOSE_TIP, fitted_eye
from reggan_training.heads.anatomy.head_shape import ANCESTRIES, HeadShape, shaped_body
from reggan_training.heads.anatomy.meshes import Points
from reggan_training.heads.anatomy.mouth import Bite, placement_from_hollow
from reggan_training.heads.file_head import canonical_from_rest
from reggan_training.heads.makehuman.eye_surroundings import lash_points

BITE_PARTS = ("teeth_upper", "teeth_lower", "gums_upper", "gums_lower", "tongue")
"""In the order of their vertices."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanHead:
    """Points in the unit and axes of `head`: the skin before it is refined, and all the rest.

    `others` are the lashes, both eyeballs, the bite's parts and the fronts of the eyeballs.
    """

    skin: Points
    others: Points


def mean_head(
    assets: HeadAssets,
    rows: Int[np.ndarray, " points"],
    lids: Mapping[str, LidRings],
    bite: Bite,
    hollow: Int[np.ndarray, " hollows"],
) -> MeanHead:
    """Make an adult of all ancestries and both genders; parts where all families have them.

    `rows` are the body points of the skin, `hollow` those inside the mouth.
    """
    shares = dict.fromkeys(ANCESTRIES, 1 / len(ANCESTRIES))
    body = shaped_body(assets, HeadShape(ancestry=shares, gender=0.5))
    eyes = fitted_eyes(assets, body)
    placement = placement_from_hollow(body[hollow], assets.base.points[hollow])
    others = [lash_points(lids, body, eyes)]
    others += [eye_points(eye.centre, eye.radius, 0.0, 0.0) for eye in eyes.values()]
    others += [placement.placed(bite.points[name]) for name in BITE_PARTS]
    others.append(eye_fronts(eyes))
    middle = np.mean([eye.centre for eye in eyes.values()], axis=0)
    unit = eyes["left"].centre[0] - eyes["right"].centre[0]
    known = [NOSE_TIP, *MOUTH_CORNERS.values(), CHIN]
    nose, *corners, chin = head_axes(body[known] - middle)[:, 1] / unit
    points = canonical_from_rest(
        head_axes(np.concatenate([body[rows], *others]) - middle) / unit,
        nose_y=float(nose),
        mouth_y=float(np.mean(corners)),
        chin_y=float(chin),
    )
    return MeanHead(skin=points[: len(rows)], others=points[len(rows) :])


def fitted_eyes(assets: HeadAssets, body: Points) -> dict[str, Eye]:
    """Fit the eyeballs of a body by side."""
    return {
        side: fitted_eye(body[assets.base.points_of(group)]) for side, group in EYE_GROUPS.items()
    }


def eye_fronts(eyes: Mapping[str, Eye]) -> Float[np.ndarray, "2 3"]:
    """Find the middles of the eyeballs' fronts at rest, left and right."""
    return np.stack([eye.centre - np.array([0.0, eye.radius, 0.0]) for eye in eyes.values()])


def head_axes(points: Points) -> Points:
    """Points of `anatomy`'s axes in those of `head`: y up, z to the front."""
    return points[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])
