"""Stylised heads: smooth warps of realistic ones that carry their shapes along.

A warp moves space, so it is applied to the vertices of every state: lids that meet still meet.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from reggan_plugin.frozen import frozen
from reggan_training.heads.head import HeadMesh, ShapeModel

Vector = Float[np.ndarray, "3"]
Triple = tuple[float, float, float]
Points = Float[np.ndarray, "points 3"]


@frozen(eq=False)
class Bulge:
    """A part of space that is scaled about its middle, less and less away from it.

    Attributes:
        middle: in the head's space, eye distances.
        reach: half axes of the ellipsoid beyond which nothing moves, eye distances.
        core: share of the reach that is scaled in full, 0 to 1.
        scale: factors along each axis.
        shift: of what is scaled, eye distances.
    """

    middle: Vector | Triple
    reach: Vector | Triple
    core: float
    scale: Triple
    shift: Triple = (0.0, 0.0, 0.0)

    def moved(self, points: Points) -> Points:
        """Points after this bulge alone."""
        away = points - np.asarray(self.middle)
        distance = np.linalg.norm(away / self.reach, axis=1)
        share = np.clip((1 - distance) / (1 - self.core), 0, 1)
        share = (share * share * share * (10 - 15 * share + 6 * share * share))[:, None]
        return points + share * (away * (np.array(self.scale) - 1) + self.shift)


@frozen(kw_only=False, eq=False)
class WarpedShapes:
    """Shapes of another head, seen through a warp."""

    own: ShapeModel
    rest: Points
    bulges: tuple[Bulge, ...]

    def moved(self, rest: Points, weights: Mapping[str, float]) -> Points:  # noqa: ARG002 - every head's shapes take it
        """Vertices with these weights; `rest` is the warped one and is not needed."""
        return _warped(self.own.moved(self.rest, weights), self.bulges)


def stylise(head: HeadMesh, random: np.random.Generator, strength: float = 1.0) -> HeadMesh:
    """Give a head eyes, mouth, nose and outline of other proportions.

    Args:
        head: a realistic one.
        random: of everything.
        strength: 1 for proportions up to those of toons; 0 changes nothing.

    Returns:
        The head; its note `iris` says how large irises are, in parts of usual ones.
    """
    bulges = _sample_bulges(head, _Proportions(random, strength))
    return warped_head(head, bulges, iris=float(np.exp(strength * random.normal(0.12, 0.28))))


def warped_head(head: HeadMesh, bulges: tuple[Bulge, ...], *, iris: float) -> HeadMesh:
    """Warp a head by bulges, one after the other; `iris` is the size of its irises."""
    return replace(
        head,
        rest=_warped(head.rest, bulges).astype(np.float32),
        shapes=WarpedShapes(head.shapes, head.rest, bulges),
        eye_angle=np.where(head.eye_angle < np.pi, head.eye_angle / iris, head.eye_angle),
        notes={**head.notes, "iris": iris},
    )


def _warped(points: Points, bulges: tuple[Bulge, ...]) -> Points:
    result = points.astype(np.float64)
    for bulge in bulges:
        result = bulge.moved(result)
    return result.astype(np.float32)


@frozen(kw_only=False)
class _Proportions:
    """Random factors and shifts of a strength."""

    random: np.random.Generator
    strength: float

    def factor(self, low: float, high: float) -> float:
        return float(np.exp(self.strength * self.random.uniform(np.log(low), np.log(high))))

    def shift(self, low: float, high: float) -> float:
        return self.strength * self.random.uniform(low, high)


def _sample_bulges(head: HeadMesh, drawn: _Proportions) -> tuple[Bulge, ...]:
    """Bulges in the order in which they are applied."""
    factor, shift = drawn.factor, drawn.shift
    nose, mouth, chin = middles_of(head)
    eye, tall = factor(0.72, 1.75), factor(0.75, 1.45)
    eyes = [  # their own spheres with the lids; what is left between is the nose's root
        Bulge(
            middle=(side * 0.5, 0.0, 0.3), reach=(0.62, 0.62, 1.2), core=0.35,
            scale=(eye, eye * tall, 1 + 0.3 * (eye - 1)),
            shift=(side * shift(-0.02, 0.1), 0.0, 0.0),
        )
        for side in (-1.0, 1.0)
    ]  # fmt: skip
    return (
        *eyes,
        Bulge(
            middle=mouth, reach=(0.95, 0.62, 1.3), core=0.3,
            scale=(factor(0.5, 1.5), factor(0.6, 1.4), 1.0), shift=(0.0, shift(-0.08, 0.1), 0.0),
        ),
        Bulge(
            middle=nose + np.array((0, 0.08, -0.12)), reach=(0.5, 0.5, 0.8), core=0.2,
            scale=(size := factor(0.45, 1.5), size, factor(0.4, 1.6)),
        ),
        Bulge(
            middle=chin + np.array((0, 0.1, -0.3)), reach=(1.5, 0.9, 1.8), core=0.1,
            scale=(factor(0.55, 1.45), factor(0.75, 1.3), 1.0),
            shift=(0.0, shift(-0.2, 0.2), shift(-0.1, 0.12)),
        ),
        Bulge(
            middle=(0.0, 0.75, -0.6), reach=(2.4, 1.9, 2.6), core=0.1,
            scale=(factor(0.8, 1.3), factor(0.75, 1.4), factor(0.9, 1.2)),
            shift=(0.0, shift(-0.1, 0.25), 0.0),
        ),
        Bulge(  # brows
            middle=(0.0, 0.42, 0.2), reach=(1.3, 0.42, 1.0), core=0.1,
            shift=(0.0, shift(-0.05, 0.14), 0.0), scale=(factor(0.85, 1.2), 1.0, 1.0),
        ),
    )  # fmt: skip


def middles_of(head: HeadMesh) -> tuple[Vector, Vector, Vector]:
    """Tip of the nose, middle of the mouth, chin."""
    rest = head.rest.astype(float)
    mouth = head.rest[[head.mouth_right, head.mouth_left]].mean(axis=0).astype(float)
    return rest[head.nose_tip], mouth, rest[head.chin]
