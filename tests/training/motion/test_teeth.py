"""Teeth stand where geometry says."""

import pytest
import torch

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.motion.small_inverse import inverse_of_symmetric
from reggan_training.motion.surface_reader import ReadSurface
from reggan_training.motion.teeth import (
    SHEET_COLUMNS,
    SHEET_ROWS,
    Teeth,
    fit_teeth,
    with_gums,
)
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.truth import PixelKind

EYE_DISTANCE = 0.25
JAW = ARKIT_SHAPES.index("jawOpen")


def frontal() -> ReadSurface:
    """A face that looks straight ahead, its eyes' middle at (0.5, 0.3) of the crop."""
    line = (torch.arange(64) + 0.5) / 64
    x, y = torch.meshgrid(line, line, indexing="xy")
    place = torch.stack([x - 0.5, 0.3 - y])[None] / EYE_DISTANCE
    kinds = torch.zeros(1, len(PixelKind), 64, 64)
    kinds[:, PixelKind.SKIN] = 9.0
    ahead = torch.tensor([[[EYE_DISTANCE, 0.0, 0.0], [0.0, -EYE_DISTANCE, 0.0]]])
    return ReadSurface(place, kinds, ahead)


def one_tooth() -> Teeth:
    """A square tooth in the middle of each sheet, at the height where the lips meet."""
    teeth = Teeth()
    rows, columns = slice(SHEET_ROWS // 2 - 10, SHEET_ROWS // 2 + 10), slice(86, 106)
    assert SHEET_COLUMNS == 192
    teeth.sheets[0, 0, rows, columns] = 1.0
    teeth.sheets[1, 0, rows, columns] = 1.0
    teeth.jaw[JAW] = torch.tensor([0.0, -0.4, 0.0])
    return teeth


def rows_of(teeth: Teeth, surface: ReadSurface, target: torch.Tensor) -> torch.Tensor:
    """Heights in the crop at which the middle column of the mouth window shows a tooth."""
    rest = torch.zeros(1, 2, 64, 64)
    seen = teeth(surface, rest, target, 224)[0, 0, :, 112]
    found = (seen > 0.5).nonzero()[:, 0].float()
    return 0.421875 + (found + 0.5) / 224 * 0.4375


def test_upper_teeth_stay_and_lower_ones_go_with_the_jaw() -> None:
    teeth, target = one_tooth(), torch.zeros(1, len(ARKIT_SHAPES))
    closed = rows_of(teeth, frontal(), target)
    seam = 0.3 + 1.1 * EYE_DISTANCE
    assert closed.mean() == pytest.approx(seam, abs=0.004)
    assert closed.max() - closed.min() == pytest.approx(0.1 * EYE_DISTANCE, abs=0.006)
    target[0, JAW] = 1.0
    opened = rows_of(teeth, frontal(), target)
    upper = opened[opened < seam + 0.2 * EYE_DISTANCE]
    lower = opened[opened > seam + 0.2 * EYE_DISTANCE]
    assert upper.equal(closed)
    assert lower.mean() == pytest.approx(seam + 0.4 * EYE_DISTANCE, abs=0.004)


def test_teeth_go_with_the_face_in_the_crop() -> None:
    target = torch.zeros(1, len(ARKIT_SHAPES))
    surface = frontal()
    higher = surface._replace(place=surface.place - torch.tensor([0.0, 0.2])[None, :, None, None])
    moved = rows_of(one_tooth(), higher, target) - rows_of(one_tooth(), surface, target)
    assert moved.mean() == pytest.approx(-0.2 * EYE_DISTANCE, abs=0.004)


def test_gums_go_on_behind_their_teeth_and_nowhere_else() -> None:
    sheet = torch.zeros(3, 12, 3)
    sheet[0, 4:8, 1] = 1.0
    lower, upper = with_gums(sheet, 1), with_gums(sheet, -1)
    assert lower[1, 8:, 1].eq(1).all()
    assert upper[1, :4, 1].eq(1).all()
    for filled in (lower, upper):
        assert filled[0].equal(sheet[0])
        assert filled[1].sum() == 4
        assert (filled[2] > 0).equal(filled[1] > 0)


def test_the_inverse_is_one() -> None:
    root = torch.rand(5, 3, 3, generator=torch.Generator().manual_seed(3))
    matrix = root @ root.transpose(1, 2) + 0.1 * torch.eye(3)
    assert (inverse_of_symmetric(matrix) @ matrix - torch.eye(3)).abs().max() < 1e-3


def test_heads_without_teeth_have_none(flat_head_set) -> None:
    teeth = fit_teeth(sorted(set(training_files(flat_head_set))))
    assert teeth.sheets.float().isfinite().all()
    assert teeth.jaw.isfinite().all()
