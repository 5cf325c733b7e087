"""Quads cut in four: the mesh stays whole and becomes smoother."""

import numpy as np
import pytest

from reggan_training.heads.makehuman.skin import refine

SIDE = 9


def grid() -> tuple[np.ndarray, np.ndarray]:
    """A flat grid of quads, and its points."""
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    faces = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], axis=2)
    y, x = np.divmod(np.arange(SIDE * SIDE, dtype=np.float64), SIDE)
    return faces.reshape(-1, 4), np.stack([x, y, 0 * x], axis=1)


def area(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    first, second, third = points[triangles].transpose(1, 0, 2)
    return np.cross(second - first, third - first)[:, 2] / 2


@pytest.mark.parametrize("seed", range(3))
def test_any_choice_of_quads_covers_the_same_plane_without_overlap(seed: int) -> None:
    faces, points = grid()
    is_cut = np.random.default_rng(seed).random(len(faces)) < 0.4
    finer = refine(faces, is_cut, len(points))
    sizes = area(finer.points(points), finer.triangles)
    assert (sizes > 0).all()
    np.testing.assert_allclose(np.bincount(finer.source, sizes), 1.0)


def test_no_triangle_has_a_cut_edge_of_another_on_its_side() -> None:
    faces, points = grid()
    finer = refine(faces, np.arange(len(faces)) % 3 == 0, len(points))
    edges = np.sort(finer.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    uses = np.unique(edges, axis=0, return_counts=True)
    ends = finer.points(points)[uses[0][uses[1] == 1]]
    on_border = (np.isin(ends[..., :2], (0, SIDE - 1))).any(axis=2).all(axis=1)
    assert on_border.all()


def test_new_points_lie_on_the_curve_of_a_cylinder_and_old_ones_stay() -> None:
    faces, flat = grid()
    turn = flat[:, 0] * 0.3
    points = np.stack([np.sin(turn), flat[:, 1], np.cos(turn)], axis=1)
    inside = (flat[:, :2] > 0).all(axis=1) & (flat[:, :2] < SIDE - 1).all(axis=1)
    inner = inside[faces].all(axis=1)
    finer = refine(faces, inner, len(points)).points(points)
    np.testing.assert_array_equal(finer[: len(points)], points)
    radius = np.hypot(finer[:, 0], finer[:, 2])
    np.testing.assert_allclose(radius, 1.0, atol=2e-3)  # chords miss it by 0.011


def test_triangles_are_kept_and_mixed_values_stay_within_theirs() -> None:
    faces = np.array([[0, 1, 2, 3], [1, 4, 2, 2]])
    finer = refine(faces, np.array([True, True]), 5)
    assert (finer.source == 0).sum() == 8
    values = finer.mixed(np.array([[0.0], [1.0], [1.0], [0.0], [1.0]]))
    assert values.min() == 0
    assert values.max() == 1
    np.testing.assert_allclose(values[-1], 0.5)


def test_without_a_cut_the_mesh_is_only_triangulated() -> None:
    faces, points = grid()
    finer = refine(faces, np.zeros(len(faces), dtype=bool), len(points))
    assert len(finer.triangles) == 2 * len(faces)
    np.testing.assert_array_equal(finer.points(points), points)
