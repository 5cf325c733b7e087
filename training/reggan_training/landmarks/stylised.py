"""Stylised heads: smooth warps of realistic ones that carry their shapes along.

A warp moves space, so it is applied to the vertices of every state: lids that meet still meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from reggan_training.heads.head import HeadMesh, ShapeModel

Points = Float[np.ndarray, "points 3"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bulge:
    """A part of space that is scaled about its middle, less and less away from it.

    Attributes:
        middle: eye distances.
        reach: half axes of the ellipsoid beyond which nothing moves.
        core: share of the reach that is scaled in full.
        scale: along each axis.
        shift: of what is scaled.
    """

    middle: Float[np.ndarray, "3"]
    reach: Float[np.ndarray, "3"]
    core: float
    scale: Float[np.ndarray, "3"]
    shift: Float[np.ndarray, "3"]

    def moved(self, points: Points) -> Points:
        """Points after this bulge alone."""
        away = points - self.middle
        distance = np.linalg.norm(away / self.reach, axis=1)
        share = np.clip((1 - distance) / (1 - self.core), 0, 1)
        share = (share * share * share * (10 - 15 * share + 6 * share * share))[:, None]
        return points + share * (away * (self.scale - 1) + self.shift)


@dataclass(frozen=True, eq=False)
class WarpedShapes:
    """Shapes of another head, seen through a warp."""

    own: ShapeModel
    rest: Points
    bulges: tuple[Bulge, ...]

    def moved(self, rest: Points, weights: Mapping[str, float]) -> Points:
        """Vertices with these weights; `rest` is the warped one and is not needed."""
        return _warped(self.own.moved(self.rest, weights), self.bulges)


def stylise(head: HeadMesh, random: np.random.Generator, strength: float = 1.0) -> HeadMesh:
    """A head with eyes, mouth, nose and outline of other proportions.

    Args:
        head: a realistic one.
        random: of everything.
        strength: 1 for proportions up to those of toons; 0 changes nothing.
    """
    bulges = _sample_bulges(head, random, strength)
    iris = float(np.exp(strength * random.normal(0.12, 0.28)))
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


def _sample_bulges(
    head: HeadMesh, random: np.random.Generator, strength: float
) -> tuple[Bulge, ...]:
    def factor(low: float, high: float) -> float:
        return float(np.exp(strength * random.uniform(np.log(low), np.log(high))))

    def along(x: float, y: float, z: float) -> Float[np.ndarray, "3"]:
        return np.array([x, y, z], float)

    nose = head.rest[head.nose_tip].astype(float)
    mouth = head.rest[[head.mouth_right, head.mouth_left]].mean(axis=0).astype(float)
    chin = head.rest[head.chin].astype(float)
    bulges = []
    eye, tall = factor(0.72, 1.75), factor(0.75, 1.45)
    for side in (-1.0, 1.0):
        # the eyes' own sphere grows with the lids; what is left between them is the nose's root
        bulges.append(
            Bulge(
                middle=along(side * 0.5, 0.0, 0.3),
                reach=along(0.62, 0.62, 1.2),
                core=0.35,
                scale=along(eye, eye * tall, 1 + 0.3 * (eye - 1)),
                shift=along(side * strength * random.uniform(-0.02, 0.1), 0.0, 0.0),
            )
        )
    wide, high = factor(0.5, 1.5), factor(0.6, 1.4)
    bulges.append(
        Bulge(
            middle=mouth,
            reach=along(0.95, 0.62, 1.3),
            core=0.3,
            scale=along(wide, high, 1.0),
            shift=along(0.0, strength * random.uniform(-0.08, 0.1), 0.0),
        )
    )
    size = factor(0.45, 1.5)
    bulges.append(
        Bulge(
            middle=nose + along(0, 0.08, -0.12),
            reach=along(0.5, 0.5, 0.8),
            core=0.2,
            scale=along(size, size, factor(0.4, 1.6)),
            shift=along(0.0, 0.0, 0.0),
        )
    )
    bulges.append(
        Bulge(
            middle=chin + along(0, 0.1, -0.3),
            reach=along(1.5, 0.9, 1.8),
            core=0.1,
            scale=along(factor(0.55, 1.45), factor(0.75, 1.3), 1.0),
            shift=along(0.0, strength * random.uniform(-0.2, 0.2), strength * random.uniform(-0.1, 0.12)),
        )
    )
    bulges.append(
        Bulge(
            middle=along(0.0, 0.75, -0.6),
            reach=along(2.4, 1.9, 2.6),
            core=0.1,
            scale=along(factor(0.8, 1.3), factor(0.75, 1.4), factor(0.9, 1.2)),
            shift=along(0.0, strength * random.uniform(-0.1, 0.25), 0.0),
        )
    )
    brow = strength * random.uniform(-0.05, 0.14)
    bulges.append(
        Bulge(
            middle=along(0.0, 0.42, 0.2),
            reach=along(1.3, 0.42, 1.0),
            core=0.1,
            scale=along(factor(0.85, 1.2), 1.0, 1.0),
            shift=along(0.0, brow, 0.0),
        )
    )
    return tuple(bulges)
