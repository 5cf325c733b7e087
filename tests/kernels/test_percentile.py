"""Percentiles and medians are NumPy's, bit for bit."""

import numpy as np
import pytest

from reggan_plugin.kernels.pixel_values import median, percentile


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("percent", [0.0, 50.0, 60.0, 90, 95.0, 98, 100.0])
def test_percentiles_are_numpys(percent: float, dtype: type[np.floating]) -> None:
    random = np.random.default_rng(3)
    for size in (1, 2, 3, 10, 997, 4000):
        values = random.random(size).astype(dtype)
        assert percentile(values, percent) == np.percentile(values, percent)


def test_medians_are_numpys() -> None:
    random = np.random.default_rng(4)
    for rows in (1, 2, 3, 10, 997, 4000):
        values = random.random((rows, 3), np.float32)
        assert np.array_equal(median(values), np.median(values, axis=0))
