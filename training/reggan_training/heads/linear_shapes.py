"""Shapes as sums of offsets, and eyeballs that turn: what most files' face shapes are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.head import Vertices

_SIDEWAYS_DEG, _UP_DEG, _DOWN_DEG = 30.0, 25.0, 30.0
"""Turn of an eye at weight 1; a choice of ours, near what ARKit's own face model shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Eyeball:
    """The vertices of one eyeball and the point that it turns about."""

    vertices: Int[np.ndarray, " ball"]
    centre: Float[np.ndarray, "3"]


def turned_eyeball(
    ball: Eyeball, rest: Vertices, weights: Mapping[str, float], side: str
) -> Float[np.ndarray, "ball 3"]:
    """Vertices of an eyeball with these weights.

    Args:
        ball: which vertices; its centre in the same coordinates as `rest`.
        rest: all vertices at neutral.
        weights: ARKit weights; only `eyeLook…` of this side count.
        side: `left` or `right`, the head's own.
    """

    def weight(direction: str) -> float:
        return weights.get(f"eyeLook{direction}{side.capitalize()}", 0.0)

    outwards = 1.0 if side == "left" else -1.0
    yaw = np.radians(_SIDEWAYS_DEG) * outwards * (weight("Out") - weight("In"))
    pitch = np.radians(_UP_DEG * weight("Up") - _DOWN_DEG * weight("Down"))
    if not yaw and not pitch:
        return rest[ball.vertices]
    turn = _about_y(yaw) @ _about_x(-pitch)
    turned = (rest[ball.vertices] - ball.centre) @ turn.T + ball.centre
    return turned.astype(rest.dtype)


def _about_y(angle: float) -> Float[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _about_x(angle: float) -> Float[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseOffsets:
    """One shape: the vertices that it moves, and by how much at weight 1."""

    rows: Int[np.ndarray, " moved"]
    offsets: Float[np.ndarray, "moved 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearShapes:
    """Vertices as rest + sum of weight times offsets; eyeballs turn by the eyeLook weights.

    Attributes:
        by_name: offsets by ARKit name.
        eyeballs: by side, `left` and `right`; without them, gaze is what `by_name` says.
    """

    by_name: Mapping[str, SparseOffsets]
    eyeballs: Mapping[str, Eyeball]

    def moved(self, rest: Vertices, weights: Mapping[str, float]) -> Vertices:
        """Vertices with these weights, float32."""
        vertices = rest.astype(np.float32)
        for side, ball in self.eyeballs.items():
            vertices[ball.vertices] = turned_eyeball(ball, rest, weights, side)
        for name, weight in weights.items():
            if weight:
                shape = self.by_name[name]
                vertices[shape.rows] += np.float32(weight) * shape.offsets
        return vertices


def sparse_offsets_from_dense(offsets: Vertices, threshold: float = 1e-5) -> SparseOffsets:
    """Keep the vertices that move by more than `threshold`, in the unit of the offsets."""
    rows = np.flatnonzero(np.abs(offsets).max(axis=1) > threshold)
    return SparseOffsets(rows=rows, offsets=offsets[rows].astype(np.float32))
