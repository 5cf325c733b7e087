"""The figures of a whole face, of every picture that a known fault makes: worse must read worse."""

from collections.abc import Callable

import numpy as np
import pytest

from reggan_training.heads.head import Part
from reggan_training.metrics.motion.measures import (
    PARTS,
    FaceAnswer,
    Figures,
    TrueFace,
    measure_motion,
    measure_picture,
    named,
)

TEAL = np.array([0.35, 0.75, 0.75], dtype=np.float32)[:, None, None]


@pytest.fixture
def figures(
    face: TrueFace,
    half_moved: np.ndarray,
    blurred: Callable[[np.ndarray], np.ndarray],
    warped: Callable[[np.ndarray, np.ndarray], np.ndarray],
    folded: np.ndarray,
) -> dict[str, Figures]:
    hole, teeth = face.is_uncovered, face.shows(Part.TEETH)
    pictures = {
        "true": face.target,
        "moved": np.where(hole, face.target, warped(face.source, face.motion)),
        "unchanged": face.source,
        "half": half_moved,
        "double": (face.source + face.target) / 2,
        "blurred": blurred(blurred(face.target)),
        "teal": np.where(teeth, TEAL * face.target.mean(axis=0), face.target),
        "folded": np.where(hole, face.target, warped(face.source, folded)),
    }
    return {name: measure_picture(one.astype(np.float32), face) for name, one in pictures.items()}


def test_the_truth_is_the_best_of_everything(figures: dict[str, Figures]) -> None:
    true = figures["true"]
    for name, other in figures.items():
        assert true["psnr"] >= other["psnr"], name
        assert true["colour"] <= other["colour"], name
        assert abs(true["detail"] - 1) <= abs(other["detail"] - 1), name


def test_the_moved_picture_is_next_to_the_truth(figures: dict[str, Figures]) -> None:
    moved = figures["moved"]
    for fault in ("unchanged", "half", "double", "blurred", "folded"):
        assert moved["psnr"] > figures[fault]["psnr"] + 1, fault


@pytest.mark.parametrize(
    ("fault", "quantity", "least"),
    [
        ("unchanged", "ghost", 0.5),
        ("double", "ghost", 0.15),
        ("half", "ghost", 0.1),
        ("unchanged", "colour", 8.0),
        ("double", "colour", 8.0),
    ],
)
def test_each_fault_is_seen_by_its_measure(
    figures: dict[str, Figures], fault: str, quantity: str, least: float
) -> None:
    assert figures[fault][quantity] > least > figures["moved"][quantity]


def test_blur_and_double_exposures_lose_detail(figures: dict[str, Figures]) -> None:
    assert figures["blurred"]["detail"] < 0.9 < figures["moved"]["detail"] < 1.1
    assert figures["double"]["detail"] < 0.9


def test_psnr_alone_prefers_what_the_eye_does_not(figures: dict[str, Figures]) -> None:
    """Why these measures are there: half a change is nearer to the truth than a sharp wrong one."""
    assert figures["double"]["psnr"] > figures["unchanged"]["psnr"] + 2
    assert figures["teal"]["psnr"] > figures["unchanged"]["psnr"] + 3


def test_motion_is_judged_per_part(face: TrueFace) -> None:
    lazy = face.motion.copy()
    lazy[:, face.side_px // 2 :] = 0  # raises the brows and leaves the jaw
    cover = face.is_uncovered.astype(np.float32)
    made = FaceAnswer(motion=lazy, behind=lazy, cover=cover, picture=face.target)
    measured = measure_motion(made, face)
    assert measured[named("explained", "brows and lids")] == pytest.approx(1)
    assert measured[named("explained", "mouth")] < 0.1
    assert measured["explained"] < 0.85
    everything = measure_motion(
        FaceAnswer(motion=face.motion, behind=face.motion, cover=cover, picture=face.target), face
    )
    assert everything["explained"] == pytest.approx(1)
    assert everything["folds"] == 0
    assert all(named("projection", part) in everything for part in PARTS)
