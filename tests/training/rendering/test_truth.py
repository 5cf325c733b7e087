"""True motion on a flat sheet of which only the lower half moves."""

import numpy as np
import pytest

from reggan_training.rendering.rasterising import RasterisedHead, rasterise_head, sample_camera
from reggan_training.rendering.shading import HeadShader, truth_of_pair


@pytest.fixture(scope="module")
def seen(flat_family) -> RasterisedHead:
    head = flat_family.head("one")
    camera = sample_camera(head.landmarks(head.rest), np.random.default_rng(3))
    return rasterise_head(head, [{}, {"jawOpen": 1.0}], camera)


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
