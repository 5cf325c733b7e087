"""Straight lines between the centres of pixels."""

import numpy as np
import pytest

from reggan_plugin.kernels.sampling import four_around, sample_bilinear

RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize(
    ("x", "y", "value"),
    [(0.0, 0.0, 0.0), (1.5, 0.0, 1.5), (1.0, 0.25, 2.0), (2.5, 1.5, 8.5), (3.0, 2.0, 11.0)],
)
def test_a_ramp_is_read_between_its_pixels(x: float, y: float, value: float) -> None:
    assert sample_bilinear(RAMP, np.array([[x, y]]), 0.0) == pytest.approx([value])


def test_the_edge_goes_on_and_channels_stay_apart() -> None:
    picture = np.stack([RAMP, -RAMP], axis=-1)
    outside = sample_bilinear(picture, np.array([[-5.0, 0.0], [9.0, 9.0]]), 0.0)
    assert outside.tolist() == [[0.0, 0.0], [11.0, -11.0]]


def test_weights_of_a_place_add_up_to_1() -> None:
    x, y = np.random.default_rng(2).uniform(-3, 9, (2, 50))
    total = sum(weight for *_, weight in four_around(x, y))
    assert total == pytest.approx(np.ones(50), abs=1e-6)
