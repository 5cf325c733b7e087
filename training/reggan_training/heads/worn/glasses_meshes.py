"""Glasses as meshes fitted to a head: rims, bridge and temples, and the lenses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reggan_training.heads.anatomy.meshes import MeshPiece, Points
from reggan_training.heads.worn.wearer import Wearer

_AROUND = 8
_RIM_POINTS = 40
_CORNEA_TO_LENS = 0.012
_CLEARANCE = 0.0025
_SLOPE = 0.014
"""A temple rises or falls by so much at most from the hinge to the ear, in metres."""


@dataclass(frozen=True, kw_only=True)
class GlassesShape:
    """A frame; lengths in metres.

    `width` and `height` are of one lens; `roundness` 2 is an ellipse, more is squarer; `drop`
    lowers the outer lower corner as aviators do.
    """

    width: float
    height: float
    roundness: float
    rim: float
    drop: float = 0.0


GLASSES_SHAPES: Mapping[str, GlassesShape] = {
    "round": GlassesShape(width=0.044, height=0.042, roundness=2.0, rim=0.0009),
    "oval": GlassesShape(width=0.049, height=0.034, roundness=2.2, rim=0.0011),
    "rectangle": GlassesShape(width=0.051, height=0.031, roundness=4.0, rim=0.0014),
    "square": GlassesShape(width=0.050, height=0.040, roundness=4.0, rim=0.0019),
    "aviator": GlassesShape(width=0.054, height=0.045, roundness=2.4, rim=0.0007, drop=0.006),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Glasses:
    """Glasses in the head's own place, metres; they do not move with the face."""

    frame: MeshPiece
    frame_points: Points
    lenses: MeshPiece
    lens_points: Points


def build_glasses(head: Wearer, shape: GlassesShape | str, random: np.random.Generator) -> Glasses:
    """Glasses of a shape (or the shape so called), resting on this nose and these ears."""
    if isinstance(shape, str):
        shape = GLASSES_SHAPES[shape]
    scale = _eye_distance(head) / 0.062 * random.uniform(0.96, 1.04)
    plane = _lens_plane(head)
    pieces = []
    lenses = []
    hinge_height = 0.3 * shape.height * scale
    for side, sign in (("left", 1.0), ("right", -1.0)):
        eye = head.eyes[side].centre
        centre = np.array([eye[0] + sign * 0.001, plane, eye[2] - 0.002])
        rim = centre + scale * _outline(shape, sign)
        rim[:, 1] += _WRAP * rim[:, 0] ** 2
        pieces.append(_tube(rim, shape.rim * scale, is_closed=True))
        lenses.append(_disc(rim))
        hinge = rim[np.argmax(sign * rim[:, 0] - 0.3 * np.abs(rim[:, 2] - eye[2] - hinge_height))]
        pieces.append(_tube(_temple(head, sign, hinge), shape.rim * scale, is_closed=False))
    pieces.append(_tube(_bridge(pieces[0][0], pieces[2][0], plane), shape.rim * scale, False))
    frame, frame_points = _joined("glasses_frame", pieces)
    lens, lens_points = _joined("glasses_lenses", lenses)
    return Glasses(frame=frame, frame_points=frame_points, lenses=lens, lens_points=lens_points)


_WRAP = 1.6
"""How the frame bends back to the temples: depth is this times the square of the side, 1/m."""
_Piece = tuple[Points, np.ndarray]


def _eye_distance(head: Wearer) -> float:
    return float(head.eyes["left"].centre[0] - head.eyes["right"].centre[0])


def _lens_plane(head: Wearer) -> float:
    """Distance of the lenses in front: clear of the lashes, the brows and the nose's bridge."""
    eyes = head.eyes.values()
    front = min(eye.centre[1] - eye.radius for eye in eyes) - _CORNEA_TO_LENS
    brows = head.rest["skin"][head.region("brow") > 0.3]
    return float(min(front, np.quantile(brows[:, 1], 0.1) - _CLEARANCE))


