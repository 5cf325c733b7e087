"""Filters over squares, against Pillow and plain NumPy."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from reggan_plugin.kernels.pixel_values import blur, follow_edges, largest_around, median_around

RANDOM = np.random.default_rng(36)


@pytest.mark.parametrize("reach", [0, 1, 2, 6, 40])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (33, 70)])
def test_the_largest_around(size: tuple[int, int], reach: int) -> None:
    levels = RANDOM.integers(0, 256, size).astype(np.uint8)
    rows, columns = (np.arange(length) for length in size)
    wanted = np.array(
        [
            [
                levels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].max()
                for x in columns
            ]
            for y in rows
        ]
    )
    assert np.array_equal(largest_around(levels, reach), wanted)
    is_set = largest_around(levels > 250, reach)
    assert is_set.dtype == bool
    assert np.array_equal(is_set, wanted > 250)


def means(plane: np.ndarray, reach: int) -> np.ndarray:
    wide = np.pad(plane, reach, mode="edge")
    size = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(wide, (size, size)).mean(axis=(2, 3))


@pytest.mark.parametrize("reach", [0, 1, 2, 7, 8, 50])
def test_a_mask_follows_the_edges_of_its_guide(reach: int) -> None:
    guide, mask = RANDOM.random((2, 40, 31))
    usual, share = means(guide, reach), means(mask, reach)
    slope = means(guide * mask, reach) - usual * share
    slope /= np.maximum(means(guide * guide, reach) - usual**2, 0) + 0.01
    wanted = means(slope, reach) * guide + means(share - slope * usual, reach)
    assert np.allclose(follow_edges(mask, guide, reach, 0.01), wanted, atol=1e-4)
    assert follow_edges(mask[:0], guide[:0], reach, 0.01).size == 0


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_the_median_around(reach: int) -> None:
    levels = (RANDOM.random((150, 90)) < 0.5).astype(np.uint8) * 255
    levels[:70] = RANDOM.integers(0, 256, (70, 90))
    levels[100:, :40] = 7
    wanted = Image.fromarray(levels).filter(ImageFilter.MedianFilter(2 * reach + 1))
    assert np.array_equal(median_around(levels, reach), np.asarray(wanted))
    assert median_around(levels[::2, ::-3], 1).shape == (75, 30)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 4.3, 20.0])
@pytest.mark.parametrize("corner", [(4, 50), (0, 0), (88, 93)])
def test_a_mark_is_blurred_as_by_pillow(corner: tuple[int, int], sigma: float) -> None:
    plane = np.zeros((96, 101), np.float32)
    plane[corner[0] : corner[0] + 5, corner[1] : corner[1] + 3] = 1
    levels = Image.fromarray((plane * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma))
    found = blur(plane, sigma)
    assert np.allclose(found * 255, np.asarray(levels), atol=1.6)  # levels are rounded six times
    assert (found[found > 0] >= 1 / 512).all()


def test_blurs_of_nothing_of_all_and_of_a_whole_plane() -> None:
    assert (blur(np.zeros((9, 7), np.float32), 2) == 0).all()
    assert np.allclose(blur(np.ones((9, 7), np.float32), 5), 1)
    assert blur(np.zeros((0, 7), np.float32), 2).size == 0
    plane = RANDOM.random((64, 64), np.float32)
    wide = np.pad(plane.astype(np.float64), 40, mode="edge")
    kernel = np.exp(-0.5 * (np.arange(-40, 41) / 6) ** 2)
    for axis in (0, 1):
        along = [
            np.convolve(one, kernel / kernel.sum(), "same") for one in np.moveaxis(wide, axis, 0)
        ]
        wide = np.moveaxis(np.array(along), 0, axis)
    found = blur(plane, 6)[20:-20, 20:-20]  # further out each box has its own edges
    assert np.abs(found - wide[60:-60, 60:-60]).max() < 0.01


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no 1 pixels"):
        largest_around(np.zeros((4, 4)), 1)
    with pytest.raises(ValueError, match="cannot follow"):
        follow_edges(np.zeros((4, 4)), np.zeros((4, 5)), 1, 0.1)
    with pytest.raises(ValueError, match="no 8 pixels"):
        median_around(np.zeros((40, 40), np.uint8), 8)
    with pytest.raises(ValueError, match="cannot be blurred"):
        blur(np.zeros((4, 4)), -1.0)
    with pytest.raises(ValueError, match="cannot be blurred"):
        blur(np.ones((5, 5)), 1e9)
