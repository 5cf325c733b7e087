import numpy as np
import pytest

from reggan_training.metrics.motion.measures import (
    TrueFace,
    count_folds,
    explained_motion,
    moved_region,
)


def test_only_the_true_motion_explains_all_of_itself(face: TrueFace, folded: np.ndarray) -> None:
    region = moved_region(face)
    noise = np.random.default_rng(0).normal(0, 0.01, face.motion.shape).astype(np.float32)
    shares = {
        name: explained_motion(motion, face.motion, region).share
        for name, motion in {
            "true": face.motion,
            "nearly": 0.95 * face.motion,
            "half": 0.5 * face.motion,
            "too much": 1.6 * face.motion,
            "noisy": face.motion + noise,
            "folded": folded,
            "none": 0 * face.motion,
            "wrong way": -face.motion,
        }.items()
    }
    assert shares["true"] == pytest.approx(1)
    assert shares["nearly"] == pytest.approx(0.95)
    assert shares["half"] == pytest.approx(0.5)
    assert shares["none"] == 0
    assert shares["wrong way"] < 0
    for wrong in ("half", "too much", "noisy", "folded", "none"):
        assert shares[wrong] < 0.85, wrong


def test_each_share_alone_can_be_fooled(face: TrueFace, folded: np.ndarray) -> None:
    region = moved_region(face)
    half = explained_motion(face.motion / 2, face.motion, region)
    assert half.without_error == pytest.approx(0.75)
    spirals = explained_motion(folded, face.motion, region)
    assert spirals.projection > 0.85 > spirals.without_error


def test_nothing_moves_nothing_is_explained(face: TrueFace) -> None:
    nowhere = np.zeros_like(face.is_head)
    assert np.isnan(explained_motion(face.motion, face.motion, nowhere).share)


def test_folds_are_counted_where_they_are_seen(face: TrueFace, folded: np.ndarray) -> None:
    cover = face.is_uncovered.astype(np.float32)
    assert count_folds(face.motion, cover) == 0
    assert count_folds(folded, cover) > 20
    assert count_folds(folded, np.ones_like(cover)) == 0


def test_a_single_crossed_pixel_is_a_fold() -> None:
    motion = np.zeros((2, 16, 16), dtype=np.float32)
    motion[0, 5, 5] = 1.01 / 16  # just beyond its right neighbour
    assert count_folds(motion, np.zeros((16, 16), dtype=np.float32)) > 0
    motion[0, 5, 5] = 0.99 / 16
    assert count_folds(motion, np.zeros((16, 16), dtype=np.float32)) == 0


def test_a_mirrored_picture_is_all_folds() -> None:
    motion = np.zeros((2, 16, 16), dtype=np.float32)
    motion[0] = 1 - 2 * (np.arange(16) + 0.5) / 16
    assert count_folds(motion, np.zeros((16, 16), dtype=np.float32)) == 15 * 15
