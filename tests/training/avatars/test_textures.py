from dataclasses import replace

import numpy as np
import pytest

from reggan_training.avatars.albedo import paint_albedo, shirt_map
from reggan_training.avatars.backdrop import paint_backdrop
from reggan_training.avatars.eye_image import paint_eye
from reggan_training.avatars.identity_plan import plan_identity
from reggan_training.avatars.texel_map import build_texel_map, face_corner_uv
from reggan_training.avatars.uv_layout import (
    AXIS_DEPTH_M,
    cylinder_from_texels,
    uv_from_positions,
)
from reggan_training.avatars.wrinkles import wrinkle_height


def on_cylinder(angle: np.ndarray, height: np.ndarray) -> np.ndarray:
    x, y = 0.1 * np.sin(angle), AXIS_DEPTH_M - 0.1 * np.cos(angle)
    return np.stack([x, y, np.broadcast_to(height, x.shape)], axis=-1)


def tube(rows: int = 9, columns: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a cylinder that covers the whole texture."""
    angle = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    heights = np.linspace(-0.228, 0.132, rows)
    points = np.concatenate([on_cylinder(angle, height) for height in heights])
    grid = np.arange(rows * columns).reshape(rows, columns)
    right = np.roll(grid, -1, axis=1)
    faces = np.stack([grid[:-1], right[:-1], right[1:], grid[1:]], axis=2)
    return points, faces.reshape(-1, 4)


def test_texels_and_positions_are_inverse() -> None:
    angle, height = cylinder_from_texels(16)
    uv = uv_from_positions(on_cylinder(angle.ravel(), height.ravel()))
    middle = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(uv[:, 0].reshape(16, 16), np.tile(middle, (16, 1)), atol=1e-9)
    np.testing.assert_allclose(uv[:, 1].reshape(16, 16)[:, 0], 1 - middle, atol=1e-9)


def test_a_texel_shows_the_point_of_the_skin_that_lies_there() -> None:
    points, faces = tube()
    assert np.ptp(face_corner_uv(points, faces)[:, :, 0], axis=1).max() < 0.5
    painted = build_texel_map(points, faces, 32).paint(points[:, 2])
    _, height = cylinder_from_texels(32)
    np.testing.assert_allclose(painted[1:-1], height[1:-1], atol=1e-6)


def test_skin_has_lips_hair_below_hair_and_a_shirt_where_they_are() -> None:
    look = plan_identity("skin", 1002, 0).look
    none, all_over = np.zeros((64, 64)), np.ones((64, 64))
    bare = paint_albedo(look, 64, none, none, none)
    lips = paint_albedo(look, 64, all_over, none, none)
    assert np.array_equal(bare, paint_albedo(look, 64, none, none, none))
    is_shirt = shirt_map(64) == 1
    assert is_shirt.any()
    np.testing.assert_allclose(lips[is_shirt], bare[is_shirt])
    np.testing.assert_allclose(lips[20].mean(axis=0), look.lip, atol=0.06)
    np.testing.assert_allclose(bare[20].mean(axis=0), look.skin, atol=0.12)


def test_expressions_fold_and_age_deepens() -> None:
    assert not wrinkle_height({}, 0.1, 64).any()
    young = wrinkle_height({"forehead": 1.0}, 0.1, 64)
    old = wrinkle_height({"forehead": 1.0}, 0.9, 64)
    assert old.min() < young.min() < -0.2
    lowest_row = np.nonzero(young.min(axis=1) < -0.1)[0].max()
    assert lowest_row < 24  # above the brows, which lie at row 20 of 64


def test_the_pupil_is_in_the_middle_of_the_eye_and_the_white_around() -> None:
    eye = paint_eye(plan_identity("skin", 1000, 0).look, 128)
    assert eye[64, 64].max() < 0.05
    assert eye[64, 90].min() > 0.5


@pytest.mark.parametrize("kind", ["plain", "gradient", "spot", "blobs", "room"])
def test_backgrounds_are_pictures_equal_for_a_seed(kind: str) -> None:
    lighting = replace(plan_identity("skin", 1000, 0).look.lighting, background=kind)
    first, second = (paint_backdrop(lighting, 7, (24, 32)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == (24, 32, 3)
    assert 0 <= first.min() <= first.max() <= 1
    assert not np.array_equal(first, paint_backdrop(lighting, 8, (24, 32)))


def test_an_unknown_background_is_refused() -> None:
    lighting = replace(plan_identity("skin", 1000, 0).look.lighting, background="sea")
    with pytest.raises(ValueError, match="sea"):
        paint_backdrop(lighting, 0, (8, 8))
