"""Paint of grey faces has hardly any colour; that of others is not green, and keeps its bits."""

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer, Painter
from reggan_plugin.change.paint_colours import in_face_colours

SIDE = 64
PINK, WHITE = (0.7, 0.35, 0.3), (0.9, 0.9, 0.9)


def answer() -> Answer:
    pink = np.full((8, 8, 3), PINK, np.float32)
    pink[0, 0] = WHITE
    return Answer(
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
    after = in_face_colours(answer(), face((0.6, 0.6, 0.6), (0.5, 0.5, 0.5)), 0.5)
    for paint in (after.paint, after.painters[0].paint):
        assert saturation(paint[3, 3]) == pytest.approx(0.0, abs=1e-5)
        assert paint[3, 3].mean() == pytest.approx(np.mean(PINK), abs=1e-5)
        np.testing.assert_allclose(paint[0, 0], WHITE, atol=1e-5)


def test_stone_gets_its_own_tint() -> None:
    stone = np.array([0.62, 0.6, 0.57])
    painted = in_face_colours(answer(), face(tuple(stone), tuple(0.8 * stone)), 0.5).paint[3, 3]
    np.testing.assert_allclose(painted / painted.mean(), stone / stone.mean(), atol=2e-3)


def test_a_face_of_no_size_is_left() -> None:
    before = answer()
    assert in_face_colours(before, np.zeros((1, 1, 3), np.float32), 0.5) is before


PALE = (0.9, 0.88, 0.86), (0.7, 0.45, 0.42)


def test_pale_skin_with_lips_keeps_its_paint_as_red_as_they_are() -> None:
    after = in_face_colours(answer(), face(*PALE), 0.5)
    for paint in (after.paint, after.painters[0].paint):
        assert saturation(paint[3, 3]) == pytest.approx(saturation(np.array(PALE[1])), abs=1e-5)
        assert paint[3, 3].mean() == pytest.approx(np.mean(PINK), abs=1e-5)
        np.testing.assert_array_equal(paint[0, 0], np.float32(WHITE))


def test_paint_that_is_no_redder_than_lips_keeps_its_colour() -> None:
    after = in_face_colours(answer(), face((0.8, 0.6, 0.5), (0.7, 0.3, 0.28)), 0.5)
    np.testing.assert_allclose(after.paint, answer().paint, atol=1e-6)


def green_tooth(skin: tuple[float, float, float]) -> np.ndarray:
    before = answer()
    before.painters[0].paint[:] = before.paint[:] = (0.85, 0.84, 0.65)
    after = in_face_colours(before, face(skin, (0.7, 0.3, 0.3)), 0.5)
    assert np.array_equal(after.paint, after.painters[0].paint)
    return after.paint[3, 3]


def test_a_green_tooth_becomes_ivory() -> None:
    assert green_tooth((0.75, 0.55, 0.42)) == pytest.approx((0.85, 0.75, 0.65), abs=1e-6)


def test_the_noise_of_a_grey_face_does_not_switch_green_on_and_off() -> None:
    before, after = green_tooth((0.5, 0.4, 0.5001)), green_tooth((0.5, 0.4, 0.4999))
    assert np.abs(before - after).max() < 2e-3


@pytest.mark.parametrize("skin", [(0.4, 0.7, 0.3), (0.3, 0.4, 0.8)], ids=["green", "blue"])
def test_a_green_or_blue_face_may_have_it(skin: tuple[float, float, float]) -> None:
    assert green_tooth(skin) == pytest.approx((0.85, 0.84, 0.65), abs=1e-6)