def _outline(shape: GlassesShape, sign: float) -> Float[np.ndarray, "rim 3"]:
    turn = np.linspace(0, 2 * np.pi, _RIM_POINTS, endpoint=False)
    power = 2 / shape.roundness
    across = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * shape.width / 2
    up = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * shape.height / 2
    up = up - shape.drop * np.clip(across / shape.width + 0.5, 0, 1) * (up < 0)
    return np.column_stack([sign * across, 0 * turn, up])


def _temple(
    head: Wearer, sign: float, hinge: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "bends 3"]:
    skin = head.rest["skin"]
    is_ear = (head.region("ears") > 0.5) & (sign * head.canonical[:, 0] > 0)
    ear = skin[is_ear]
    top = ear[:, 2] > np.quantile(ear[:, 2], 0.85)
    height = np.clip(ear[top, 2].max(), hinge[2] - _SLOPE, hinge[2] + _SLOPE)
    root = np.array([np.min(sign * ear[top, 0]), np.quantile(ear[top, 1], 0.2), height])
    beside = skin[(sign * skin[:, 0] > 0) & (np.abs(skin[:, 2] - root[2]) < 0.012)]
    beside = beside[(beside[:, 1] > hinge[1]) & (beside[:, 1] < root[1])]
    width = max(float(np.max(sign * beside[:, 0])), float(root[0])) + 0.002
    rest = np.array([sign * width, root[1], root[2] - 0.001])
    behind = rest + np.array([-sign * 0.004, 0.022, -0.020])
    corner = hinge + np.array([sign * 0.004, 0.003, 0.0])
    return np.stack([hinge, corner, 0.5 * (corner + rest), rest, behind])


def _bridge(left: Points, right: Points, plane: float) -> Float[np.ndarray, "bends 3"]:
    inner = [rim[np.argmin(np.abs(rim[:, 0]) - 0.4 * rim[:, 2])] for rim in (left, right)]
    middle = (inner[0] + inner[1]) / 2 + np.array([0.0, -0.003, 0.003])
    middle[1] = min(middle[1], plane)
    quarter = [0.5 * (inner[i] + middle) + np.array([0, 0, 0.0008]) for i in (0, 1)]
    return np.stack([inner[0], quarter[0], middle, quarter[1], inner[1]])


def _tube(line: Float[np.ndarray, "bends 3"], radius: float, is_closed: bool) -> _Piece:
    """A round tube along a line."""
    ahead = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    if not is_closed:
        ahead[0], ahead[-1] = line[1] - line[0], line[-1] - line[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    across = np.cross(ahead, np.array([0.05, 0.1, 0.99]))
    steep = np.linalg.norm(across, axis=1) < 0.3
    across[steep] = np.cross(ahead[steep], np.array([0.05, 0.99, 0.1]))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(across, ahead)
    turn = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)[None, :, None]
    rings = line[:, None] + radius * (np.cos(turn) * across[:, None] + np.sin(turn) * up[:, None])
    grid = np.arange(len(line) * _AROUND).reshape(len(line), _AROUND)
    after = np.roll(grid, -1, axis=0) if is_closed else grid[1:]
    grid = grid if is_closed else grid[:-1]
    faces = np.stack([grid, np.roll(grid, -1, 1), np.roll(after, -1, 1), after], axis=2)
    return rings.reshape(-1, 3), faces.reshape(-1, 4)


def _disc(rim: Float[np.ndarray, "rim 3"]) -> _Piece:
    points = np.concatenate([rim, rim.mean(axis=0, keepdims=True)])
    edge = np.arange(len(rim))
    middle = np.full_like(edge, len(rim))
    return points, np.stack([edge, np.roll(edge, -1), middle, middle], axis=1)


def _joined(name: str, pieces: list[_Piece]) -> tuple[MeshPiece, Points]:
    points = np.concatenate([piece for piece, _ in pieces])
    starts = np.cumsum([0] + [len(piece) for piece, _ in pieces])
    faces = np.concatenate([rows + start for (_, rows), start in zip(pieces, starts, strict=False)])
    uv = np.zeros((1, 2))
    return MeshPiece(name=name, faces=faces, uv=uv, uv_faces=np.zeros_like(faces)), points
