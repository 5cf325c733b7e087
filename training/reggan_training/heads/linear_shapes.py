"""Shapes as sums of offsets, and eyeballs that turn: what most files' face shapes are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reggan_training.heads.eye_gaze import Eyeball, turned_eyeball


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

    def moved(
        self, rest: Float[np.ndarray, "vertices 3"], weights: Mapping[str, float]
    ) -> Float[np.ndarray, "vertices 3"]:
        """Vertices with these weights, float32."""
        vertices = rest.astype(np.float32)
        for side, ball in self.eyeballs.items():
            vertices[ball.vertices] = turned_eyeball(ball, rest, weights, side)
        for name, weight in weights.items():
            if weight:
                shape = self.by_name[name]
                vertices[shape.rows] += np.float32(weight) * shape.offsets
        return vertices


def sparse_offsets_from_dense(
    offsets: Float[np.ndarray, "vertices 3"], threshold: float = 1e-5
) -> SparseOffsets:
    """Keep the vertices that move by more than `threshold`, in the unit of the offsets."""
    rows = np.flatnonzero(np.abs(offsets).max(axis=1) > threshold)
    return SparseOffsets(rows=rows, offsets=offsets[rows].astype(np.float32))
