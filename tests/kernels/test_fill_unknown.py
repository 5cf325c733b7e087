"""Pull and push, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.pixel_values import run_on

RANDOM = np.random.default_rng(36)


def filled(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Complete weighted values by a level of half the size, down to two by two cells."""
    rows, columns = weight.shape
    lack = (1 - weight)[..., None]
    if max(rows, columns) <= 2:
        return values + lack * values.sum(axis=(0, 1)) / max(weight.sum(), 1e-6)
    pads = ((0, rows % 2), (0, columns % 2))
    sums = in_squares(np.pad(values, (*pads, (0, 0))))
    total = in_squares(np.pad(weight, pads)[..., None])[..., 0]
    known = np.minimum(total, 1)
    below = filled(sums * (known / np.maximum(total, 1e-6))[..., None], known)
    return values + lack * doubled(doubled(below, 0), 1)[:rows, :columns]


def in_squares(values: np.ndarray) -> np.ndarray:
    return sum(values[down::2, right::2] for down in (0, 1) for right in (0, 1))


def doubled(values: np.ndarray, axis: int) -> np.ndarray:
    """Each cell as two, a quarter of the way to the next cell on their side."""
    values = np.moveaxis(values, axis, 0)
    sides = np.concatenate([values[:1], values[:-1]]), np.concatenate([values[1:], values[-1:]])
    halves = [0.75 * values + 0.25 * side for side in sides]
    return np.moveaxis(np.stack(halves, 1).reshape(-1, *values.shape[1:]), 0, axis)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (2, 2), (3, 5), (1, 40), (37, 64), (90, 13)])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.6, 1.0])
def test_gaps_are_filled(size: tuple[int, int], share: float) -> None:
    weight = np.where(RANDOM.random(size) < share, RANDOM.choice([0.3, 1.0], size), 0.0)
    values = RANDOM.random((*size, 3)) * weight[..., None]
    found = run_on(values, weight)
    assert found.dtype == np.float32
    assert np.allclose(found, filled(values, weight), atol=2e-6)
    assert np.array_equal(found[weight == 1], values[weight == 1].astype(np.float32))


def test_a_plane_runs_on_as_one_tone() -> None:
    weight = np.zeros((40, 30))
    weight[3, 4] = weight[30:, 20:] = 1
    assert np.allclose(run_on(np.full((40, 30, 1), 2.0) * weight[..., None], weight), 2.0)


def test_nothing_known_is_finite_and_what_does_not_fit_is_refused() -> None:
    assert (run_on(np.zeros((9, 7, 2)), np.zeros((9, 7))) == 0).all()
    assert run_on(np.zeros((0, 4, 3)), np.zeros((0, 4))).size == 0
    with pytest.raises(ValueError, match="do not fit"):
        run_on(np.zeros((9, 7, 2)), np.zeros((7, 9)))


def test_whole_values_are_written_over_and_others_stay() -> None:
    weight = np.zeros((8, 8), np.float32)
    weight[0, 0] = 1
    values = weight[..., None].copy()
    assert run_on(values, weight) is values
    assert values.min() == 1
    others = weight[..., None].astype(np.float64)
    assert run_on(others, weight).min() == 1
    assert others.sum() == 1
