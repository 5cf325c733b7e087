"""Masks cover what an expression changes, and nothing at the crop's rim."""

import numpy as np

from reggan_training.papers.learnt_filters_and_masks import RIM_SHARE, ChangeCounts


def test_masks_cover_what_changes_and_spare_the_ring() -> None:
    random = np.random.default_rng(0)
    images = np.repeat(random.random((5, 1, 128, 128, 3), dtype=np.float32), 3, axis=1)
    images[:, 1, 70:90, 50:78] = 0.0
    images[:, 2, :, :] = 1.0
    counts = ChangeCounts(3, 128)
    for neutral, *expressions in images:
        for number, picture in enumerate(expressions, start=1):
            counts.add(number, neutral, picture)
    masks = counts.masks(64)
    assert masks[1, 40, 32] > 0.9
    assert masks[1, 15, 32] == 0.0
    rim = int(np.ceil(RIM_SHARE * 64))
    for edge in (masks[:, :rim], masks[:, -rim:], masks[:, :, :rim], masks[:, :, -rim:]):
        assert not edge.any()
