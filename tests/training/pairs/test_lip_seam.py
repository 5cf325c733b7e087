"""Lips meet at one canonical height on every head."""

from dataclasses import replace

import numpy as np
import pytest

from reggan_training.heads.head import REGIONS, Part
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.lip_seam import SEAM_Y, seam_aligned
from reggan_training.pairs.rasterised_head import RasterisedHead


def with_lips(head: RasterisedHead, seam: float) -> RasterisedHead:
    """The head with two rows of lips that meet a little off the canonical height."""
    side = np.linspace(-0.4, 0.4, 41)
    rows = [(seam + 0.05, 0), (seam + 0.005, 0), (seam - 0.005, 255), (seam - 0.05, 255)]
    place = np.array([[x, y, 0.6] for y, _ in rows for x in side], dtype=np.float32)
    count = len(place)
    triangles = np.arange(count - count % 3, dtype=np.int32).reshape(-1, 3)
    regions = np.zeros((count, len(REGIONS)), dtype=np.uint8)
    regions[:, REGIONS.index("lips")] = 255
    return replace(
        head,
        canonical=place,
        triangles=triangles,
        parts=np.full(len(triangles), Part.SKIN, dtype=np.uint8),
        regions=regions,
        jaw=np.repeat(np.array([jaw for _, jaw in rows], dtype=np.uint8), len(side)),
    )


@pytest.mark.parametrize("seam", [-1.05, -1.1, -1.14])
def test_lips_meet_where_all_lips_meet(flat_head_set, seam: float) -> None:
    head = with_lips(read_head(training_files(flat_head_set)[0]), seam)
    place = seam_aligned(head)
    is_lower = head.jaw > 0
    assert place[~is_lower, 1].min() == pytest.approx(SEAM_Y, abs=0.01)
    assert place[is_lower, 1].max() == pytest.approx(SEAM_Y, abs=0.01)
    assert place[:, [0, 2]] == pytest.approx(head.canonical[:, [0, 2]])


def test_heads_without_a_jaw_keep_their_places(flat_head_set) -> None:
    head = with_lips(read_head(training_files(flat_head_set)[0]), -1.05)
    still = replace(head, jaw=np.zeros_like(head.jaw))
    assert seam_aligned(still) == pytest.approx(still.canonical, abs=1e-6)
