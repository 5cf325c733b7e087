"""The face rig: joints, skin weights, and the pose units that turn its bones."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from reggan_plugin.errors import SourceError
from reggan_training.heads.anatomy.meshes import Points


@dataclass(frozen=True, kw_only=True, eq=False)
class Rig:
    """Bones in an order in which parents come first; `parents` is −1 for the root.

    `joints` are the body points whose mean is a bone's head. `weights` has a row for each body
    point and sums to 1 (points without weight hang on the root).
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    joints: tuple[Int[np.ndarray, " _"], ...]
    weights: Float[np.ndarray, "points bones"]

    def heads(self, body: Points) -> Float[np.ndarray, "bones 3"]:
        """Position of each bone's head in this body, in metres."""
        return np.array([body[joint].mean(axis=0) for joint in self.joints])


def read_rig(skeleton: Path, weights: Path, points: int) -> Rig:
    """An .mhskel file with its .mhw weights, for a body of so many points.

    Raises:
        SourceError: a file is missing or is not what its ending says.
    """
    bones = _json(skeleton).get("bones", {})
    joints = _json(skeleton).get("joints", {})
    table = _json(weights).get("weights", {})
    if not bones or not joints or not table:
        raise SourceError(
            f"{skeleton} and {weights} hold {len(bones)} bones, {len(joints)} joints and"
            f" {len(table)} weighted bones; all three are needed. Fetch both files again."
        )
    names = _parents_first({name: bone["parent"] for name, bone in bones.items()})
    skin = np.zeros((points, len(names)))
    for name, rows in table.items():
        if name in names and rows:
            row, value = np.array(rows, dtype=np.float64).T
            np.add.at(skin[:, names.index(name)], row.astype(np.int64), value)
    skin[skin.sum(axis=1) == 0, 0] = 1.0
    return Rig(
        bones=names,
        parents=tuple(
            names.index(bones[name]["parent"]) if bones[name]["parent"] else -1 for name in names
        ),
        joints=tuple(np.array(joints[bones[name]["head"]]) for name in names),
        weights=skin / skin.sum(axis=1, keepdims=True),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch the assets.") from error
    except ValueError as error:
        raise SourceError(f"{path} is not JSON ({error}). Fetch the file again.") from error
    if not isinstance(content, dict):
        raise SourceError(f"{path} holds no JSON object. Fetch the file again.")
    return content


def _parents_first(parents: dict[str, str | None]) -> tuple[str, ...]:
    ordered: list[str] = []
    waiting = dict(parents)
    while waiting:
        ready = [name for name, above in waiting.items() if above is None or above in ordered]
        if not ready:
            raise SourceError(f"bones {sorted(waiting)} have no root. Fetch the skeleton again.")
        ordered += ready
        waiting = {name: above for name, above in waiting.items() if name not in ready}
    return tuple(ordered)


def read_pose_units(
    motion: Path, names: Path, bones: tuple[str, ...]
) -> dict[str, Float[np.ndarray, "bones 3"]]:
    """Each unit's turn of each bone, as a rotation vector (radians, this package's axes).

    The BVH holds one frame for each unit, the rest pose first; its z is up.

    Raises:
        SourceError: a file is missing, or the frames are not those that the names promise.
    """
    units = [str(unit) for unit in _json(names).get("framemapping", [])]
    try:
        words = motion.read_text(encoding="utf-8").split()
    except OSError as error:
        raise SourceError(f"{motion} cannot be read ({error.strerror}). Fetch it.") from error
    joints, channels = _channels(words)
    values = [float(word) for word in words[words.index("Time:") + 2 :]]
    if len(values) != len(units) * len(channels):
        raise SourceError(
            f"{motion} holds {len(values)} values; {len(units)} units in {names.name} of"
            f" {len(channels)} channels each were expected. Fetch both files again."
        )
    frames = np.deg2rad(np.array(values).reshape(len(units), len(channels)))
    turned = {name: np.zeros((len(bones), 3)) for name in units}
    for joint in joints:
        if joint not in bones:
            continue
        mats = np.tile(np.eye(3), (len(units), 1, 1))
        for column, (owner, channel) in enumerate(channels):
            if owner == joint and channel.endswith("rotation"):
                axis = np.eye(3)["XYZ".index(channel[0])]
                mats = mats @ rotations_from_vectors(frames[:, column, None] * axis)
        relative = np.swapaxes(mats[:1], 1, 2) @ mats
        for name, vector in zip(units, vectors_from_rotations(relative), strict=True):
            turned[name][bones.index(joint)] = vector
    return {
        name: turn if "Left" in name or "Right" in name else _evened(turn, bones)
        for name, turn in turned.items()
    }


def _evened(
    turn: Float[np.ndarray, "bones 3"], bones: tuple[str, ...]
) -> Float[np.ndarray, "bones 3"]:
    """A unit of both sides with the right side's turns the mirror image of the left side's."""
    even = turn.copy()
    for row, name in enumerate(bones):
        if name.endswith(".L"):
            even[bones.index(name[:-2] + ".R")] = turn[row] * [1.0, -1.0, -1.0]
    return even


def _channels(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    joints: list[str] = []
    channels: list[tuple[str, str]] = []
    for place, word in enumerate(words):
        if word in ("ROOT", "JOINT"):
            joints.append(words[place + 1])
        elif word == "CHANNELS":
            count = int(words[place + 1])
            channels += [(joints[-1], kind) for kind in words[place + 2 : place + 2 + count]]
        elif word == "MOTION":
            break
    return joints, channels


def rotations_from_vectors(
    vectors: Float[np.ndarray, "turns 3"],
) -> Float[np.ndarray, "turns 3 3"]:
    """Rotation matrices from rotation vectors (axis × radians). Source: Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    safe = np.where(angle < 1e-9, 1.0, angle)
    first = np.where(angle < 1e-9, 1.0, np.sin(safe) / safe)
    second = np.where(angle < 1e-9, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + first * cross + second * (cross @ cross)


def vectors_from_rotations(
    rotations: Float[np.ndarray, "turns 3 3"],
) -> Float[np.ndarray, "turns 3"]:
    """Rotation vectors from matrices of turns below half a turn."""
    sine = 0.5 * np.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        axis=1,
    )
    size = np.linalg.norm(sine, axis=1, keepdims=True)
    cosine = 0.5 * (np.trace(rotations, axis1=1, axis2=2)[:, None] - 1)
    angle = np.arctan2(size, cosine)
    return sine * np.where(size < 1e-12, 1.0, angle / np.maximum(size, 1e-12))


def bone_transforms(
    rig: Rig,
    heads: Float[np.ndarray, "bones 3"],
    turns: Float[np.ndarray, "bones 3"],
) -> Float[np.ndarray, "bones 3 4"]:
    """Each bone's motion from rest, as an affine matrix on points in metres.

    `turns` are rotation vectors relative to the parent, about axes parallel to ours.
    """
    local = rotations_from_vectors(turns)
    motions = np.zeros((len(rig.bones), 3, 4))
    for bone, parent in enumerate(rig.parents):
        above = motions[parent] if parent >= 0 else np.eye(3, 4)
        turn = above[:, :3] @ local[bone]
        place = above[:, :3] @ heads[bone] + above[:, 3]
        motions[bone, :, :3] = turn
        motions[bone, :, 3] = place - turn @ heads[bone]
    return motions


def skin_points(
    points: Points,
    weights: Float[np.ndarray, "points bones"],
    motions: Float[np.ndarray, "bones 3 4"],
) -> Points:
    """Points carried by the bones that hold them: linear blend skinning."""
    blended = np.tensordot(weights, motions, axes=1)
    return np.einsum("pij,pj->pi", blended[:, :, :3], points) + blended[:, :, 3]
