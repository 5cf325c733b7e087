"""A head of a few thousand triangles: a curved sheet with a slit before a row of teeth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reggan_training.heads.head import REGIONS, HeadMesh, Part

SLIT = -1.1
"""Where the lips meet, in eye distances below the eyes."""


@dataclass(frozen=True, eq=False)
class Sums:
    deltas: Mapping[str, np.ndarray]

    def moved(self, rest: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        moved = rest.astype(np.float32)
        for name, weight in weights.items():
            if weight:
                moved = moved + np.float32(weight) * self.deltas[name]
        return moved


def sheet(
    low: tuple[float, float], high: tuple[float, float], steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a flat sheet between two corners."""
    x, y = np.meshgrid(np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps))
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1)
    at = np.arange(steps * steps).reshape(steps, steps)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    faces = [np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]
    return points, np.concatenate(faces).reshape(-1, 3)


def made_head(identity: str = "one") -> HeadMesh:
    """Opens its mouth, smiles and raises its brows; the same for every name."""
    upper, upper_faces = sheet((-1.3, SLIT), (1.3, 1.2), 48)
    lower, lower_faces = sheet((-1.3, -2.2), (1.3, SLIT), 40)
    teeth, teeth_faces = sheet((-1.1, SLIT - 0.9), (1.1, SLIT + 0.4), 24)
    for part, depth in ((upper, 0.0), (lower, 0.0), (teeth, 0.2)):
        part[:, 2] = -0.35 * (part[:, 0] ** 2 + (0.6 * (part[:, 1] + 0.5)) ** 2) - depth
    rest = np.concatenate([upper, lower, teeth]).astype(np.float32)
    ends = len(upper), len(upper) + len(lower)
    triangles = np.concatenate([upper_faces, lower_faces + ends[0], teeth_faces + ends[1]])
    parts = np.repeat(
        np.array([Part.SKIN, Part.SKIN, Part.TEETH], dtype=np.uint8),
        [len(upper_faces), len(lower_faces), len(teeth_faces)],
    )
    regions = np.zeros((len(rest), len(REGIONS)), dtype=np.uint8)
    near_mouth = np.abs(rest[:, 1] - SLIT) < 0.12
    regions[near_mouth & (np.abs(rest[:, 0]) < 0.42), REGIONS.index("lips")] = 255
    regions[_near(rest, 0.5, 0.35, 0.2) > 0.7, REGIONS.index("brows")] = 255
    regions[_near(rest, -0.5, 0.35, 0.2) > 0.7, REGIONS.index("brows")] = 255

    def vertex(x: float, y: float, below: bool = False) -> int:
        away = np.hypot(rest[:, 0] - x, rest[:, 1] - y)
        away[ends[1] :] = np.inf
        away[: ends[0]] += 9.0 * below
        return int(away.argmin())

    return HeadMesh(
        family="made",
        identity=identity,
        triangles=triangles.astype(np.int32),
        parts=parts,
        rest=rest,
        canonical=rest,
        regions=regions,
        eye_angle=np.full(len(rest), np.pi, dtype=np.float32),
        controls=("browInnerUp", "jawOpen", "mouthSmileLeft", "mouthSmileRight"),
        shapes=Sums(_deltas(rest, ends)),
        left_eye_vertices=np.array([vertex(0.5, 0)]),
        right_eye_vertices=np.array([vertex(-0.5, 0)]),
        nose_tip=vertex(0, -0.6),
        mouth_left=vertex(0.4, SLIT),
        mouth_right=vertex(-0.4, SLIT),
        chin=vertex(0, -1.8, below=True),
    )


def _deltas(rest: np.ndarray, ends: tuple[int, int]) -> dict[str, np.ndarray]:
    deltas = {}
    is_lower = (np.arange(len(rest)) >= ends[0]) & (np.arange(len(rest)) < ends[1])
    is_skin = np.arange(len(rest)) < ends[1]
    jaw = np.zeros_like(rest)
    jaw[:, 1] = -0.5 * is_lower * np.exp(-((rest[:, 0] / 0.55) ** 4))
    deltas["jawOpen"] = jaw
    brows = np.zeros_like(rest)
    brows[:, 1] = 0.18 * is_skin * (_near(rest, 0.5, 0.35, 0.3) + _near(rest, -0.5, 0.35, 0.3))
    deltas["browInnerUp"] = brows
    for name, side in (("mouthSmileLeft", 1), ("mouthSmileRight", -1)):
        smile = np.zeros_like(rest)
        corner = is_skin * _near(rest, side * 0.45, SLIT, 0.25)
        smile[:, 0], smile[:, 1] = 0.1 * side * corner, 0.14 * corner
        deltas[name] = smile
    return deltas


def _near(points: np.ndarray, x: float, y: float, size: float) -> np.ndarray:
    return np.exp(-((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2) / (2 * size**2))


class MadeFamily:
    """A family of one head under any names."""

    name = "made"

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        return tuple(f"made-{seed}-{number}" for number in range(count or 1))

    def head(self, identity: str) -> HeadMesh:
        return made_head(identity)
