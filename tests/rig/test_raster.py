"""Triangles drawn in NumPy, against a loop over pixels."""

import numpy as np
import pytest

from reggan_plugin.rig.raster import MeshRaster, nearest_of, rasterise

HEIGHT, WIDTH = 24, 31


def turned_to_front(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    area = np.cross(b - a, c - a)[:, 2]
    return np.where((area > 0)[:, None], triangles[:, ::-1], triangles)


def by_brute_force(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest triangle and depth by testing every pixel centre against every triangle."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    nearest = np.full((HEIGHT, WIDTH), -1)
    depth = np.full((HEIGHT, WIDTH), -np.inf)
    for row, corners in enumerate(points[triangles]):
        matrix = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(matrix)) < 1e-9:
            continue
        weights = np.einsum("ij,jhw->hwi", np.linalg.inv(matrix), np.stack([x, y, x * 0 + 1]))
        z = weights @ corners[:, 2]
        wins = (weights >= 0).all(axis=2) & (z > depth)
        nearest[wins], depth[wins] = row, z[wins]
    return nearest, depth


def random_triangles(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.uniform([-8, -8, -5], [WIDTH + 8, HEIGHT + 8, 5], size=(3 * count, 3))
    return points, turned_to_front(points, np.arange(3 * count).reshape(-1, 3))


def grid(side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A wavy sheet that covers the picture; corners often exactly on pixel centres."""
    steps = np.linspace(-2, max(HEIGHT, WIDTH) + 2, side + 1)
    places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    places = np.round((places + rng.normal(scale=0.2, size=places.shape)) * 4) / 4
    cell = np.arange(side * side)
    corner = cell // side * (side + 1) + cell % side
    below = corner + side + 1
    triangles = np.concatenate(
        [np.stack([corner, below, below + 1], 1), np.stack([corner, below + 1, corner + 1], 1)]
    )
    return np.column_stack([places, rng.normal(size=len(places))]), triangles


@pytest.mark.parametrize("seed", range(5))
def test_random_triangles_are_drawn_as_by_brute_force(seed: int) -> None:
    points, triangles = random_triangles(40, seed)
    wanted, depth = by_brute_force(points, triangles)
    drawn = rasterise(points, triangles, HEIGHT, WIDTH)
    assert np.array_equal(drawn.triangle, wanted)
    assert np.allclose(drawn.mixed(points, triangles)[..., 2][drawn.is_hit], depth[wanted >= 0],
                       atol=1e-4)  # fmt: skip


def test_interpolated_places_are_the_pixel_centres() -> None:
    points, triangles = random_triangles(40, 7)
    drawn = rasterise(points, triangles, HEIGHT, WIDTH)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    places = drawn.mixed(points, triangles)
    assert np.allclose(places[drawn.is_hit][:, :2], np.stack([x, y], 2)[drawn.is_hit], atol=1e-3)
    assert (places[~drawn.is_hit] == 0).all()
    assert np.allclose(drawn.barycentric.sum(axis=2), drawn.is_hit, atol=1e-6)


def test_the_nearer_triangle_is_seen_whatever_the_order() -> None:
    corners = np.array([[0, 0], [0, 20], [20, 20.0]])
    points = np.concatenate([np.column_stack([corners, np.full(3, z)]) for z in (-1.0, 2.0, -3.0)])
    triangles = np.arange(9).reshape(3, 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        drawn = rasterise(points, triangles[order], HEIGHT, WIDTH)
        assert set(np.unique(drawn.triangle)) == {-1, order.index(1)}


@pytest.mark.parametrize("side", [1, 3, 11, 40])
def test_shared_edges_leave_no_holes_and_nothing_is_drawn_twice(side: int) -> None:
    points, triangles = grid(side, np.random.default_rng(side))
    both = rasterise(points, triangles, HEIGHT, WIDTH, culls_back=False)
    assert both.is_hit.all()
    flat = points * [1, 1, 0]
    kept = turned_to_front(flat, triangles)
    hits = [rasterise(flat, kept[i : i + 1], HEIGHT, WIDTH).is_hit for i in range(len(kept))]
    if side < 40:  # finer, jittered corners fold over each other
        assert np.sum(hits, axis=0).max() == 1


def test_triangles_seen_from_behind_are_left_out_if_asked() -> None:
    points = np.array([[2, 2, 0], [2, 20, 0], [20, 20, 0.0]])
    front, back = np.array([[0, 1, 2]]), np.array([[2, 1, 0]])
    assert rasterise(points, front, HEIGHT, WIDTH).is_hit.any()
    assert not rasterise(points, back, HEIGHT, WIDTH).is_hit.any()
    seen = rasterise(points, back, HEIGHT, WIDTH, culls_back=False)
    assert np.array_equal(seen.is_hit, rasterise(points, front, HEIGHT, WIDTH).is_hit)
    assert np.isfinite(seen.barycentric).all()


def test_nothing_to_see_is_fine() -> None:
    nothing = rasterise(np.zeros((0, 3)), np.zeros((0, 3), np.int64), HEIGHT, WIDTH)
    assert not nothing.is_hit.any()
    points = np.array([[-90, -90, 0], [-90, -80, 0], [-80, -80, 0], [3, 3, 0], [3, 9, np.nan]])
    triangles = np.array([[0, 1, 2], [3, 4, 2], [3, 3, 3], [0, 1, 0]])
    drawn = rasterise(points, triangles, HEIGHT, WIDTH, culls_back=False)
    assert isinstance(drawn, MeshRaster)
    assert not drawn.is_hit.any()
    assert rasterise(points, triangles, 0, 0).triangle.shape == (0, 0)


def test_a_triangle_far_larger_than_the_picture_fills_it() -> None:
    points = np.array([[-1e9, -1e9, 0], [-1e9, 1e9, 0], [4e9, 1e9, 0.0]])
    drawn = rasterise(points, np.array([[0, 1, 2]]), HEIGHT, WIDTH)
    assert drawn.is_hit.all()
    assert np.isfinite(drawn.barycentric).all()


def test_slivers_keep_their_depth() -> None:
    points = np.array([[0, 5, 1], [30, 5.5000001, 2], [30, 5.5, 3.0]])
    drawn = rasterise(points, np.array([[0, 1, 2]]), HEIGHT, WIDTH, culls_back=False)
    depth = drawn.mixed(points, np.array([[0, 1, 2]]))[..., 2][drawn.is_hit]
    assert ((depth >= 0.999) & (depth <= 3.001)).all()


def test_a_part_of_the_pixels_and_of_the_triangles_is_drawn_as_in_the_whole() -> None:
    points, triangles = random_triangles(60, 7)
    whole = rasterise(points, triangles, HEIGHT, WIDTH)
    within = np.random.default_rng(7).random((HEIGHT, WIDTH)) < 0.2
    part = rasterise(points, triangles, HEIGHT, WIDTH, within=within)
    assert np.array_equal(part.triangle, np.where(within, whole.triangle, -1))
    assert np.array_equal(part.barycentric, whole.barycentric * within[..., None])
    some = [rasterise(points, triangles, HEIGHT, WIDTH, rows=np.arange(k, 60, 3)) for k in range(3)]
    seen = np.full(HEIGHT * WIDTH, -1)
    for one, is_seen in zip(some, nearest_of(some), strict=True):
        assert (one.shown % 3 == one.shown[0] % 3).all()
        assert (seen[one.pixels[is_seen]] == -1).all()
        seen[one.pixels[is_seen]] = one.shown[is_seen]
    assert np.array_equal(seen.reshape(HEIGHT, WIDTH), whole.triangle)
