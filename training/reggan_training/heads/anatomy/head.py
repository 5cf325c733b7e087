"""One head: its parts, its regions, and its face in any state.

Metres; z up; x to the right of a picture of the face, which is the avatar's own left; the face
looks along −y. The origin is the middle between the eyes of the neutral head.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.anatomy.assets import HeadAssets
from reggan_training.heads.anatomy.expressions import (
    action_weights,
    gaze_deg,
    lip_seal,
    unit_weights,
    wrinkle_amounts,
)
from reggan_training.heads.anatomy.eyeball import Eye, eye_part, eye_points
from reggan_training.heads.anatomy.face_state import ExpressionHabits, FaceState
from reggan_training.heads.anatomy.head_shape import HeadShape, shaped_body
from reggan_training.heads.anatomy.lids import Lids, find_lids, gaze_units
from reggan_training.heads.anatomy.lips import Lips, find_lips
from reggan_training.heads.anatomy.meshes import MeshPiece, ObjMesh, Points, part_of_mesh
from reggan_training.heads.anatomy.regions import Regions, read_regions
from reggan_training.heads.anatomy.rig import bone_transforms, skin_points
from reggan_training.heads.anatomy.teeth import (
    LOWER,
    UPPER,
    Bite,
    LipRoom,
    TeethPlacement,
    keep_before_teeth,
    lip_room,
    placement_from_hollow,
    read_bite,
)

SIDES = ("left", "right")
_CUT_BELOW, _CUT_BESIDE = 0.47, 0.185  # of the base mesh, in metres: shoulders without arms
EYE_GROUPS = {"left": "helper-l-eye", "right": "helper-r-eye"}
_LASH_GROUPS = {
    "lashes_upper_left": "helper-l-eyelashes-2",
    "lashes_lower_left": "helper-l-eyelashes-1",
    "lashes_upper_right": "helper-r-eyelashes-2",
    "lashes_lower_right": "helper-r-eyelashes-1",
}
_LIP_MIDDLES, NOSE_TIP, CHIN = (468, 474), 5054, 5171
_MOUTH_MIDDLE, _MOUTH_REACH = np.array([0.0, -0.14, 0.66]), 0.055
_POCKET, _SHRUNK = 0.014, 0.28
"""Deeper than half of this above and below the lips the mouth's hollow is made smaller: there
nobody sees it, and it would pierce a thin cheek when the jaw drops."""
MOUTH_CORNERS = {"left": 10403, "right": 3735}


@dataclass(frozen=True, kw_only=True, eq=False)
class PosedHead:
    """A head in one state.

    Attributes:
        state: what was asked for.
        points: of each part, in metres, in the order of the part's own points.
        landmarks: left_eye, right_eye (fronts of the eyeballs' resting gaze), nose_tip,
            mouth_left, mouth_right, mouth_center, chin.
        wrinkles: how deep each kind is folded, 0 to 1.
        eyes: centre and radius by side.
        gaze_deg: (yaw to the avatar's left, pitch up) of each eye by side.
    """

    state: FaceState
    points: Mapping[str, Points]
    landmarks: Mapping[str, Float[np.ndarray, "3"]]
    wrinkles: Mapping[str, float]
    eyes: Mapping[str, Eye]
    gaze_deg: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """One identity's head.

    Attributes:
        shape: what it was built from.
        parts: faces and uv of each mesh: skin, eye_*, teeth_*, gums_*, tongue, lashes_*.
        rest: points of each part of the neutral head, in metres.
        canonical: skin points of the unmorphed base mesh, the same on every head; frontal-plane
            coordinates are its x and z.
        regions: weights of skin points by region.
        eyes: eyeballs by side.
    """

    assets: HeadAssets
    shape: HeadShape
    parts: Mapping[str, MeshPiece]
    rest: Mapping[str, Points]
    canonical: Points
    regions: Regions
    eyes: Mapping[str, Eye]
    _body: Points
    _heads: Float[np.ndarray, "bones 3"]
    _body_points: Mapping[str, Int[np.ndarray, " points"]]
    _lids: Mapping[str, Lids]
    _mouth: "Mouth"

    def region(self, name: str) -> Float[np.ndarray, " points"]:
        """A region's weight for each skin point."""
        return self.regions[name]

    def pose(self, state: FaceState, habits: ExpressionHabits) -> PosedHead:
        """The head in a state. At intensity 0 without more, the points are those at rest."""
        weights = action_weights(state, habits)
        gaze = gaze_deg(state)
        body, jaw = self._moved_body(state, habits, weights, gaze)
        points = {name: body[rows] for name, rows in self._body_points.items()}
        points |= {name: self.rest[name] for name in UPPER}
        points |= {name: self.rest[name] @ jaw[:, :3].T + jaw[:, 3] for name in LOWER}
        for side, eye in self.eyes.items():
            points[f"eye_{side}"] = eye_points(eye.centre, eye.radius, *gaze)
        return PosedHead(
            state=state,
            points=points,
            landmarks=_landmarks(body, self.eyes),
            wrinkles=wrinkle_amounts(weights),
            eyes=self.eyes,
            gaze_deg=dict.fromkeys(SIDES, gaze),
        )

    def _moved_body(
        self,
        state: FaceState,
        habits: ExpressionHabits,
        weights: Mapping[str, float],
        gaze: tuple[float, float],
    ) -> tuple[Points, Float[np.ndarray, "3 4"]]:
        """The body's points (those of no part are not moved) and the jaw's motion."""
        units = _summed(unit_weights(weights, habits), gaze_units(gaze[1]))
        body, jaw = self._driven(units)
        if state.eye_closure > 0:
            open_lids = {
                side: lid.aperture(body, self.eyes[side]) for side, lid in self._lids.items()
            }
            for side, lids in self._lids.items():
                units = _summed(units, lids.closing_units(open_lids[side], state.eye_closure))
            body, jaw = self._driven(units)
            for side, lids in self._lids.items():
                lids.finish_closing(body, self.eyes[side], open_lids[side], state.eye_closure)
        if units:
            for side, lids in self._lids.items():
                lids.keep_outside(body, self._body, self.eyes[side], gaze)
            mouth = self._mouth
            mouth.lips.close(body, lip_seal(state, habits))
            keep_before_teeth(mouth.bite, mouth.placement, mouth.room, body, jaw)
        return body, jaw

    def _driven(self, units: Mapping[str, float]) -> tuple[Points, Float[np.ndarray, "3 4"]]:
        """The body moved by morphs and bones alone."""
        rig = self.assets.rig
        body = self._body.copy()
        turns = np.zeros((len(rig.bones), 3))
        for name, weight in units.items():
            if name in self.assets.pose_units:
                turns += weight * self.assets.pose_units[name]
            else:
                target = self.assets.target(name)
                body[target.points] += weight * target.deltas
        motions = bone_transforms(rig, self._heads, turns)
        if turns.any():
            used = np.unique(np.concatenate(list(self._body_points.values())))
            body[used] = skin_points(body[used], rig.weights[used], motions)
        return body, motions[rig.bones.index("jaw")]


@dataclass(frozen=True, kw_only=True, eq=False)
class Mouth:
    """The mouth: keeps lips together and before the teeth."""

    lips: Lips
    bite: Bite
    placement: TeethPlacement
    room: LipRoom


def _summed(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}


def build_head(assets: HeadAssets, shape: HeadShape) -> Head:
    """A head in this shape, at rest: lips closed, teeth behind them."""
    base = assets.base
    parts, body_points = body_parts(base)
    body = shaped_body(assets, shape)
    eyes = {side: fitted_eye(body[base.points_of(group)]) for side, group in EYE_GROUPS.items()}
    origin = np.mean([eye.centre for eye in eyes.values()], axis=0)
    body -= origin
    eyes = {side: Eye(centre=eye.centre - origin, radius=eye.radius) for side, eye in eyes.items()}
    centre = [
        fitted_eye(base.points[base.points_of(group)]).centre for group in EYE_GROUPS.values()
    ]
    skin = body_points["skin"]
    canonical = base.points[skin] - np.mean(centre, axis=0)
    regions = read_regions(assets, skin, canonical)
    mouth = set_mouth(assets, body, skin, parts["skin"], skin[regions["inside_mouth"] > 0.5])
    rest = {name: body[rows] for name, rows in body_points.items()}
    rest |= {name: mouth.placement.placed(points) for name, points in mouth.bite.points.items()}
    for side in SIDES:
        parts[f"eye_{side}"] = eye_part(f"eye_{side}")
        rest[f"eye_{side}"] = eye_points(eyes[side].centre, eyes[side].radius, 0.0, 0.0)
    heads = assets.rig.heads(body)
    kept = np.unique(np.concatenate(list(body_points.values())))
    return Head(
        assets=assets,
        shape=shape,
        parts=parts | dict(mouth.bite.parts),
        rest=rest,
        canonical=canonical,
        regions=regions,
        eyes=eyes,
        _body=body,
        _heads=heads,
        _body_points=body_points,
        _lids=find_lids(base, assets.rig, kept),
        _mouth=mouth,
    )


def set_mouth(
    assets: HeadAssets,
    body: Points,
    skin: Int[np.ndarray, " points"],
    part: MeshPiece,
    hollow: Int[np.ndarray, " hollow"],
) -> Mouth:
    """The bite in its place; the body's lips are closed over it in place.

    `skin` are the body points of `part`, `hollow` those inside the mouth.
    """
    lips = find_lips(assets, skin)
    lips.close(body, 1.0)
    bite = read_bite(assets)
    placement = placement_from_hollow(body[hollow], assets.base.points[hollow])
    deep = np.clip(np.abs(assets.base.points[hollow, 2] - _MOUTH_MIDDLE[2]) / _POCKET - 0.5, 0, 1)
    inwards = body[hollow].mean(axis=0) - body[hollow]
    body[hollow] += _SHRUNK * deep[:, None] * inwards
    near = skin[np.linalg.norm(assets.base.points[skin] - _MOUTH_MIDDLE, axis=1) < _MOUTH_REACH]
    faces = skin[part.faces]
    room = lip_room(bite, placement, body, near, faces)
    keep_before_teeth(bite, placement, room, body, np.eye(3, 4))
    lips.close(body, 1.0)
    return Mouth(lips=lips, bite=bite, placement=placement, room=room)


def body_parts(base: ObjMesh) -> tuple[dict[str, MeshPiece], dict[str, Int[np.ndarray, " points"]]]:
    """Skin and lashes cut from the base mesh, and which of its points they took."""
    body = base.groups["body"]
    is_kept = (base.points[:, 2] > _CUT_BELOW) & (np.abs(base.points[:, 0]) < _CUT_BESIDE)
    rows = {"skin": body[is_kept[base.faces[body]].all(axis=1)]}
    rows |= {part: base.groups[group] for part, group in _LASH_GROUPS.items()}
    parts, points = {}, {}
    for name, faces in rows.items():
        parts[name], points[name] = part_of_mesh(name, base, faces)
    return parts, points


def fitted_eye(points: Points) -> Eye:
    """The sphere that the points of an eyeball's helper lie on."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distances = np.linalg.norm(points - centre, axis=1)
    return Eye(centre=centre, radius=float(np.median(distances)))


def _landmarks(body: Points, eyes: Mapping[str, Eye]) -> dict[str, Float[np.ndarray, "3"]]:
    front = {side: eye.centre - np.array([0.0, eye.radius, 0.0]) for side, eye in eyes.items()}
    return {
        "left_eye": front["left"],
        "right_eye": front["right"],
        "nose_tip": body[NOSE_TIP],
        "mouth_left": body[MOUTH_CORNERS["left"]],
        "mouth_right": body[MOUTH_CORNERS["right"]],
        "mouth_center": body[list(_LIP_MIDDLES)].mean(axis=0),
        "chin": body[CHIN],
    }
