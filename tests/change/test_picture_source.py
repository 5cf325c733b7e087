"""A picture of contract 1 becomes light where it changes little, paint where it changes much."""

import numpy as np
import pytest

from reggan_plugin.change.picture_model import answer_from_picture
from reggan_plugin.change.pipeline import EditedFrame, change_picture
from reggan_plugin.imaging.crop import FaceCrop, crop_of_whole_image, cut_crop

SIDE = 64
MIDDLE = (slice(96, 160), slice(96, 160))


def rotated_crop(scale: float, degrees: float, offset: float) -> FaceCrop:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return FaceCrop(np.column_stack([linear, [offset, offset]]), SIDE)


def oval_mask() -> np.ndarray:
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    radius = np.hypot(axis[:, None], axis[None])
    return np.clip((0.8 - radius) / 0.2, 0, 1)[..., None].astype(np.float32)


def changed(
    picture: np.ndarray, crop: FaceCrop, before: np.ndarray, after: np.ndarray, mask: np.ndarray
) -> EditedFrame:
    return change_picture(picture, crop, answer_from_picture(before, after, mask))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((300, 280, 3)).astype(np.float32)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.1])
def test_pixels_where_the_mask_is_0_keep_their_bits(picture: np.ndarray, scale: float) -> None:
    crop = rotated_crop(scale, 17.0, 60.0)
    before = np.clip(cut_crop(picture, crop), 0, 1)
    mask = np.zeros((SIDE, SIDE, 1), dtype=np.float32)
    mask[20:40, 20:40] = 1.0
    result = changed(picture, crop, before, 1 - before, mask)
    touched = result.weight > 0
    assert touched.any()
    assert np.array_equal(result.pixels[~touched], picture[~touched])
    placed = crop.place(np.array([[20, 20], [40, 20], [40, 40], [20, 40]], dtype=np.float64))
    reach = 12 * max(1.0, scale)
    rows, columns = np.nonzero(touched)
    assert columns.min() >= placed[:, 0].min() - reach
    assert columns.max() <= placed[:, 0].max() + reach
    assert rows.min() >= placed[:, 1].min() - reach
    assert rows.max() <= placed[:, 1].max() + reach


def test_the_same_face_changes_nothing(picture: np.ndarray) -> None:
    crop = rotated_crop(2.0, 5.0, 50.0)
    before = np.clip(cut_crop(picture, crop), 0, 1)
    result = changed(picture, crop, before, before, oval_mask())
    assert not result.weight.any()
    assert np.array_equal(result.pixels, picture)


def test_a_small_change_keeps_the_fine_detail_of_a_large_picture() -> None:
    random = np.random.default_rng(1)
    pores = 0.5 + 0.02 * random.standard_normal((256, 256, 1)).repeat(3, 2).astype(np.float32)
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(pores, crop), 0, 1)
    result = changed(pores, crop, before, before + np.float32(0.03), oval_mask())
    assert np.allclose((result.pixels - pores)[MIDDLE], 0.03, atol=5e-3)


def test_a_large_change_leaves_no_ghost_of_what_was_there() -> None:
    stripes = np.zeros((256, 256, 3), dtype=np.float32)
    stripes[:, ::2] = 0.6  # finer than the crop can hold
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(stripes, crop), 0, 1)
    result = changed(stripes, crop, before, np.ones_like(before), oval_mask())
    assert np.allclose(result.pixels[MIDDLE], 1.0, atol=0.02)
