"""Whole heads that the locator is trained to find are where their landmarks say."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("cv2")

from reggan_training.landmarks.points_on_mesh import SHARES, HeadSource
from reggan_training.locator.drawn_heads import KINDS, draw_set, draw_whole_head, read_drawn_set


def test_whole_heads_turn_as_they_are_told(heads: HeadSource) -> None:
    """The nose of a head that turns to its own left goes to the right of the picture."""
    rng = np.random.default_rng(0)
    head, found = next(heads.heads(rng))
    for kind in KINDS:
        for side in (-1, 1):
            (drawn,) = draw_whole_head(
                head, found, rng, states=1, looks=1, kind=kind, yaw_deg=60.0 * side
            )
            middle = drawn.points[:2].mean(axis=0)
            assert side * (drawn.points[2] - middle)[0] > 0
            x, y = (drawn.points * 96 / 256).astype(int).T
            assert (drawn.mask[y, x] > 127).sum() >= 4


@pytest.mark.slow
def test_a_set_is_drawn_until_it_is_as_large_as_asked(heads: HeadSource, tmp_path: Path) -> None:
    families = heads._families
    assert set(families) == set(SHARES)
    draw_set(families, tmp_path, 7, seed=1)
    pictures = read_drawn_set(tmp_path)
    assert 7 <= len(pictures) < 20
    assert all(picture.mask is not None and picture.mask.any() for picture in pictures)
    draw_set(families, tmp_path, 7, seed=1)
    assert len(list(tmp_path.iterdir())) == 1
