"""The geometry of a mouth and its jaw: what `mouth.npz` holds, and how the lower half moves.

Unit: eye distances. Origin: the edge of the upper incisors. Axes: x to the head's own left, y up,
z to the front.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from reggan_plugin.array_types import Float, Int

PARTS = ("tooth", "gum", "tongue", "wall", "plate")
"""Surfaces by their number in the file; `wall` is palate, cheeks and throat."""
TOOTH, GUM, TONGUE, WALL, PLATE = range(len(PARTS))

HINGE = np.array([0.0, 0.62, -1.25])
"""Of the jaw: 1.40 eye distances from the incisors' edge, 87 mm on a face with 62 mm between the
eyes. Bonwill's triangle of incisors and condyles, 102 mm a side, has 88 mm in its middle."""
_SLIDE = np.array([1.0, 0.8, 0.8])
"""Share of a measured drop that the turn does not explain, by axis: lips carry a part of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JawPose:
    """Where the lower half of the mouth is.

    Attributes:
        turn: about the hinge in radians, 0 closed, positive open.
        shift: afterwards, in eye distances and head axes.
    """

    turn: float
    shift: Float[np.ndarray, "3"]


def jaw_pose_from_drop(drop: Float[np.ndarray, "3"]) -> JawPose:
    """Pose of the jaw where the lower incisors' own movement is known.

    Args:
        drop: of the incisors from rest, in eye distances and head axes.
    """
    arm = -HINGE
    reach = float(np.hypot(arm[1], arm[2]))
    tangent = np.array([0.0, -arm[2], arm[1]]) / reach
    turn = max(0.0, float(drop @ tangent) / reach)
    turned = _turn(turn) @ arm - arm
    return JawPose(turn=turn, shift=(drop - turned) * _SLIDE)


@dataclass(frozen=True, kw_only=True, eq=False)
class MouthRig:
    """Mesh of a mouth.

    Attributes:
        points: at rest, in eye distances.
        normals: unit vectors.
        triangles: counter-clockwise from outside.
        part: what each vertex belongs to, see `PARTS`.
        tooth: 1 to 14 for upper teeth from the head's own right, 15 to 28 for lower ones, or 0.
        jaw: 1 for what goes with the jaw, 0 for what stays; cheeks lie between.
        sky: share of the surroundings that neighbouring surfaces leave free, 0 to 1.
        cervical: height on a crown, 0 at the edge, 1 at the neck; 1 off the teeth.
        colour: linear RGB of surfaces of the user's own; no number where they are ours.
        place: of the origin in the template's space; None is behind the lips.
    """

    points: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    part: Int[np.ndarray, " vertices"]
    tooth: Int[np.ndarray, " vertices"]
    jaw: Float[np.ndarray, " vertices"]
    sky: Float[np.ndarray, " vertices"]
    cervical: Float[np.ndarray, " vertices"]
    colour: Float[np.ndarray, "vertices 3"] | None = None
    place: Float[np.ndarray, "3"] | None = None

    def posed(
        self, pose: JawPose
    ) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "vertices 3"]]:
        """Points and normals with the jaw in a pose; what does not go with it is untouched."""
        turn = _turn(pose.turn).astype(np.float32)
        hinge = HINGE.astype(np.float32)
        share = self.jaw[:, None]
        points = (self.points - hinge) @ turn.T + hinge + pose.shift.astype(np.float32)
        normals = self.normals @ turn.T
        return (
            self.points + share * (points - self.points),
            self.normals + share * (normals - self.normals),
        )


@cache
def mouth_rig() -> MouthRig:
    """Return the mouth of this package, read when first asked for."""
    path = resources.files("reggan_plugin.rig") / "mouth.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        low, high = arrays["bounds"]
        share = {name: arrays[name] / np.float32(255) for name in ("jaw", "sky", "cervical")}
        return MouthRig(
            points=low + arrays["points"] / np.float32(65535) * (high - low),
            normals=arrays["normals"].astype(np.float32),
            triangles=arrays["triangles"].astype(np.int64),
            part=arrays["part"].astype(np.int64),
            tooth=arrays["tooth"].astype(np.int64),
            **share,
        )


def _turn(angle: float) -> Float[np.ndarray, "3 3"]:
    """About x, so that what lies before the hinge goes down."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
