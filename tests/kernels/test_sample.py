"""Sampled pictures, said once more in plain NumPy."""

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.kernels.sampling import (
    PHASES,
    block_means,
    cubic_weights,
    sample_affine,
    sample_cubic,
    sample_moved,
    shrink,
)

RANDOM = np.random.default_rng(36)
SLOPE, OVERSHOOT = -0.75, 0.25


def cubic(
    picture: np.ndarray, x: np.ndarray, y: np.ndarray, slope: float = SLOPE, *, bound: bool = True
) -> np.ndarray:
    """Weigh rows of four pixels, then the four rows, in float32; keep near their range."""
    height, width, channels = picture.shape
    columns, across = taps(x, width, slope)
    rows, down = taps(y, height, slope)
    total = np.zeros((len(x), channels), np.float32)
    for i in range(4):
        along = np.zeros_like(total)
        for j in range(4):
            along += picture[rows[i], columns[j]] * across[j][:, None]
        total += along * down[i][:, None]
    if not bound:
        return total
    around = picture[rows[:, None], columns[None]].reshape(16, len(x), channels)
    low, high = around.min(axis=0), around.max(axis=0)
    span, part = high - low, np.float32(OVERSHOOT)
    low, high = low - part * np.minimum(span, np.maximum(low, 0)), high + part * np.minimum(span, 1)
    return np.clip(total, low, high)


def taps(places: np.ndarray, length: int, slope: float) -> tuple[np.ndarray, np.ndarray]:
    steps = np.rint(places * PHASES).astype(np.int64)
    pixels = steps // PHASES - 1 + np.arange(4)[:, None]
    return np.clip(pixels, 0, length - 1), cubic_weights(slope)[steps % PHASES].T


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 4), (40, 31)])
def test_the_cubic_kernel(height: int, width: int, channels: int) -> None:
    picture = RANDOM.normal(0.5, 1, (height, width, channels)).astype(np.float32)
    x, y = RANDOM.uniform(-6, 46, (2, 500))
    x[:20] = np.rint(x[:20])
    found = sample_cubic(picture, x, y, SLOPE, OVERSHOOT)
    assert np.array_equal(found, cubic(picture, x, y))


def test_places_that_no_picture_has() -> None:
    picture = RANDOM.random((6, 5, 3), np.float32)
    x = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300, 2.0**40])
    found = sample_cubic(picture, x, np.full(6, 2.0), SLOPE, OVERSHOOT)
    left, right = picture[2, 0], picture[2, 4]
    assert found == pytest.approx(np.stack([left, right, left, right, left, right]), abs=1e-6)


def test_a_view_of_other_numbers_is_read_as_its_values() -> None:
    picture = RANDOM.random((12, 10, 6))[::2, :, ::2]
    x, y = RANDOM.uniform(0, 6, (2, 50)).astype(np.float32)
    found = sample_cubic(picture, x, y, SLOPE, OVERSHOOT)
    assert np.array_equal(found, cubic(picture.astype(np.float32), x.astype(np.float64), y))
    frame = RANDOM.random((12, 10, 3), np.float32)
    part, end = frame[3:9, 2:9], frame[8:, 6:]  # read where they lie, to the last number
    for own in (part, end):
        assert np.array_equal(sample_cubic(own, x, y, SLOPE, OVERSHOOT), cubic(own, x, y))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 4), (40, 31)])
def test_where_pixels_of_a_region_come_from(height: int, width: int, channels: int) -> None:
    picture = RANDOM.normal(0.5, 1, (height, width, channels)).astype(np.float32)
    moves = RANDOM.uniform(-6, 20, (2, 20, 26)).astype(np.float32)
    moves[0, 3] = np.rint(moves[0, 3])
    index = np.flatnonzero(RANDOM.random(20 * 26) < 0.6)
    y, x = np.divmod(index, 26)
    right, down = (plane.ravel()[index].astype(np.float64) for plane in moves)
    found = sample_moved(picture, moves, index, (3, -2), 1, SLOPE, OVERSHOOT)
    assert np.array_equal(found, cubic(picture, x - 2 + right, y + 3 + down))
    found = sample_moved(picture, moves, index, (3, -2), 4, SLOPE, OVERSHOOT)
    coarse = ((axis + 0.5) / 4 - 0.5 for axis in (x - 2 + right, y + 3 + down))
    assert np.array_equal(found, cubic(picture, *coarse))


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_the_pixels_of_a_turned_picture(channels: int) -> None:
    picture = RANDOM.normal(0.5, 1, (9, 14, channels)).astype(np.float32)
    matrix = np.array([[0.31, -0.12, 1.7], [0.11, 0.3, -2.3]])
    found = np.moveaxis(sample_affine(picture, matrix, (40, 30), -0.5), 0, 2)
    corner = np.mgrid[:40, :30].reshape(2, -1)[::-1] + 0.5
    x, y = matrix[:, :2] @ corner + matrix[:, 2:]
    is_within = (x >= 0) & (x < 14) & (y >= 0) & (y < 9)
    expected = cubic(picture, x - 0.5, y - 0.5, -0.5, bound=False) * is_within[:, None]
    assert 200 < is_within.sum() < 1000
    assert found.reshape(-1, channels) == pytest.approx(expected, abs=2e-3)  # one step of 1/1024
    assert np.mean(found.reshape(-1, channels) != expected) < 0.01


