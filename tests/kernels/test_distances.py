"""Sums of distances, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.shapes import sum_distances

RANDOM = np.random.default_rng(36)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 50])
def test_weighted_distances_are_added_up(count: int, channels: int) -> None:
    points, anchors = RANDOM.normal(size=(count, 3)), RANDOM.normal(size=(160, 3))
    weights = RANDOM.normal(size=(160, channels))
    square = ((points[:, None] - anchors) ** 2).sum(axis=2)
    found = sum_distances(points, anchors, weights, 0.01)
    assert found.shape == (count, channels)
    assert np.allclose(found, np.sqrt(square + 0.01**2) @ weights, atol=2e-4)


def test_what_does_not_fit_is_refused() -> None:
    for points, anchors, weights in (
        ((5, 2), (4, 3), (4, 2)),
        ((5, 3), (4, 3), (3, 2)),
        ((5, 3), (4, 3), (4, 5)),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            sum_distances(np.zeros(points), np.zeros(anchors), np.zeros(weights), 0.1)
