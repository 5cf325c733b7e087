"""The dark of a painted mouth gets darker; its teeth, its hues and all other paint stay."""

from dataclasses import replace

import numpy as np

from reggan_plugin.answers.motion_answer import MotionAnswer, Painter
from reggan_plugin.answers.mouth_depth import with_depth

IVORY, FLAT = np.array([0.9, 0.85, 0.7], np.float32), np.array([0.4, 0.2, 0.2], np.float32)


def answer(covered: float = 1.0) -> MotionAnswer:
    """A mouth whose upper half is teeth."""
    paint = np.full((8, 8, 3), FLAT, np.float32)
    paint[:4] = IVORY
    return MotionAnswer(
        motion=np.zeros((2, 2, 2), np.float32),
        gain=np.zeros((1, 1, 1), np.float32),
        cover=np.ones((8, 8, 1), np.float32),
        paint=paint.copy(),
        painters=(
            Painter(window=(0, 0, 1, 1), cover=np.full((8, 8, 1), covered), paint=paint.copy()),
        ),
    )


def test_the_dark_gets_darker_in_its_hue_and_teeth_keep_their_bits() -> None:
    before = answer()
    after = with_depth(before)
    painted = after.painters[0].paint
    np.testing.assert_array_equal(painted[:4], before.painters[0].paint[:4])
    assert painted[6, 3, 0] < 0.95 * FLAT[0]
    np.testing.assert_allclose(painted[6, 3] / painted[6, 3, 0], FLAT / FLAT[0], rtol=1e-5)
    np.testing.assert_array_equal(after.paint, before.paint)


def test_a_darker_mouth_is_deepened_alike() -> None:
    """What counts is how bright paint is beside the teeth: no light of the scene changes that."""
    before = answer()
    (painter,) = before.painters
    dim = replace(before, painters=(replace(painter, paint=painter.paint / 2),))
    bright, dark = (with_depth(one).painters[0].paint for one in (before, dim))
    np.testing.assert_allclose(dark, bright / 2, rtol=1e-5)


def test_what_paints_nothing_is_left() -> None:
    before = answer(covered=0.0)
    assert with_depth(before).painters[0] is before.painters[0]


def test_no_number_and_black_are_endured() -> None:
    before = answer()
    (painter,) = before.painters
    painter.paint[0] = np.nan
    painter.paint[1:] = 0.0
    assert np.isfinite(with_depth(before).painters[0].paint).all()
