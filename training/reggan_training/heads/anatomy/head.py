"""What heads are cut from the base mesh: its skin and lashes, the eyeballs, the mouth.

Metres; z up; x to the right of a picture of the face, which is the avatar's own left; the face
looks along −y.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.eyes import Eye
from reggan_training.heads.anatomy.meshes import Faces, ObjMesh, Points, part_of_mesh
from reggan_training.heads.anatomy.mouth import (
    Bite,
    LipRoom,
    TeethPlacement,
    find_lips,
    keep_before_teeth,
    lip_room,
    placement_from_hollow,
    read_bite,
)

SIDES = ("left", "right")
_CUT_BELOW, _CUT_BESIDE = 0.47, 0.185  # of the base mesh, in metres: shoulders without arms
EYE_GROUPS = {"left": "helper-l-eye", "right": "helper-r-eye"}
NOSE_TIP, CHIN = 5054, 5171
_MOUTH_MIDDLE, _MOUTH_REACH = np.array([0.0, -0.14, 0.66]), 0.055
_POCKET, _SHRUNK = 0.014, 0.28
"""Deeper than half of this above and below the lips the mouth's hollow is made smaller: there
nobody sees it, and it would pierce a thin cheek when the jaw drops."""
MOUTH_CORNERS = {"left": 10403, "right": 3735}


@dataclass(frozen=True, kw_only=True, eq=False)
class Mouth:
    """The mouth: what keeps lips before the teeth."""

    bite: Bite
    placement: TeethPlacement
    room: LipRoom


def set_mouth(
    assets: HeadAssets,
    body: Points,
    skin: Int[np.ndarray, " points"],
    faces: Faces,
    hollow: Int[np.ndarray, " hollow"],
) -> Mouth:
    """Set the bite in its place; the body's lips are closed over it in place.

    `skin` are the body points that `faces` join, `hollow` those inside the mouth.
    """
    lips = find_lips(assets, skin)
    lips.close(body, 1.0)
    bite = read_bite(assets)
    placement = placement_from_hollow(body[hollow], assets.base.points[hollow])
    deep = np.clip(np.abs(assets.base.points[hollow, 2] - _MOUTH_MIDDLE[2]) / _POCKET - 0.5, 0, 1)
    inwards = body[hollow].mean(axis=0) - body[hollow]
    body[hollow] += _SHRUNK * deep[:, None] * inwards
    near = skin[np.linalg.norm(assets.base.points[skin] - _MOUTH_MIDDLE, axis=1) < _MOUTH_REACH]
    room = lip_room(bite, placement, body, near, skin[faces])
    keep_before_teeth(bite, placement, room, body, np.eye(3, 4))
    lips.close(body, 1.0)
    return Mouth(bite=bite, placement=placement, room=room)


def head_skin(base: ObjMesh) -> tuple[Faces, Int[np.ndarray, " points"]]:
    """Faces of the skin cut from the base mesh, and which of its points they join."""
    body = base.groups["body"]
    is_kept = (base.points[:, 2] > _CUT_BELOW) & (np.abs(base.points[:, 0]) < _CUT_BESIDE)
    return part_of_mesh(base, body[is_kept[base.faces[body]].all(axis=1)])


def fitted_eye(points: Points) -> Eye:
    """Fit the sphere that the points of an eyeball's helper lie on."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distances = np.linalg.norm(points - centre, axis=1)
    return Eye(centre=centre, radius=float(np.median(distances)))
