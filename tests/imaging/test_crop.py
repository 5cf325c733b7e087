"""Crops land where their transform says, without aliasing."""

import numpy as np
import pytest

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.imaging.crop import (
    FaceCrop,
    crop_from_box,
    crop_from_landmarks,
    crop_of_whole_image,
    cut_crop,
    place_crop,
    region_of,
)

CANONICAL = np.array([[0.63, 0.3], [0.37, 0.3], [0.5, 0.48], [0.6, 0.62], [0.4, 0.62], [0.5, 0.81]])


def gradient(height: int, width: int) -> np.ndarray:
    """A picture whose channels are x and y of the pixel centres, in pixels."""
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    return np.stack([x, y, x + y], axis=2)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.6, 5.0])
def test_a_crop_samples_the_positions_of_its_transform(scale: float) -> None:
    angle = np.radians(12.0)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    crop = FaceCrop(np.column_stack([linear, [150.0, 90.0]]), 48)
    cut = cut_crop(gradient(600, 600), crop)
    centres = np.mgrid[:48, :48].astype(np.float64)[::-1].reshape(2, -1).T + 0.5
    expected = crop.place(centres).reshape(48, 48, 2)
    assert np.abs(cut[..., :2] - expected).max() < 0.05


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_placing_undoes_cutting_on_a_smooth_picture(scale: float) -> None:
    picture = gradient(300, 300)
    crop = FaceCrop(np.array([[scale, 0.0, 60.0], [0.0, scale, 70.0]]), 64)
    region = region_of(crop, 300, 300)
    placed = place_crop(cut_crop(picture, crop), crop, region)
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(placed[inner] - picture[region][inner]).max() < 0.05 * max(1.0, scale)


def test_beyond_the_border_the_edge_goes_on() -> None:
    crop = FaceCrop(np.array([[1.0, 0.0, -20.0], [0.0, 1.0, -20.0]]), 64)
    cut = cut_crop(gradient(100, 100), crop)
    assert np.allclose(cut[:10, :10], [0.5, 0.5, 1.0])


@pytest.mark.parametrize("corner", [(-90.0, -90.0), (110.0, 5.0), (-8.0, 70.0), (120.0, 130.0)])
def test_what_a_crop_sees_beyond_the_border_are_the_nearest_pixels(
    corner: tuple[float, float],
) -> None:
    picture = np.random.default_rng(4).random((100, 100, 3), np.float32)
    wide = np.pad(picture, ((200, 200), (200, 200), (0, 0)), mode="edge")
    cut, expected = (
        cut_crop(source, FaceCrop(np.array([[1.0, 0.0, x], [0.0, 1.0, y]]), 64))
        for source, x, y in ((picture, *corner), (wide, corner[0] + 200, corner[1] + 200))
    )
    np.testing.assert_array_equal(cut, expected)


def test_shrinking_averages_instead_of_aliasing() -> None:
    checkerboard = (np.indices((512, 512)).sum(axis=0) % 2).astype(np.float32)
    picture = checkerboard[..., None].repeat(3, 2)
    cut = cut_crop(picture, crop_of_whole_image(512, 512, 64))
    assert np.abs(cut - 0.5).max() < 0.02


def test_landmarks_place_the_canonical_points_on_the_face() -> None:
    angle, scale = np.radians(-20.0), 3.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (CANONICAL * 256) @ turn.T + [400.0, 300.0]
    crop = crop_from_landmarks(FaceLandmarks(points), CANONICAL, 256)
    assert np.allclose(crop.place(CANONICAL * 256), points)
    assert crop.scale == pytest.approx(scale)


def test_a_face_box_and_the_landmarks_it_bounds_place_the_same_crop() -> None:
    face = FaceLandmarks(CANONICAL * 500 + [100.0, 50.0])
    by_points = crop_from_landmarks(face, CANONICAL, 256)
    by_box = crop_from_box(face.box, CANONICAL, 256)
    assert np.allclose(by_box.frame_from_crop, by_points.frame_from_crop)


def test_one_pixel_is_a_picture() -> None:
    picture = np.full((1, 1, 3), 0.25, dtype=np.float32)
    cut = cut_crop(picture, crop_of_whole_image(1, 1, 256))
    assert np.allclose(cut, 0.25)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.3])
def test_a_part_of_the_frame_has_the_values_of_the_whole(scale: float) -> None:
    values = np.zeros((96, 96, 1), np.float32)  # on its rim, as `place_crop` asks
    values[6:-6, 6:-6] = np.random.default_rng(5).normal(size=(84, 84, 1))
    crop = FaceCrop(np.array([[scale, 0.1, 11.0], [-0.1, scale, 17.0]]), 96)
    whole = place_crop(values, crop, (slice(0, 400), slice(0, 400)))
    for rows, columns in ((slice(20, 31), slice(30, 37)), (slice(0, 60), slice(40, 42))):
        part = place_crop(values, crop, (rows, columns))
        np.testing.assert_allclose(part, whole[rows, columns], atol=1e-5)


def test_nothing_is_placed_as_nothing() -> None:
    placed = place_crop(np.zeros((8, 8, 2), np.float32), FaceCrop(np.eye(2, 3), 8), np.s_[2:5, 1:9])
    assert placed.shape == (3, 8, 2)
    assert not placed.any()
