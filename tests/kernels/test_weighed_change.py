"""How much of a change each pixel takes, said once more in plain NumPy."""

import numpy as np
import pytest

from reggan_plugin.imaging.crop import FaceCrop, inside_in_frame
from reggan_plugin.kernels.pixel_values import blended, put_in_place, weigh_change

RANDOM = np.random.default_rng(36)


def smooth_step(values: np.ndarray) -> np.ndarray:
    inside = np.clip(values, 0, 1)
    return inside**2 * (3 - 2 * inside)


def test_what_lies_inside_of_a_turned_square() -> None:
    matrix = np.array([[0.02, 0.006, -0.2], [-0.006, 0.02, 0.1]])
    back = np.linalg.inv(matrix[:, :2])
    crop = FaceCrop(np.column_stack([back, -back @ matrix[:, 2]]), 1)
    found = inside_in_frame(crop, (slice(-7, 53), slice(3, 53)), 0.05, 0.1)
    y, x = np.mgrid[-7:53, 3:53] + 0.5
    places = np.tensordot(matrix, np.stack([x, y, np.ones_like(x)]), 1)
    nearest = np.minimum(places, 1 - places).min(axis=0)
    assert nearest.min() < -0.1 < 0.4 < nearest.max()
    assert found == pytest.approx(smooth_step((nearest - 0.05) / 0.1), abs=1e-5)


def test_colours_laid_over_others() -> None:
    values, over = RANDOM.random((2, 7, 9, 3), np.float32)
    share = RANDOM.random((7, 9), np.float32)
    expected = values + share[..., None] * (over - values)
    assert blended(values, over, share) == pytest.approx(expected, abs=1e-7)
    with pytest.raises(ValueError, match="do not fit"):
        blended(values, over[1:], share)


@pytest.mark.parametrize("lights", [0, 1, 3])
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (37, 41)])
def test_the_weight_of_a_change(shape: tuple[int, int], lights: int) -> None:
    moved = RANDOM.normal(0, 0.5, (2, *shape)).astype(np.float32)
    light = RANDOM.normal(0, 0.01, (lights, *shape)).astype(np.float32)
    cover, takes = RANDOM.random((2, *shape), np.float32) ** 4
    sizes = [np.hypot(*moved) / 2, cover / 0.5, *(np.abs(light) / 0.02)]
    weight = smooth_step((np.max(sizes, axis=0) * takes - 0.25) / 0.75)
    expected = [one * takes * weight for one in (moved, light, cover)]
    assert weight.size < 2 or 0 < (weight > 0).sum() < weight.size
    *found, own = weigh_change(moved, light, cover, takes, (2.0, 0.02, 0.5), 0.25)
    for one, other in zip([*found, own], [*expected, weight], strict=True):
        assert one.shape == other.shape
        assert one == pytest.approx(other, abs=1e-6)


def test_planes_of_several_changes_are_refused() -> None:
    plane = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match="not those of one change"):
        weigh_change(np.zeros((2, 3, 5)), plane[None], plane, plane, (1.0, 1.0, 1.0), 0.25)


@pytest.mark.parametrize("has_front", [False, True])
def test_moved_values_in_their_places(*, has_front: bool) -> None:
    values, pixels = RANDOM.random((5, 3), np.float32), RANDOM.random((3, 4, 3), np.float32)
    values[2, 1], index = np.nan, np.array([0, 3, 4, 8, 11])
    change, weight = RANDOM.random((3, 4), np.float32), np.zeros((3, 4), np.float32)
    front = RANDOM.random(12, np.float32) if has_front else np.zeros(12, np.float32)
    expected, weights = pixels.reshape(-1, 3).copy(), weight.ravel().copy()
    for place, own in zip(index, values, strict=True):
        if np.isfinite(own).all():
            expected[place] = own + front[place] * (expected[place] - own)
            weights[place] = change.ravel()[place] * (1 - front[place])
    put_in_place(values, index, pixels, weight, change, front if has_front else None)
    assert np.array_equal(pixels.reshape(-1, 3), expected)
    assert np.array_equal(weight.ravel(), weights)
    with pytest.raises(ValueError, match="do not fit"):
        put_in_place(values, index + 1, pixels, weight, change, None)
    with pytest.raises(ValueError, match="what a kernel writes to"):
        put_in_place(values, index, pixels[:, ::2], weight, change, None)
