"""The template: a mean face with ARKit's shapes, and where the landmarks lie on it.

Unit: eye distances; axes: x to the head's own left, y up, z to the front; origin: the middle
between the eyes. Built by `reggan_training.rig.template`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from reggan_plugin.array_types import Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """Mesh of a face that moves.

    Attributes:
        rest: vertices at neutral.
        triangles: counter-clockwise from outside.
        shapes: motion of the vertices at weight 1, by ARKit name.
        rows, weights: three vertices and their weights for each landmark of `rig.layout`.
        landmarks: the landmarks at rest, irises on the eyeballs.
        jaw: how far each vertex goes with the jaw, 0 to 1.
        keep: 1 on the face, falling to 0 beyond its outline.
    """

    rest: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    shapes: Mapping[str, Float[np.ndarray, "vertices 3"]]
    rows: Int[np.ndarray, "points 3"]
    weights: Float[np.ndarray, "points 3"]
    landmarks: Float[np.ndarray, "points 3"]
    jaw: Float[np.ndarray, " vertices"]
    keep: Float[np.ndarray, " vertices"]

    def displacement(self, weights: Mapping[str, float]) -> Float[np.ndarray, "vertices 3"]:
        """Motion of the vertices for ARKit weights; names that are missing are 0."""
        total = np.zeros_like(self.rest)
        for name, weight in weights.items():
            if weight and name in self.shapes:
                total += np.float32(weight) * self.shapes[name]
        return total

    def at_landmarks(
        self, values: Float[np.ndarray, "vertices channels"]
    ) -> Float[np.ndarray, "points channels"]:
        """Values of vertices at the landmarks (of irises: those of the first vertex)."""
        return np.einsum("pk,pkc->pc", self.weights, values[self.rows]).astype(np.float32)


@cache
def template() -> Template:
    """The template of this package, read when first asked for."""
    path = resources.files("reggan_plugin.rig") / "template.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        deltas = arrays["shapes"].astype(np.float32) * arrays["scales"][:, None, None]
        names = [str(name) for name in arrays["names"]]
        return Template(
            rest=arrays["rest"],
            triangles=arrays["triangles"].astype(np.int64),
            shapes=dict(zip(names, deltas, strict=True)),
            rows=arrays["landmark_rows"].astype(np.int64),
            weights=arrays["landmark_weights"],
            landmarks=arrays["landmark_rest"],
            jaw=arrays["jaw"] / np.float32(255),
            keep=arrays["keep"] / np.float32(255),
        )
