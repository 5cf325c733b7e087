"""Shapes as sums of offsets, and eyeballs that turn: what most families' face shapes are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

LOOK_DOWN_DEGREES: Final = 25.0
LOOK_UP_DEGREES: Final = 25.0
LOOK_SIDE_DEGREES: Final = 30.0
"""How far an eyeball turns at weight 1. ARKit names the shapes, but no angles; with these, pupils
stay inside the lids' opening and the upper lid of ICT FaceKit's eyeLookDown still covers them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseOffsets:
    """One shape: the vertices that it moves, and by how much at weight 1."""

    rows: Int[np.ndarray, " moved"]
    offsets: Float[np.ndarray, "moved 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Eyeball:
    """One eye's sphere.

    Attributes:
        rows: vertices that turn with it.
        centre: what they turn about.
        outwards: +1 for the own left eye, -1 for the right one: the sign of x away from the nose.
    """

    rows: Int[np.ndarray, " eye"]
    centre: Float[np.ndarray, " 3"]
    outwards: float


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearShapes:
    """Vertices as rest + sum of weight times offsets; eyeballs turn by the eyeLook weights.

    Attributes:
        by_name: offsets by ARKit name.
        eyeballs: by side, `Left` and `Right`; without them, gaze is what `by_name` says.
    """

    by_name: Mapping[str, SparseOffsets]
    eyeballs: Mapping[str, Eyeball]

    def moved(
        self, rest: Float[np.ndarray, "vertices 3"], weights: Mapping[str, float]
    ) -> Float[np.ndarray, "vertices 3"]:
        """Vertices with these weights, float32."""
        vertices = rest.astype(np.float32)
        for side, eyeball in self.eyeballs.items():
            turn = _rotation_from_gaze(weights, side, eyeball.outwards)
            arms = rest[eyeball.rows] - eyeball.centre
            vertices[eyeball.rows] = eyeball.centre + arms @ turn.T
        for name, weight in weights.items():
            shape = self.by_name.get(name)
            if weight and shape is not None:
                vertices[shape.rows] += np.float32(weight) * shape.offsets
        return vertices


def sparse_offsets_from_dense(
    offsets: Float[np.ndarray, "vertices 3"], threshold: float = 1e-5
) -> SparseOffsets:
    """Keep the vertices that move by more than `threshold`, in the unit of the offsets."""
    rows = np.flatnonzero(np.abs(offsets).max(axis=1) > threshold)
    return SparseOffsets(rows=rows, offsets=offsets[rows].astype(np.float32))


def _rotation_from_gaze(
    weights: Mapping[str, float], side: str, outwards: float
) -> Float[np.ndarray, "3 3"]:
    """Turn about y (to the side), then about x (up and down)."""

    def weight(direction: str) -> float:
        return weights.get(f"eyeLook{direction}{side}", 0.0)

    out = LOOK_SIDE_DEGREES * (weight("Out") - weight("In"))
    yaw = np.radians(outwards * out)
    pitch = np.radians(LOOK_DOWN_DEGREES * weight("Down") - LOOK_UP_DEGREES * weight("Up"))
    (cy, sy), (cp, sp) = (np.cos(yaw), np.sin(yaw)), (np.cos(pitch), np.sin(pitch))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn: Float[np.ndarray, "3 3"] = about_y @ about_x
    return turn
