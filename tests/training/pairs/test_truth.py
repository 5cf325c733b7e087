"""True motion on a flat sheet of which only the lower half moves."""

from collections.abc import Mapping

import numpy as np
import pytest

from reggan_training.heads.head import REGIONS, HeadMesh, Part
from reggan_training.pairs.rasterised_head import RasterisedHead, rasterise_head
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.truth import truth_of_pair

STEPS = 25


class Drops:
    """Lowers what lies below the eyes by a fifth of their distance."""

    def moved(self, rest: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
        way = 0.2 * weights.get("jawOpen", 0.0) * np.clip(-rest[:, 1] - 0.3, 0, 0.5) / 0.5
        return (rest - np.stack([0 * way, way, 0 * way], axis=1)).astype(np.float32)


def flat_head() -> HeadMesh:
    x, y = np.meshgrid(np.linspace(-1.3, 1.3, STEPS), np.linspace(-2.4, 1.2, STEPS))
    rest = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1).astype(np.float32)
    at = np.arange(STEPS * STEPS).reshape(STEPS, STEPS)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)

    def vertex(x: float, y: float) -> int:
        return int(np.hypot(rest[:, 0] - x, rest[:, 1] - y).argmin())

    return HeadMesh(
        family="flat",
        identity="one",
        triangles=triangles.astype(np.int32),
        parts=np.full(len(triangles), Part.SKIN, dtype=np.uint8),
        rest=rest,
        canonical=rest,
        regions=np.zeros((len(rest), len(REGIONS)), dtype=np.uint8),
        eye_angle=np.full(len(rest), np.pi, dtype=np.float32),
        controls=("jawOpen",),
        shapes=Drops(),
        left_eye_vertices=np.array([vertex(0.5, 0)]),
        right_eye_vertices=np.array([vertex(-0.5, 0)]),
        nose_tip=vertex(0, -0.6),
        mouth_left=vertex(0.4, -1.1),
        mouth_right=vertex(-0.4, -1.1),
        chin=vertex(0, -1.75),
    )


@pytest.fixture(scope="module")
def seen() -> RasterisedHead:
    return rasterise_head(flat_head(), [{}, {"jawOpen": 1.0}], np.random.default_rng(3))


@pytest.mark.parametrize("step", [1, 2, 4])
def test_what_stays_has_no_motion_however_coarse_the_raster(
    seen: RasterisedHead, step: int
) -> None:
    truth = truth_of_pair(HeadShader(seen), seen.face.thinned(step), 0, 1)
    side_px = truth.hit.shape[0]
    eyes = seen.landmarks[0, :2, 1].min() * side_px
    above = truth.hit & truth.visible
    above[int(eyes) :] = False
    assert above.sum() > 0.1 * above.numel()
    motion_px = truth.motion[:, above] * side_px
    assert motion_px.abs().max() < 0.02


@pytest.mark.parametrize("step", [1, 2])
def test_what_drops_comes_from_above_as_far_as_its_landmarks_say(
    seen: RasterisedHead, step: int
) -> None:
    truth = truth_of_pair(HeadShader(seen), seen.face.thinned(step), 0, 1)
    side_px = truth.hit.shape[0]
    source, target = seen.landmarks[:, 5]  # the chin
    column, row = (int(value * side_px) for value in target)
    there = truth.motion[:, row, column].numpy()
    np.testing.assert_allclose(there, source - target, atol=0.25 / side_px)
