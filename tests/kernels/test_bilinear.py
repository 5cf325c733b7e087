"""Bilinear samples, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.sampling import sample_bilinear

RANDOM = np.random.default_rng(36)


def bilinear(picture: np.ndarray, places: np.ndarray, centre: float) -> np.ndarray:
    height, width = picture.shape[:2]
    x, y = (
        np.clip(places[..., k] - places.dtype.type(centre), 0, size - 1)
        for k, size in enumerate((width, height))
    )
    left = np.minimum(x.astype(int), max(width - 2, 0))
    top = np.minimum(y.astype(int), max(height - 2, 0))
    u, v = (x - left).astype(np.float32)[..., None], (y - top).astype(np.float32)[..., None]
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    upper = picture[top, left] * (1 - u) + picture[top, right] * u
    lower = picture[below, left] * (1 - u) + picture[below, right] * u
    return upper * (1 - v) + lower * v


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 2), (6, 1, 1), (2, 2, 4), (23, 31, 3)])
def test_values_lie_on_straight_lines(shape: tuple[int, ...], kind: type) -> None:
    picture = RANDOM.normal(size=shape).astype(np.float32)
    places = RANDOM.uniform(-4, 40, (20, 30, 2)).astype(kind)
    places[0] = np.rint(places[0])
    for centre in (0.0, 0.5):
        found = sample_bilinear(picture, places, centre)
        assert np.array_equal(found, bilinear(picture, places, centre))


def test_what_is_no_number_is_read_as_none() -> None:
    picture = RANDOM.random((5, 6, 2)).astype(np.float32)
    for kind in (np.float32, np.float64):
        places = np.array([[np.nan, 1], [2, np.nan], [np.inf, 0], [-np.inf, 9e9], [1e300, 2]])
        with np.errstate(over="ignore"):
            found = sample_bilinear(picture, places.astype(kind), 0.0)
        assert np.isnan(found[:2]).all()
        assert np.array_equal(found[2:], picture[[0, 4, 2], [5, 0, 5]])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_matrix_leads_to_the_picture(kind: type) -> None:
    picture = RANDOM.random((23, 31, 3)).astype(np.float32)
    matrix = np.array([[20.0, 4.0, 3.0], [-3.0, 17.0, 2.0]])
    places = RANDOM.uniform(-0.2, 1.2, (200, 2)).astype(kind)
    moved = places.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    found = sample_bilinear(picture, places, 0.5, matrix)
    assert np.allclose(found, bilinear(picture, moved, 0.5), atol=1e-4)
    with pytest.raises(ValueError, match="leads to no picture"):
        sample_bilinear(picture, places, 0.5, matrix[:, :2])


def test_a_picture_may_be_a_view_and_without_channels() -> None:
    picture = RANDOM.random((9, 8, 3))[::2, ::-1]
    places = RANDOM.uniform(0, 8, (40, 2))
    found = sample_bilinear(picture[..., 1], places, 0.5)
    wanted = sample_bilinear(picture.astype(np.float32), places, 0.5)
    assert np.array_equal(found, wanted[:, 1])
    assert sample_bilinear(picture, np.zeros((0, 2)), 0.5).shape == (0, 3)


@pytest.mark.parametrize("shape", [(0, 3, 1), (3, 0, 1), (3, 3, 0)])
def test_a_picture_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="has no places"):
        sample_bilinear(np.zeros(shape, np.float32), np.zeros((4, 2)), 0.0)
    with pytest.raises(ValueError, match="has no places"):
        sample_bilinear(np.zeros((3, 3, 1), np.float32), np.zeros((4, 3)), 0.0)
