"""The dark of a painted mouth gets darker; its teeth, its hues and all other paint stay."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.change.answer import Answer, Painter, finite
from reggan_plugin.change.paint_colours import with_depth

IVORY, FLAT = np.array([0.9, 0.85, 0.7], np.float32), np.array([0.4, 0.2, 0.2], np.float32)


def answer(covered: float = 1.0) -> Answer:
    """A mouth whose upper half is teeth."""
    paint = np.full((8, 8, 3), FLAT, np.float32)
    paint[:4] = IVORY
    return Answer(
        motion=np.zeros((2, 2, 2), np.float32),
        gain=np.zeros((1, 1, 1), np.float32),
        cover=np.ones((8, 8, 1), np.float32),
        paint=paint.copy(),
        painters=(
            Painter(
                part="mouth",
                window=(0, 0, 1, 1),
                cover=np.full((8, 8, 1), covered, np.float32),
                paint=paint.copy(),
            ),
        ),
    )


def deepened(mouth: Painter) -> Painter:
    (painter,) = with_depth(replace(answer(), painters=(mouth,)), 0.3).painters
    return painter


def test_the_dark_gets_darker_in_its_hue_and_teeth_keep_their_bits() -> None:
    before = answer()
    painted = deepened(before.painters[0]).paint
    np.testing.assert_array_equal(painted[:4], before.painters[0].paint[:4])
    assert painted[6, 3, 0] < 0.95 * FLAT[0]
    np.testing.assert_allclose(painted[6, 3] / painted[6, 3, 0], FLAT / FLAT[0], rtol=1e-5)


def test_a_darker_mouth_is_deepened_alike() -> None:
    """What counts is how bright paint is beside the teeth: no light of the scene changes that."""
    (painter,) = answer().painters
    dim = replace(painter, paint=painter.paint / 2)
    bright, dark = (deepened(one).paint for one in (painter, dim))
    np.testing.assert_allclose(dark, bright / 2, rtol=1e-5)


def test_what_paints_nothing_is_left() -> None:
    (painter,) = answer(covered=0.0).painters
    assert deepened(painter) is painter


def test_depth_comes_gradually_as_a_mouth_opens() -> None:
    """What is painted a pixel more changes the rest by little."""
    (painter,) = answer().painters
    large = np.repeat(np.repeat(painter.paint, 16, axis=0), 16, axis=1)
    dark = []
    for opened in (0, 1, 2, 400):
        cover = np.zeros((128, 128, 1), np.float32)
        cover.reshape(-1)[:opened] = 1.0
        deep = deepened(replace(painter, cover=cover, paint=large))
        dark.append(float(deep.paint[100, 64, 0]))
    assert dark[0] == pytest.approx(FLAT[0])
    assert np.abs(np.diff(dark[:3])).max() < 0.002
    assert dark[3] < 0.95 * FLAT[0]


def test_a_cover_of_another_resolution_leaves_the_paint() -> None:
    (painter,) = answer().painters
    other = replace(painter, cover=np.ones((4, 4, 1), np.float32))
    assert deepened(other) is other


def test_only_a_mouth_has_depth() -> None:
    """The painter of eyes would darken the lids beside their white."""
    (painter,) = answer().painters
    eyes = replace(painter, part="eyes")
    assert deepened(eyes) is eyes
    assert deepened(painter).paint[6, 3, 0] < painter.paint[6, 3, 0]


def test_no_number_and_black_are_endured() -> None:
    before = answer()
    before.painters[0].paint[0] = np.nan
    before.painters[0].paint[1:] = 0.0
    assert np.isfinite(with_depth(finite(before), 0.3).painters[0].paint).all()
