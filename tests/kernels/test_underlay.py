"""Pixels over what runs on beneath them, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.pixel_values import average_blocks, lay_over, line_ends, sureness
from tests.kernels.test_bilinear import bilinear

RANDOM = np.random.default_rng(36)
RAMP = 0.5, 0.95


def plain_sureness(
    values: np.ndarray, alpha: np.ndarray | None, hidden: np.ndarray | None
) -> np.ndarray:
    share = np.isfinite(values).all(axis=2).astype(np.float32)
    if alpha is not None:
        known = np.nan_to_num(alpha, nan=0.0, posinf=1.0, neginf=0.0)
        share *= np.clip((known - RAMP[0]) / (RAMP[1] - RAMP[0]), 0.0, 1.0)
    return share if hidden is None else share * (1 - hidden)


def laid_over(
    values: np.ndarray, share: np.ndarray, colours: np.ndarray, corner: tuple[int, int], factor: int
) -> np.ndarray:
    rows, columns = np.indices(share.shape)
    places = np.stack([columns + corner[1], rows + corner[0]], axis=-1)
    below = bilinear(colours, (places + 0.5) / factor - 0.5, 0.0)
    own = np.where(np.isfinite(values), values, np.float32(0))
    return np.where(share[..., None] < 1, (own - below) * share[..., None] + below, values)


def some_values() -> np.ndarray:
    values = RANDOM.normal(size=(40, 50, 3)).astype(np.float32)
    values[RANDOM.random(values.shape) < 0.1] = RANDOM.choice([np.nan, np.inf, -np.inf])
    return values


def test_how_far_a_pixel_counts() -> None:
    values = some_values()
    alpha = RANDOM.uniform(-0.2, 1.2, values.shape[:2]).astype(np.float32)
    alpha[0, :6] = np.nan, np.inf, -np.inf, 0.5, 0.95, 1e30
    hidden = RANDOM.random(alpha.shape).astype(np.float32)
    for cover in (None, alpha):
        for front in (None, hidden):
            found = sureness(values, cover, front, RAMP)
            assert found is not None
            assert np.array_equal(found, plain_sureness(values, cover, front))


def test_all_count_in_full() -> None:
    values = np.full((4, 5, 3), 1e30, np.float32)  # their sum would be infinite
    assert sureness(values, None, None, RAMP) is None
    assert sureness(values, np.full((4, 5), 0.95), np.zeros((4, 5)), RAMP) is None
    values[3, 4, 2] = np.nan
    assert sureness(values, None, None, RAMP) is not None


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 2), (13, 17)])
@pytest.mark.parametrize(("corner", "factor"), [((0, 0), 1), ((-3, 5), 1), ((7, -9), 3)])
def test_values_lie_over_colours(
    size: tuple[int, int], corner: tuple[int, int], factor: int
) -> None:
    values = some_values()
    share = sureness(values, RANDOM.uniform(0, 2, values.shape[:2]), None, RAMP)
    assert share is not None
    assert (share == 1).any()
    colours = RANDOM.normal(size=(*size, 3)).astype(np.float32)
    found = lay_over(values.copy(), share, colours, corner, factor)
    assert np.array_equal(found, laid_over(values, share, colours, corner, factor))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("is_premultiplied", [False, True])
def test_known_colours_are_averaged_over_blocks(factor: int, *, is_premultiplied: bool) -> None:
    frame, alphas = some_values(), RANDOM.uniform(-0.2, 1.2, (40, 50)).astype(np.float32)
    alphas[4, 4:8] = np.nan, np.inf, -np.inf, 1e30
    values, hidden = frame[2:39, 3:49], RANDOM.random((37, 46)).astype(np.float32)
    for alpha in (None, alphas[2:39, 3:49]):
        for front in (None, hidden):
            weight = np.isfinite(values).all(axis=2).astype(np.float64)
            shown = 1.0 if front is None else 1 - front
            share = weight * shown
            if alpha is not None:
                cover = np.nan_to_num(alpha, nan=0, posinf=0, neginf=0).clip(0, 1)
                share = share * (cover > 0 if is_premultiplied else cover)
                weight *= cover
            own = np.where(np.isfinite(values), values, 0) * share[..., None]
            planes = np.dstack([own, weight * shown])
            rows, columns = (range(0, length, factor) for length in weight.shape)
            truth = [
                [planes[y : y + factor, x : x + factor].mean(axis=(0, 1)) for x in columns]
                for y in rows
            ]
            found = average_blocks(values, alpha, front, factor, is_premultiplied=is_premultiplied)
            assert np.allclose(np.dstack(found), truth, rtol=1e-5, atol=1e-6)


def test_views_are_read_as_they_look() -> None:
    values, share = some_values(), RANDOM.random((40, 50)).astype(np.float32)
    colours = RANDOM.random((8, 9, 3))
    found = lay_over(values[::-2, ::3], share[::-2, ::3], colours[::2], (0, 0), 4)
    again = [np.ascontiguousarray(one) for one in (values[::-2, ::3], share[::-2, ::3])]
    wanted = laid_over(again[0], again[1], colours[::2].astype(np.float32), (0, 0), 4)
    assert np.array_equal(found, wanted)


def test_what_does_not_fit_is_refused() -> None:
    values, share = np.zeros((4, 5, 3)), np.zeros((4, 5))
    with pytest.raises(ValueError, match="does not fit"):
        sureness(values, share[:3], None, RAMP)
    with pytest.raises(ValueError, match="three channels"):
        sureness(values[..., :2], None, None, RAMP)
    for colours, part in ((np.zeros((0, 2, 3)), share), (np.zeros((2, 2, 3)), share[:3])):
        with pytest.raises(ValueError, match="do not fit"):
            lay_over(values, part, colours, (0, 0), 1)
    with pytest.raises(ValueError, match="does not fit"):
        average_blocks(values, None, share[:3], 2, is_premultiplied=True)
    with pytest.raises(ValueError, match="has no average"):
        average_blocks(values, None, None, 0, is_premultiplied=True)
    with pytest.raises(ValueError, match="has no average"):
        lay_over(values, share, np.zeros((2, 2, 3)), (0, 0), 0)


def test_lines_end_at_what_is_known() -> None:
    is_open = RANDOM.random((9, 12)) < 0.7
    is_known = ~is_open & (RANDOM.random((9, 12)) < 0.6)
    own, away = np.flatnonzero(is_open), np.arange(1, 6)
    ways = np.stack([np.outer([0, 1, -1], away), np.outer([1, -2, 0], away)], axis=2)
    ends, steps = line_ends(is_open, is_known, own, ways)
    for line, way in enumerate(ways):
        for number, pixel in enumerate(own):
            expected, taken = -1, 5
            for step, (down, right) in enumerate(way, start=1):
                row, column = pixel // 12 + down, pixel % 12 + right
                if not (0 <= row < 9 and 0 <= column < 12) or not is_open[row, column]:
                    if 0 <= row < 9 and 0 <= column < 12 and is_known[row, column]:
                        expected, taken = 12 * row + column, step
                    break
            assert (ends[line, number], steps[line, number]) == (expected, taken)
    assert len({*ends.ravel()}) > 10
    with pytest.raises(ValueError, match="do not fit"):
        line_ends(is_open, is_known, own + 12, ways)
