"""Paint of faces without colour has hardly any; that of others keeps its bits."""

import numpy as np
import pytest

from reggan_plugin.answers.grey_faces import muted
from reggan_plugin.answers.motion_answer import MotionAnswer, Painter

SIDE = 64
PINK, WHITE = (0.7, 0.35, 0.3), (0.9, 0.9, 0.9)


def answer() -> MotionAnswer:
    pink = np.full((8, 8, 3), PINK, np.float32)
    pink[0, 0] = WHITE
    return MotionAnswer(
        motion=np.zeros((2, 2, 2), np.float32),
        gain=np.zeros((1, 1, 1), np.float32),
        cover=np.ones((8, 8, 1), np.float32),
        paint=pink,
        painters=(Painter(window=(0, 0, 1, 1), cover=np.ones((8, 8, 1)), paint=pink.copy()),),
    )


def face(skin: tuple[float, float, float], lips: tuple[float, float, float]) -> np.ndarray:
    """Red hair around a face of one colour, lips of another."""
    picture = np.full((SIDE, SIDE, 3), (0.8, 0.2, 0.1), np.float32)
    picture[16:56, 16:48] = skin
    picture[40:46, 22:42] = lips
    return picture


def saturation(colour: np.ndarray) -> float:
    return float((colour.max() - colour.min()) / colour.max())


def test_a_grey_face_gets_grey_paint() -> None:
    after = muted(answer(), face((0.6, 0.6, 0.6), (0.5, 0.5, 0.5)))
    for paint in (after.paint, after.painters[0].paint):
        assert saturation(paint[3, 3]) == pytest.approx(0.0, abs=1e-5)
        assert paint[3, 3].mean() == pytest.approx(np.mean(PINK), abs=1e-5)
        np.testing.assert_allclose(paint[0, 0], WHITE, atol=1e-5)


def test_stone_gets_its_own_tint() -> None:
    stone = np.array([0.62, 0.6, 0.57])
    painted = muted(answer(), face(tuple(stone), tuple(0.8 * stone))).paint[3, 3]
    np.testing.assert_allclose(painted / painted.mean(), stone / stone.mean(), atol=2e-3)


def test_a_face_of_no_size_is_left() -> None:
    before = answer()
    assert muted(before, np.zeros((1, 1, 3), np.float32)) is before


def test_pale_skin_with_lips_keeps_its_paint() -> None:
    before = answer()
    assert muted(before, face((0.9, 0.88, 0.86), (0.7, 0.45, 0.42))) is before
