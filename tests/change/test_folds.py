"""Motion that folds is smoothed there, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_plugin.array_types import Float
from reggan_plugin.change.answer import Answer, Painter, finite
from reggan_plugin.change.folds import even_lips, unfolded

CELLS = 48


def answer_of(motion: Float[np.ndarray, "cells cells 2"], cover: float = 0.0) -> Answer:
    return Answer(
        motion=motion.astype(np.float32),
        gain=np.zeros((1, 1, 1), np.float32),
        cover=np.full((CELLS, CELLS, 1), cover, np.float32),
        paint=np.zeros((1, 1, 3), np.float32),
    )


def mend(answer: Answer) -> Answer:
    return even_lips(unfolded(answer, 0.3))


def folding() -> Float[np.ndarray, "cells cells 2"]:
    """Rows below the middle show what is four cells further up: two rows show the same."""
    motion = np.zeros((CELLS, CELLS, 2))
    motion[CELLS // 2 :, 8:-8, 1] = -4 / CELLS
    return motion


def folds(motion: Float[np.ndarray, "cells cells 2"]) -> int:
    places = motion * CELLS + np.moveaxis(np.mgrid[:CELLS, :CELLS][::-1], 0, 2)
    (xx, yx), (xy, yy) = (
        (np.diff(p, axis=1)[:-1], np.diff(p, axis=0)[:, :-1]) for p in np.moveaxis(places, 2, 0)
    )
    return int((xx * yy - xy * yx <= 0).sum())


def test_a_fold_is_smoothed_until_nothing_is_turned_over() -> None:
    before = answer_of(folding())
    after = mend(before)
    assert folds(before.motion) > CELLS // 2
    assert folds(after.motion) == 0


def test_what_does_not_fold_keeps_its_bits() -> None:
    before = answer_of(folding())
    after = mend(before).motion
    assert (after[: CELLS // 4] == before.motion[: CELLS // 4]).all()
    smooth = answer_of(0.02 * np.sin(np.mgrid[:CELLS, :CELLS] / 9).transpose(1, 2, 0))
    np.testing.assert_array_equal(mend(smooth).motion, smooth.motion)


@pytest.mark.parametrize("by_painter", [False, True])
def test_what_paint_hides_may_fold(by_painter: bool) -> None:
    before = answer_of(folding(), cover=0.0 if by_painter else 1.0)
    if by_painter:
        whole = Painter(
            window=(0.0, 0.0, 1.0, 1.0),
            cover=np.ones((2 * CELLS, 2 * CELLS, 1), np.float32),
            paint=np.zeros((1, 1, 3), np.float32),
        )
        before = replace(before, painters=(whole,))
    np.testing.assert_array_equal(mend(before).motion, before.motion)


def mouth(cover: float = 0.0) -> Painter:
    return Painter(
        window=(0.25, 0.25, 0.75, 0.75),
        cover=np.full((CELLS, CELLS, 1), cover, np.float32),
        paint=np.zeros((1, 1, 3), np.float32),
    )


def stepped(below: int = 14) -> Float[np.ndarray, "cells cells 2"]:
    """Below a line that rises by a cell in every four, all moves by half a cell to the side."""
    rows, columns = np.mgrid[:CELLS, :CELLS]
    motion = np.zeros((CELLS, CELLS, 2))
    motion[..., 0] = 0.5 / CELLS * (rows > below + columns // 4)
    return motion


def test_closed_lips_slide_along_an_even_line() -> None:
    before = replace(answer_of(stepped()), painters=(mouth(),))
    after = mend(before).motion
    assert np.abs(np.diff(after[18:30, 18:30, 0], axis=0)).max() < 0.2 / CELLS
    outside = np.ones((CELLS, CELLS), bool)
    outside[12:36, 12:36] = False
    np.testing.assert_array_equal(after[outside], before.motion[outside])


def test_lips_beside_paint_stay_apart() -> None:
    painter = mouth()
    painter.cover[: CELLS // 2] = 1.0  # the upper half of the window is painted
    before = replace(answer_of(stepped(below=23)), painters=(painter,))
    after = mend(before).motion
    np.testing.assert_array_equal(after[:26], before.motion[:26])
    assert (after[28:32] != before.motion[28:32]).any()


def test_numbers_that_are_none_do_not_spread() -> None:
    motion = folding()
    motion[3, 3] = np.nan
    assert np.isfinite(mend(finite(answer_of(motion))).motion).all()


def test_a_painter_s_window_may_lie_anywhere() -> None:
    """Its edges need not fall between cells."""
    painter = Painter(
        window=(0.28, 0.42, 0.72, 0.86),
        cover=np.ones((20, 20, 1), np.float32),
        paint=np.zeros((1, 1, 3), np.float32),
    )
    small = replace(painter, window=(0.5, 0.5, 0.505, 0.505))
    assert folds(mend(replace(answer_of(folding()), painters=(painter, small))).motion) < 48


def test_a_source_that_never_folds_keeps_its_bits() -> None:
    before = answer_of(folding())
    assert unfolded(before, 0.0) is before
