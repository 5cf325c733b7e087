"""Outlines and lines, said once more pixel by pixel."""

from itertools import pairwise

import numpy as np
import pytest

from reggan_plugin.kernels.shapes import draw_line, fill_outline

RANDOM = np.random.default_rng(36)
SIZE = 23, 31


def share_inside(corners: np.ndarray, finer: int = 32) -> np.ndarray:
    """Share of samples of each pixel from which a line to the right crosses the outline oddly."""
    y, x = ((np.mgrid[: SIZE[0] * finer, : SIZE[1] * finer] + 0.5) / finer)[:, :, :, None]
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        crossed = x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    odd = (((y1 <= y) != (y2 <= y)) & (crossed > x)).sum(axis=2) % 2
    return odd.reshape(SIZE[0], finer, SIZE[1], finer).mean(axis=(1, 3))


@pytest.mark.parametrize("count", [3, 4, 9])
def test_pixels_are_filled_by_their_share(count: int) -> None:
    for _ in range(4):
        corners = RANDOM.uniform([-9, -9], [SIZE[1] + 9, SIZE[0] + 9], (count, 2))
        away = np.abs(fill_outline(corners, SIZE) - share_inside(corners))
        assert away.max() < 0.25 + 1 / 32  # one of the four rows of a pixel
        assert away.mean() < 0.01


def test_a_rectangle_is_exact_and_nothing_has_no_area() -> None:
    corners = np.array([[2.25, 3], [10.5, 3], [10.5, 6.25], [2.25, 6.25]])
    wanted = np.zeros(SIZE)
    wanted[3:6, 2:11] = 1
    wanted[6, 2:11] = 0.25
    wanted[:, 2] *= 0.75
    wanted[:, 10] *= 0.5
    for turned in (corners, corners[::-1]):
        assert np.allclose(fill_outline(turned, SIZE), wanted, atol=1e-6)
    for flat in (corners[:2], corners[[0, 1, 0]], corners[:0]):
        assert fill_outline(flat, SIZE).max() == 0


def test_outlines_far_away_or_of_no_number_are_harmless() -> None:
    around = np.array([[-1e300, -1e300], [1e300, -1e300], [1e300, 1e300], [-1e300, 1e300]])
    assert np.allclose(fill_outline(around / 1e280, SIZE), 1)
    for corners in (around, around * np.inf, around * np.nan, np.full((500, 2), np.nan)):
        assert np.isfinite(fill_outline(corners, SIZE)).all()
        assert np.isfinite(draw_line(corners, 3, SIZE)).all()
    comb = np.stack([np.tile([2.0, 20.0], 300), np.linspace(0, SIZE[0], 600)], axis=1)
    assert fill_outline(comb[:, ::-1], SIZE).max() <= 1  # more crossings than are counted


@pytest.mark.parametrize("width", [2.0, 5.5])
def test_a_line_falls_off_by_distance(width: float) -> None:
    places = RANDOM.uniform([-3, -3], [SIZE[1] + 3, SIZE[0] + 3], (5, 2))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    away = np.full(SIZE, np.inf)
    for one, other in pairwise(places):
        way = other - one
        along = np.clip(((x - one[0]) * way[0] + (y - one[1]) * way[1]) / (way @ way), 0, 1)
        away = np.minimum(away, np.hypot(x - one[0] - along * way[0], y - one[1] - along * way[1]))
    share = np.clip(1.5 - away / (width / 2), 0, 1)
    found = draw_line(places, width, SIZE)
    assert np.allclose(found, share * share * (3 - 2 * share), atol=1e-4)
    assert draw_line(places[:1], width, SIZE).max() == 0


def test_what_are_no_places_is_refused() -> None:
    with pytest.raises(ValueError, match="none of a plane"):
        fill_outline(np.zeros((4, 3)), SIZE)
