"""A family of flat sheets that drop their lower half: the smallest heads with known motion."""

from collections.abc import Mapping

import numpy as np
import pytest

from reggan_training.heads.head import REGIONS, HeadMesh, Part

STEPS = 25
CONTROLS_OF_FLAT_HEADS = ("browInnerUp", "jawOpen", "mouthSmileLeft", "mouthSmileRight")


class Drops:
    """Lowers what lies below the eyes by a fifth of their distance; smiles pull sideways."""

    def moved(self, rest: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        below = np.clip(-rest[:, 1] - 0.3, 0, 0.5) / 0.5
        down = 0.2 * weights.get("jawOpen", 0.0) * below
        left = 0.1 * weights.get("mouthSmileLeft", 0.0) * below * (rest[:, 0] > 0)
        right = 0.1 * weights.get("mouthSmileRight", 0.0) * below * (rest[:, 0] < 0)
        up = 0.1 * weights.get("browInnerUp", 0.0) * (rest[:, 1] > 0.3)
        return (rest + np.stack([left - right, up - down, 0 * down], axis=1)).astype(np.float32)


class FlatFamily:
    """Sheets of slightly different shades; they count as a user's own heads: none held out."""

    name = "flat"

    def identities(self, count: int | None, seed: int) -> tuple[str, ...]:
        return tuple(f"flat-{seed}-{number}" for number in range(count or 1))

    def head(self, identity: str) -> HeadMesh:
        return flat_head(identity)


def flat_head(identity: str = "one") -> HeadMesh:
    x, y = np.meshgrid(np.linspace(-1.3, 1.3, STEPS), np.linspace(-2.4, 1.2, STEPS))
    rest = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1).astype(np.float32)
    at = np.arange(STEPS * STEPS).reshape(STEPS, STEPS)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)

    def vertex(x: float, y: float) -> int:
        return int(np.hypot(rest[:, 0] - x, rest[:, 1] - y).argmin())

    regions = np.zeros((len(rest), len(REGIONS)), dtype=np.uint8)
    regions[:, REGIONS.index("lips")] = 255 * (np.hypot(x, (y + 1.1) * 2).ravel() < 0.4)
    return HeadMesh(
        family="flat",
        identity=identity,
        triangles=triangles.astype(np.int32),
        parts=np.full(len(triangles), Part.SKIN, dtype=np.uint8),
        rest=rest,
        canonical=rest,
        regions=regions,
        eye_angle=np.full(len(rest), np.pi, dtype=np.float32),
        controls=CONTROLS_OF_FLAT_HEADS,
        shapes=Drops(),
        left_eye_vertices=np.array([vertex(0.5, 0)]),
        right_eye_vertices=np.array([vertex(-0.5, 0)]),
        nose_tip=vertex(0, -0.6),
        mouth_left=vertex(0.4, -1.1),
        mouth_right=vertex(-0.4, -1.1),
        chin=vertex(0, -1.75),
        # what dress() finds here it does not add
        notes={"worn": ""},
    )


@pytest.fixture(scope="session")
def flat_family() -> FlatFamily:
    """The family itself."""
    return FlatFamily()
