"""Sums of distances and equations, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.kernels.shapes import solve_equations, sum_distances

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


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 5, 155])
def test_equations_are_solved(count: int, sides: int) -> None:
    matrix, right = RANDOM.normal(size=(count, count)), RANDOM.normal(size=(count, sides))
    matrix[0, 0] = 0 if count > 1 else 1  # the first row is not the first pivot
    kept = matrix.copy(), right.copy()
    found = solve_equations(matrix, right)
    assert np.allclose(found, np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-9)
    assert np.array_equal(matrix, kept[0])
    assert np.array_equal(right, kept[1])


def test_equations_without_one_solution_are_named() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="no one solution"):
        solve_equations(np.ones((3, 3)), np.ones((3, 2)))
    for matrix, right in (((3, 2), (3, 2)), ((3, 3), (2, 2)), ((3, 3), (3,))):
        with pytest.raises(ValueError, match="no equations"):
            solve_equations(np.ones(matrix), np.ones(right))
