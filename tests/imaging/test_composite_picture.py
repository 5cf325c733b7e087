"""The composite keeps what the mask does not cover, and the picture's own detail."""

import numpy as np
import pytest

from reggan_plugin.errors import CropMismatchError
from reggan_plugin.faces.face_crop import FaceCrop, crop_of_whole_image
from reggan_plugin.imaging.composite_picture import composite
from reggan_plugin.imaging.crop import cut_crop

SIDE = 64


def rotated_crop(scale: float, degrees: float, offset: float) -> FaceCrop:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return FaceCrop(np.column_stack([linear, [offset, offset]]), SIDE)


def oval_mask() -> np.ndarray:
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    radius = np.hypot(axis[:, None], axis[None])
    return np.clip((0.8 - radius) / 0.2, 0, 1)[..., None].astype(np.float32)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((300, 280, 3)).astype(np.float32)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.1])
def test_pixels_where_the_mask_is_0_keep_their_bits(picture: np.ndarray, scale: float) -> None:
    crop = rotated_crop(scale, 17.0, 60.0)
    before = np.clip(cut_crop(picture, crop), 0, 1)
    mask = np.zeros((SIDE, SIDE, 1), dtype=np.float32)
    mask[20:40, 20:40] = 1.0
    result, weight = composite(picture, before, 1 - before, mask, crop)
    touched = weight > 0
    assert touched.any()
    assert np.array_equal(result[~touched], picture[~touched])
    corners = np.array([[20, 20], [40, 20], [40, 40], [20, 40]], dtype=np.float64)
    placed = crop.place(corners)
    reach = 3 * max(1.0, scale)
    rows, columns = np.nonzero(touched)
    assert columns.min() >= placed[:, 0].min() - reach
    assert columns.max() <= placed[:, 0].max() + reach
    assert rows.min() >= placed[:, 1].min() - reach
    assert rows.max() <= placed[:, 1].max() + reach


def test_the_same_face_changes_nothing(picture: np.ndarray) -> None:
    crop = rotated_crop(2.0, 5.0, 50.0)
    before = np.clip(cut_crop(picture, crop), 0, 1)
    result, weight = composite(picture, before, before, oval_mask(), crop)
    assert not weight.any()
    assert np.array_equal(result, picture)


def test_a_small_change_keeps_the_fine_detail_of_a_large_picture() -> None:
    random = np.random.default_rng(1)
    pores = 0.5 + 0.02 * random.standard_normal((256, 256, 1)).repeat(3, 2).astype(np.float32)
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(pores, crop), 0, 1)
    result, _ = composite(pores, before, before + np.float32(0.03), oval_mask(), crop)
    middle = (slice(96, 160), slice(96, 160))
    assert np.allclose(result[middle] - pores[middle], 0.03, atol=1e-3)


def test_a_large_change_leaves_no_ghost_of_what_was_there() -> None:
    stripes = np.zeros((256, 256, 3), dtype=np.float32)
    stripes[:, ::2] = 0.6  # finer than the crop can hold
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(stripes, crop), 0, 1)
    after = np.ones_like(before)
    result, _ = composite(stripes, before, after, oval_mask(), crop)
    middle = (slice(96, 160), slice(96, 160))
    assert np.allclose(result[middle], 1.0, atol=0.02)


def test_a_change_of_zero_strength_above_white_keeps_the_order() -> None:
    ramp = np.linspace(0, 8, 256, dtype=np.float32)[None, :, None].repeat(256, 0).repeat(3, 2)
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(np.clip(ramp, 0, 1), crop), 0, 1)
    for after in (np.zeros_like(before), np.ones_like(before)):
        result, _ = composite(ramp, before, after, np.ones((SIDE, SIDE, 1), np.float32), crop)
        above = ramp[128, :, 0] > 2.0
        assert np.array_equal(result[128, above], ramp[128, above])


def test_light_does_not_become_negative() -> None:
    random = np.random.default_rng(2)
    grainy = (0.02 * random.random((256, 256, 1))).repeat(3, 2).astype(np.float32)
    crop = crop_of_whole_image(256, 256, SIDE)
    before = np.clip(cut_crop(grainy, crop), 0, 1)
    result, weight = composite(grainy, before, np.zeros_like(before), oval_mask(), crop)
    assert weight.any()
    assert result.min() >= 0.0


def test_a_matte_takes_its_share_of_the_change(picture: np.ndarray) -> None:
    crop = rotated_crop(1.0, 0.0, 60.0)  # as fine as the picture, which loses no detail
    before = np.clip(cut_crop(picture, crop), 0, 1)
    matte = np.zeros(picture.shape[:2], dtype=np.float32)
    matte[:, 90:], matte[:, 110:] = 0.25, 1.0
    full, weight = composite(picture, before, 1 - before, oval_mask(), crop)
    part, share = composite(picture, before, 1 - before, oval_mask(), crop, matte)
    assert np.array_equal(share, weight * matte)
    assert np.array_equal(part[:, :90], picture[:, :90])
    assert np.array_equal(part[:, 110:], full[:, 110:])
    quarter = slice(90, 110)
    expected = picture[:, quarter] + 0.25 * (full - picture)[:, quarter]
    assert np.allclose(part[:, quarter], expected, atol=1e-6)
    assert (share[:, quarter] > 0).any()


def test_another_size_is_refused(picture: np.ndarray) -> None:
    crop = rotated_crop(1.0, 0.0, 10.0)
    face = np.zeros((32, 32, 3), dtype=np.float32)
    with pytest.raises(CropMismatchError, match="32x32"):
        composite(picture, face, face, face[..., :1], crop)


def test_a_crop_outside_the_frame_touches_nothing(picture: np.ndarray) -> None:
    crop = rotated_crop(1.0, 0.0, 5000.0)
    face = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    result, weight = composite(picture, face, face + 1, oval_mask(), crop)
    assert not weight.any()
    assert np.array_equal(result, picture)


def test_detail_gives_way_over_the_same_part_of_a_face_whatever_the_models_size() -> None:
    """Share of the picture that differs: a crop of 64 px is within 10 % of one of 256 px."""
    detail = 0.02 * np.random.default_rng(2).standard_normal((512, 512, 1)).astype(np.float32)
    picture = np.repeat(0.5 + detail, 3, axis=2)
    shares = []
    for side in (64, 256):
        crop = crop_of_whole_image(512, 512, side)
        before = np.clip(cut_crop(picture, crop), 0, 1)
        middle = np.abs((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) < 0.1
        box = (middle[:, None] & middle)[..., None].astype(np.float32)
        mask = np.ones((side, side, 1), dtype=np.float32)
        result, _ = composite(picture, before, before + 0.3 * box, mask, crop)
        shares.append((np.abs(result - picture).max(axis=2) > 0.01).mean())
    assert shares[0] == pytest.approx(shares[1], rel=0.1)
