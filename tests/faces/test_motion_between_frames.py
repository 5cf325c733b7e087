"""Patches of a face laid over each other."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from reggan_plugin.faces.motion_between_frames import (
    Detection,
    face_motion,
    patch_around,
    register_patches,
)

FACE = (
    np.array([[120, 80], [60, 80], [90, 110], [110, 136], [70, 136], [90, 170]], dtype=float) + 60
)


def texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (340, 340, 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(7)), dtype=np.float32)
    return (soft - soft.min()) / (soft.max() - soft.min())


def shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    """The picture moved by x, y pixels."""
    planes = [
        Image.fromarray(plane).transform(
            (340, 340), Image.Transform.AFFINE, (1, 0, -x, 0, 1, -y), Image.Resampling.BICUBIC
        )
        for plane in np.moveaxis(image, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2).clip(0, 1)


def detection(image: np.ndarray, points: np.ndarray) -> Detection:
    return Detection(points=points, score=1.0, patch=patch_around(image, points))


@pytest.mark.parametrize("way", [(0.0, 0.0), (3.0, -2.0), (0.4, 0.3)])
def test_a_motion_is_found_though_the_landmarks_are_read_off(way: tuple[float, float]) -> None:
    image, random = texture(0), np.random.default_rng(5)
    one = detection(image, FACE + random.normal(0, 1.0, (6, 2)))
    other = detection(shifted(image, *way), FACE + way + random.normal(0, 1.0, (6, 2)))
    motion = face_motion(one, other)
    carried = FACE @ motion[:2, :2].T + motion[:2, 2]
    assert np.abs(carried - (FACE + way)).max() < 0.25  # landmarks say it ten times as badly
    assert np.abs(other.points - one.points - way).max() > 1.0


def test_an_exposure_changes_nothing() -> None:
    image = texture(0)
    darker = detection(image * 0.5 + 0.1, FACE + np.array([1.5, 0.0]))
    motion = face_motion(detection(image, FACE), darker)
    assert np.allclose(motion, np.eye(3), atol=0.01 * 90)
    carried = FACE @ motion[:2, :2].T + motion[:2, 2]
    assert np.abs(carried - FACE).max() < 0.2


def test_a_patch_with_something_in_front_of_it_still_counts() -> None:
    image = texture(0)
    speaking = shifted(image, 2.0, 0.0)
    speaking[185:210, 135:170] = 0.0
    motion = face_motion(detection(image, FACE), detection(speaking, FACE + np.array([2.0, 0.0])))
    carried = FACE @ motion[:2, :2].T + motion[:2, 2]
    assert np.abs(carried - (FACE + np.array([2.0, 0.0]))).max() < 0.5


def test_different_faces_are_not_laid_over_each_other() -> None:
    one, other = detection(texture(0), FACE), detection(texture(1), FACE + np.array([4.0, 0.0]))
    assert register_patches(one.patch, other.patch) is None
    carried = FACE @ (motion := face_motion(one, other))[:2, :2].T + motion[:2, 2]
    assert np.allclose(carried, other.points)  # as the landmarks say


def test_a_patch_without_contrast_moves_nowhere_by_itself() -> None:
    flat = np.full((340, 340, 3), 0.5, dtype=np.float32)
    motion = face_motion(detection(flat, FACE), detection(flat, FACE + np.array([4.0, 0.0])))
    assert np.isfinite(motion).all()
