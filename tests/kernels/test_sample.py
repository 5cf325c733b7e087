"""Sampled pictures, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.imaging.warp import _OVERSHOOT, _WEIGHTS
from reggan_plugin.kernels.sample import PHASES, sample_cubic

RANDOM = np.random.default_rng(36)


def cubic(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weigh rows of four pixels, then the four rows, in float32; keep near their range."""
    height, width, channels = picture.shape
    columns, across = taps(x, width)
    rows, down = taps(y, height)
    total = np.zeros((len(x), channels), np.float32)
    for i in range(4):
        along = np.zeros_like(total)
        for j in range(4):
            along += picture[rows[i], columns[j]] * across[j][:, None]
        total += along * down[i][:, None]
    around = picture[rows[:, None], columns[None]].reshape(16, len(x), channels)
    low, high = around.min(axis=0), around.max(axis=0)
    span, part = high - low, np.float32(_OVERSHOOT)
    low, high = low - part * np.minimum(span, np.maximum(low, 0)), high + part * np.minimum(span, 1)
    return np.clip(total, low, high)


def taps(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    steps = np.rint(places * PHASES).astype(np.int64)
    pixels = steps // PHASES - 1 + np.arange(4)[:, None]
    return np.clip(pixels, 0, length - 1), _WEIGHTS[steps % PHASES].T


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 4), (40, 31)])
def test_the_cubic_kernel(height: int, width: int, channels: int) -> None:
    picture = RANDOM.normal(0.5, 1, (height, width, channels)).astype(np.float32)
    x, y = RANDOM.uniform(-6, 46, (2, 500))
    x[:20] = np.rint(x[:20])
    found = sample_cubic(picture, x, y, _WEIGHTS, _OVERSHOOT)
    assert np.array_equal(found, cubic(picture, x, y))


def test_places_that_no_picture_has() -> None:
    picture = RANDOM.random((6, 5, 3), np.float32)
    x = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300, 2.0**40])
    found = sample_cubic(picture, x, np.full(6, 2.0), _WEIGHTS, _OVERSHOOT)
    left, right = picture[2, 0], picture[2, 4]
    assert found == pytest.approx(np.stack([left, right, left, right, left, right]), abs=1e-6)


def test_a_view_of_other_numbers_is_read_as_its_values() -> None:
    picture = RANDOM.random((12, 10, 6))[::2, :, ::2]
    x, y = RANDOM.uniform(0, 6, (2, 50)).astype(np.float32)
    found = sample_cubic(picture, x, y, _WEIGHTS, _OVERSHOOT)
    assert np.array_equal(found, cubic(picture.astype(np.float32), x.astype(np.float64), y))


@pytest.mark.parametrize(
    ("shape", "count", "weights"),
    [((0, 4, 3), 5, 1024), ((4, 4, 0), 5, 1024), ((4, 4, 3), 4, 1024), ((4, 4, 3), 5, 1000)],
)
def test_what_would_read_outside_memory_is_refused(
    shape: tuple[int, ...], count: int, weights: int
) -> None:
    picture, places = np.zeros(shape, np.float32), np.zeros(5)
    with pytest.raises(ValueError, match="do not fit"):
        sample_cubic(picture, places, np.zeros(count), np.zeros((weights, 4)), 0.25)