def test_weights_add_up_to_1_and_a_pixel_itself_is_kept() -> None:
    weights = cubic_weights(SLOPE)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert weights[0].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("part", [(slice(0, 1), slice(0, 1)), (slice(7, 48, 33), slice(8, 54, 39))])
def test_where_a_picture_is_empty_nothing_is_sampled(
    channels: int, part: tuple[slice, slice]
) -> None:
    full = RANDOM.normal(0.5, 1, (48, 54, channels)).astype(np.float32)
    picture = np.zeros_like(full)
    picture[part] = full[part]
    matrix = np.array([[0.31, -0.12, 1.7], [0.11, 0.3, -2.3]])
    found = sample_affine(picture, matrix, (150, 190), -0.5)
    beside = np.ones_like(full)  # which is nowhere 0, so that all of it is sampled
    all_of_it = sample_affine(np.concatenate([picture, beside], axis=2), matrix, (150, 190), -0.5)
    assert found.any()
    assert np.array_equal(found, all_of_it[:channels])
    assert not sample_affine(np.zeros_like(full), matrix, (150, 190), -0.5).any()


@pytest.mark.parametrize(
    ("shape", "last"), [((0, 4, 3), 5), ((4, 4, 0), 5), ((4, 4, 3), 7), ((4, 0, 3), 5)]
)
def test_what_would_read_outside_memory_is_refused(shape: tuple[int, ...], last: int) -> None:
    picture, moves = np.zeros(shape, np.float32), np.zeros((2, 2, 3), np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        sample_cubic(picture, np.zeros(5), np.zeros(last - 1), SLOPE, OVERSHOOT)
    with pytest.raises(ValueError, match="do not fit"):
        sample_moved(picture, moves, np.array([0, last]), (0, 0), 1, SLOPE, OVERSHOOT)
    if not picture.size:
        with pytest.raises(ValueError, match="do not fit"):
            sample_affine(picture, np.eye(2, 3), (4, 4), SLOPE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_map_that_leads_nowhere_gives_0(value: float) -> None:
    matrix = np.array([[value, 0, 0], [0, 1.0, 0]])
    assert not sample_affine(np.ones((4, 4, 1), np.float32), matrix, (3, 3), SLOPE).any()


@pytest.mark.parametrize("scale", [1.0, 1.7, 2.45, 4.9, 9.2])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_part_shrinks_as_by_pillow(scale: float, channels: int) -> None:
    frame = RANDOM.random((120, 150, channels), np.float32)
    part, shape = frame[3:, 4:], (int(117 / scale), int(146 / scale))
    box = (0, 0, shape[1] * scale, shape[0] * scale)
    planes = [
        Image.fromarray(np.ascontiguousarray(part[..., channel])).resize(
            shape[::-1], Image.Resampling.BICUBIC, box, reducing_gap=2.0
        )
        for channel in range(channels)
    ]
    found = shrink(frame, (3, 4), shape, scale, -0.5)
    inside = (slice(2, -2), slice(2, -2))  # Pillow's edges do not go on
    assert np.allclose(found[inside], np.stack(planes, axis=2)[inside], atol=1e-6)


def test_the_edge_of_what_shrinks_goes_on() -> None:
    frame = RANDOM.random((9, 11, 3), np.float32)
    wide = np.pad(frame, ((20, 20), (30, 30), (0, 0)), mode="edge")
    found = shrink(frame, (-12, -15), (10, 12), 3.3, -0.5)
    assert np.allclose(found, shrink(wide, (8, 15), (10, 12), 3.3, -0.5), atol=1e-6)
    assert np.allclose(shrink(frame, (50, 50), (2, 2), 2.0, -0.5), frame[-1, -1], atol=1e-6)
    for shape, scale in (((0, 2), 2.0), ((2, 2), 0.9), ((2, 2), np.nan)):
        with pytest.raises(ValueError, match="cannot shrink"):
            shrink(frame, (0, 0), shape, scale, -0.5)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("factor", [2, 3, 7, 50])
def test_means_of_blocks_and_of_what_is_left_at_the_far_edges(factor: int, channels: int) -> None:
    picture = RANDOM.random((31, 44, channels), np.float32)
    part = picture[2:-1, 5:]
    found = block_means(part, factor)
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(part, 2, 0)]
    expected = np.stack([np.asarray(plane.reduce(factor)) for plane in planes], axis=2)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-6)
    assert block_means(part, 1) is part
