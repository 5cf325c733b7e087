"""What is done with drawn triangles, said once more in plain NumPy.

How they are drawn: `tests/rig/test_raster.py`.
"""

import numpy as np
import pytest

from reggan_plugin.kernels.shapes import (
    DrawnPixels,
    add_in_squares,
    draw_triangles,
    find_edges,
    mix_corners,
    vertex_normals,
)

RANDOM = np.random.default_rng(36)
SIZE = 24, 31


def drawn(
    points: np.ndarray, triangles: np.ndarray, most_pixels: int = 10**9
) -> DrawnPixels | None:
    return draw_triangles(
        points, triangles, SIZE, culls_back=False, rows=None, within=None, most_pixels=most_pixels
    )


def mesh(count: int) -> tuple[np.ndarray, np.ndarray]:
    points = RANDOM.uniform([-5, -5, -1], [SIZE[1] + 5, SIZE[0] + 5, 1], (count, 3))
    return points, RANDOM.integers(0, count, (count, 3))


def test_values_are_mixed_by_the_weights() -> None:
    points, triangles = mesh(20)
    hits = drawn(points, triangles)
    assert hits is not None
    values = RANDOM.normal(size=(20, 5)).astype(np.float32)
    found = mix_corners(values, triangles, hits.shown, hits.weights)
    corners = values[triangles[hits.shown]]
    assert np.allclose(found, np.einsum("kp,pkc->pc", hits.weights, corners), atol=1e-5)
    assert mix_corners(values[:, :0], triangles, hits.shown, hits.weights).size == 0


def test_rows_that_no_mesh_has_read_no_other_memory() -> None:
    points, _ = mesh(20)
    wild = RANDOM.integers(-(2**62), 2**62, (20, 3))
    assert drawn(points, wild) is not None
    shown, weights = np.array([-(2**62), 2**62, 3]), np.full((3, 3), 1 / 3, np.float32)
    assert np.isfinite(mix_corners(points, wild, shown, weights)).all()
    far = np.array([-(2**62), 2**62])
    assert add_in_squares(np.ones((2, 3)), 0, np.ones(2), far, SIZE, 2).sum() == 2
    none = drawn(points, np.zeros((0, 3), np.int64))
    assert none is not None
    assert not len(none.pixels)


def test_boxes_are_counted_before_anything_is_drawn() -> None:
    corners = np.array([[2, 3, 0], [2, 13, 0], [12, 13, 0.0]])
    one, many = np.array([[0, 1, 2]]), np.tile([[0, 1, 2]], (7, 1))
    assert drawn(corners, one, 100) is not None
    assert drawn(corners, one, 99) is None
    assert drawn(corners, many, 699) is None


@pytest.mark.parametrize("factor", [1, 2, 3, 40])
def test_values_are_added_in_squares(factor: int) -> None:
    pixels = np.flatnonzero(RANDOM.random(SIZE) < 0.4)
    values, weights = RANDOM.random((len(pixels), 2), np.float32), RANDOM.random(len(pixels))
    plane = np.zeros((*SIZE, 3))
    plane.reshape(-1, 3)[pixels] = (
        np.column_stack([values, np.ones(len(pixels))]) * weights[:, None]
    )
    pads = ((0, -SIZE[0] % factor), (0, -SIZE[1] % factor), (0, 0))
    rows, columns = (-(-length // factor) for length in SIZE)
    wanted = np.pad(plane, pads).reshape(rows, factor, columns, factor, 3).sum(axis=(1, 3))
    found = add_in_squares(np.column_stack([values, values]), 2, weights, pixels, SIZE, factor)
    assert np.allclose(found, wanted, rtol=1e-5)


def test_edges_lie_where_motion_and_depth_differ_from_a_neighbour() -> None:
    is_shown = RANDOM.random(SIZE) < 0.8
    motion, depth = (RANDOM.choice([0.0, 1.0], (*SIZE, k)).astype(np.float32) for k in (2, 1))
    wanted = np.zeros(SIZE, bool)
    for one, other in (np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:]):
        apart = np.abs(motion[one] - motion[other]).max(axis=2) > 0.5
        apart &= np.abs(depth[one] - depth[other])[..., 0] > 0.5
        wanted[one] |= apart & is_shown[one] & is_shown[other]
    pixels = np.flatnonzero(is_shown)
    found = find_edges(motion[is_shown], depth[is_shown][:, 0], pixels, SIZE[1], 0.5, 0.5)
    assert np.array_equal(found, wanted[is_shown])
    assert 0 < found.sum() < len(found)


def test_normals_are_those_of_the_triangles_at_a_vertex() -> None:
    points, triangles = mesh(20)
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    wanted = np.zeros((20, 3))
    for corner in triangles.T:
        np.add.at(wanted, corner, np.cross(b - a, c - a))
    length = np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(vertex_normals(points, triangles), wanted / np.maximum(length, 1e-12))
    assert (vertex_normals(points, triangles[:0]) == 0).all()
    assert np.isfinite(vertex_normals(points, triangles + 2**40)).all()
    with pytest.raises(ValueError, match="are no mesh"):
        vertex_normals(points[:, :2], triangles)


def test_what_does_not_fit_is_refused() -> None:
    points, triangles = mesh(20)
    with pytest.raises(ValueError, match="does not fit"):
        draw_triangles(
            points,
            triangles,
            SIZE,
            culls_back=True,
            rows=None,
            within=np.ones((3, 3), bool),
            most_pixels=10**9,
        )
    with pytest.raises(ValueError, match="do not fit"):
        mix_corners(points, triangles, np.zeros(4, np.int64), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="have 4 values of 2"):
        add_in_squares(np.zeros((4, 2)), 2, np.zeros(4), np.zeros(3, np.int64), SIZE, 2)
    with pytest.raises(ValueError, match="4 values and 4 depths"):
        find_edges(np.zeros((4, 2)), np.zeros(4), np.zeros(3, np.int64), 9, 0.1, 0.1)
    for odd in (np.zeros((3, 2)), np.zeros(9)):
        with pytest.raises(ValueError, match="are no mesh"):
            vertex_normals(odd, triangles)
    with pytest.raises(ValueError, match="are no mesh"):
        mix_corners(points, np.zeros((4, 2), np.int64), np.zeros(4, np.int64), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="in rows of 0"):
        find_edges(np.zeros((4, 2)), np.zeros(4), np.arange(4), 0, 0.1, 0.1)
