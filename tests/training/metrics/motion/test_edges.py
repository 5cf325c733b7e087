from collections.abc import Callable

import numpy as np

from reggan_training.metrics.motion.measures import (
    TrueFace,
    changed_region,
    left_region,
    measure_detail,
    measure_ghost,
)

Blur = Callable[[np.ndarray], np.ndarray]
Warp = Callable[[np.ndarray, np.ndarray], np.ndarray]


def test_blur_loses_detail_the_finest_most(face: TrueFace, blurred: Blur) -> None:
    region = changed_region(face)
    detail = measure_detail(blurred(face.target), face.target, region)
    assert detail.fine < 0.5
    assert detail.fine < detail.whole < 0.9


def test_truth_keeps_all_detail(face: TrueFace) -> None:
    detail = measure_detail(face.target, face.target, changed_region(face))
    assert (detail.whole, detail.fine) == (1, 1)


def test_the_moved_picture_keeps_its_detail(face: TrueFace, warped: Warp) -> None:
    moved = np.where(face.is_uncovered, face.target, warped(face.source, face.motion))
    detail = measure_detail(moved, face.target, changed_region(face))
    assert 0.9 < detail.whole < 1.1


def test_a_double_exposure_has_the_old_contours(
    face: TrueFace, blurred: Blur, warped: Warp, half_moved: np.ndarray
) -> None:
    region = left_region(face)
    double = (face.source + face.target) / 2
    faint = 0.25 * face.source + 0.75 * face.target
    moved = np.where(face.is_uncovered, face.target, warped(face.source, face.motion))
    pictures = {
        "truth": face.target,
        "moved": moved,
        "blurred": blurred(face.target),
        "faint": faint,
        "double": double,
        "unchanged": face.source,
        "half": half_moved,
    }
    excess = {name: measure_ghost(one, face, region) for name, one in pictures.items()}
    assert excess["truth"] == 0
    assert abs(excess["moved"]) < 0.02
    assert excess["blurred"] < 0.1 < excess["faint"] < excess["double"] < excess["unchanged"]
    assert excess["half"] > 0.1


def test_a_flat_picture_says_nothing(face: TrueFace) -> None:
    flat = np.full_like(face.target, 0.5)
    everywhere = np.ones_like(face.is_head)
    assert np.isnan(measure_detail(face.target, flat, everywhere).whole)
    assert np.isnan(measure_ghost(flat, face, everywhere))
