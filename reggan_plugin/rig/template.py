"""The template: a mean face with ARKit's shapes, and where the landmarks lie on it.

Unit: eye distances; axes: x to the head's own left, y up, z to the front; origin: the middle
between the eyes. Built by `reggan_training.rig.build_template`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from reggan_plugin.array_types import Bool, Float, Int
from reggan_plugin.frozen import frozen
from reggan_plugin.rig.dense_landmarks import LIP_PAIRS

_LOWER: Final = 0.4
"""Share of the jaw's motion from which on a vertex beside the mouth goes with the jaw."""
CONVENTIONS: Final = ("ict", "makehuman", "valid")
"""Families of rigs whose shapes the template knows."""


@frozen(eq=False)
class Template:
    """Mesh of a face that moves.

    Attributes:
        rest: vertices at neutral.
        triangles: counter-clockwise from outside.
        shapes: motion of the vertices at weight 1, by ARKit name: the mean of the conventions.
        conventions: what each family of rigs means by a shape, less that mean, in the order of
            `CONVENTIONS`; by ARKit name. Empty where the shapes are a character's own.
        rows, weights: three vertices and their weights for each landmark of `rig.dense_landmarks`.
        landmarks: the landmarks at rest, irises on the eyeballs.
        jaw: how far each vertex goes with the jaw, 0 to 1.
        keep: 1 on the face, falling to 0 beyond its outline.
    """

    rest: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    shapes: Mapping[str, Float[np.ndarray, "vertices 3"]]
    conventions: Mapping[str, Float[np.ndarray, "conventions vertices 3"]]
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

    def conventions_of(
        self, weights: Mapping[str, float]
    ) -> Float[np.ndarray, "conventions vertices 3"]:
        """Return what each convention adds to `displacement` for ARKit weights."""
        total = np.zeros((len(CONVENTIONS), *self.rest.shape), np.float32)
        for name, weight in weights.items():
            if weight and name in self.conventions:
                total += np.float32(weight) * self.conventions[name]
        return total

    def at_landmarks(
        self, values: Float[np.ndarray, "vertices channels"]
    ) -> Float[np.ndarray, "points channels"]:
        """Values of vertices at the landmarks (of irises: those of the first vertex)."""
        return np.einsum("pk,pkc->pc", self.weights, values[self.rows]).astype(np.float32)


class _ByName(Mapping[str, Float[np.ndarray, "..."]]):
    """Arrays that are made when they are first asked for: an expression takes few of fifty."""

    def __init__(
        self, names: Sequence[str], make: Callable[[int], Float[np.ndarray, "..."]]
    ) -> None:
        self._rows, self._made = {name: row for row, name in enumerate(names)}, cache(make)

    def __getitem__(self, name: str) -> Float[np.ndarray, "..."]:
        return self._made(self._rows[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@cache
def template() -> Template:
    """Return the template of this package, read when first asked for."""
    with np.load(Path(__file__).with_name("template.npz")) as arrays:
        stored, scales = arrays["shapes"], arrays["scales"]
        names = [str(name) for name in arrays["names"]]

        def meant(row: int) -> Float[np.ndarray, "conventions vertices 3"]:
            return stored[:, row].astype(np.float32) * scales[row]

        def mean(row: int) -> Float[np.ndarray, "vertices 3"]:
            return np.asarray(meant(row).mean(axis=0))

        return Template(
            rest=arrays["rest"],
            triangles=arrays["triangles"].astype(np.int64),
            shapes=_ByName(names, mean),
            conventions=_ByName(names, lambda row: meant(row) - mean(row)),
            rows=arrays["landmark_rows"].astype(np.int64),
            weights=arrays["landmark_weights"],
            landmarks=arrays["landmark_rest"],
            jaw=arrays["jaw"] / np.float32(255),
            keep=arrays["keep"] / np.float32(255),
        )


@cache  # a template is compared by identity
def is_lower(template: Template) -> Bool[np.ndarray, " vertices"]:
    """Vertices that go with the jaw rather than with the skull.

    At the mouth's line lips touch, and towards its corners the jaw moves them less and less: which
    lip a vertex is of is told there by what it moves of both.
    """
    upper, lower = LIP_PAIRS
    moved = template.at_landmarks(template.jaw[:, None])[:, 0]
    x = template.landmarks[upper, 0]
    order = np.argsort(x)
    between = (moved[upper] + moved[lower])[order] / 2
    bound = np.interp(template.rest[:, 0], x[order], between, left=_LOWER, right=_LOWER)
    return template.jaw >= bound
