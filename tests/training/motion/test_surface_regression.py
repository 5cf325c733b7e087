"""How places of a face move, and the motion of pixels that follows from it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES
from reggan_training.motion.sampling import warp
from reggan_training.motion.surface_regression import (
    MOVED,
    SURFACE_CELLS,
    SURFACE_LEFT,
    SURFACE_SIDE,
    SURFACE_TOP,
    SurfaceExamples,
    eye_table,
    fit_surface,
    fixed_point,
    lip_tables,
    surface_examples,
    values_at,
)
from reggan_training.pairs.head_file import read_head
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.lip_seam import seam_aligned
from reggan_training.pairs.portraits import Portraits, draw_portraits
from reggan_training.pairs.shading import HeadShader
from reggan_training.pairs.truth import PixelKind, project, projection_of, surface_of_state

SMILE, JAW = ARKIT_SHAPES.index("mouthSmileLeft"), ARKIT_SHAPES.index("jawOpen")


def seen_often(times: int, weights: Tensor, cells: Tensor, moved: Tensor) -> SurfaceExamples:
    """One example that weighs as much as so many of the same: both sides of its equations grow."""
    root = times**0.5
    return SurfaceExamples(weights=root * weights, cells=cells, change=root * F.pad(moved, (0, 4)))


def test_shapes_that_come_together_are_told_apart() -> None:
    cells = torch.arange(SURFACE_CELLS**2)
    weights = torch.zeros(30, len(ARKIT_SHAPES))
    weights[:, SMILE] = torch.linspace(0.1, 1.0, 30)
    weights[:, JAW] = weights[:, SMILE].roll(7)
    true = torch.tensor([[0.1, 0.05, 0.0], [0.0, -0.4, -0.1]])
    moved = (weights[:, [SMILE, JAW]] @ true)[:, None].expand(30, len(cells), 3)
    table = fit_surface([seen_often(20, weights, cells, moved)])[:, MOVED]
    middle = table[:, :, SURFACE_CELLS // 2, SURFACE_CELLS // 2]
    assert (middle[[SMILE, JAW]] - true).abs().max() < 0.02
    assert middle[ARKIT_SHAPES.index("browInnerUp")].abs().max() == 0


def test_one_head_changes_what_it_shows_and_leaves_what_is_known_of_the_rest() -> None:
    cells = torch.arange(SURFACE_CELLS**2)
    weights = torch.zeros(30, len(ARKIT_SHAPES))
    weights[:, SMILE] = torch.linspace(0.1, 1.0, 30)
    change = torch.zeros(30, len(cells), 7)
    change[..., 0] = 0.2 * weights[:, SMILE, None]
    known = torch.full((len(ARKIT_SHAPES), 7, SURFACE_CELLS, SURFACE_CELLS), 0.1)
    example = SurfaceExamples(weights=weights, cells=cells, change=change)
    middle = fit_surface([example] * 20, known)[:, 0, SURFACE_CELLS // 2, SURFACE_CELLS // 2]
    assert middle[SMILE] == pytest.approx(0.2, abs=0.005)
    assert middle[JAW] == pytest.approx(0.1, abs=1e-4)


def test_places_are_looked_up_at_their_cells() -> None:
    table = torch.zeros(1, 3, SURFACE_CELLS, SURFACE_CELLS)
    table[0, 1, 10, 20] = 1.0
    cell = SURFACE_SIDE / SURFACE_CELLS
    x, y = SURFACE_LEFT + 20.5 * cell, SURFACE_TOP - 10.5 * cell
    place = torch.tensor([x, y]).view(1, 2, 1, 1)
    assert values_at(table, place)[0, 1, 0, 0] == pytest.approx(1.0, abs=1e-4)
    assert values_at(table, place + cell)[0, 1, 0, 0] == pytest.approx(0.0, abs=1e-4)
    assert values_at(table, place + 9.0).abs().max() == 0


def test_each_lip_goes_on_beyond_the_seam() -> None:
    """A jaw that opens moves what is below the seam; no cell between the lips mixes both."""
    cells = torch.arange(SURFACE_CELLS**2)
    rows = cells // SURFACE_CELLS
    weights = torch.zeros(20, len(ARKIT_SHAPES))
    weights[:, JAW] = torch.linspace(0.2, 1.0, 20)
    moved = torch.zeros(20, len(cells), 3)
    moved[:, rows >= 50, 1] = -0.5 * weights[:, JAW, None]
    table = fit_surface([seen_often(50, weights, cells, moved)])[JAW, MOVED][None]
    upper, lower = lip_tables(table)
    middle = SURFACE_CELLS // 2
    assert upper[0, 1, 40:65, middle].abs().max() < 1e-3
    assert lower[0, 1, 37:65, middle].numpy() == pytest.approx(-0.5, abs=0.01)


def test_a_fixed_point_leads_back() -> None:
    line = (torch.arange(64) + 0.5) / 64
    bump = torch.exp(-((line - 0.5) ** 2) / 0.02)
    forward = torch.stack([0.05 * bump[None] * bump[:, None], -0.03 * bump[None] * bump[:, None]])
    motion, unsolved = fixed_point(forward[None], torch.zeros(1, 2, 64, 64))
    assert unsolved.abs().max() < 2e-3
    assert (motion + warp(forward[None], motion)).abs().max() < 2e-3
    assert motion[0, 0].min() < -0.04


def test_the_mirror_of_a_head_counts_as_much_as_itself(flat_head_set) -> None:
    paths = sorted(set(training_files(flat_head_set)))
    table = fit_surface(surface_examples(paths))[:, MOVED]
    assert table.abs().max() > 0.01
    right = ARKIT_SHAPES.index("mouthSmileRight")
    mirrored = table[right].flip(2) * torch.tensor([-1.0, 1.0, 1.0])[:, None, None]
    middle = SURFACE_CELLS // 2  # vertices on the midline fall into one of its two columns
    sides = torch.cat([torch.arange(middle - 2), torch.arange(middle + 2, SURFACE_CELLS)])
    assert (table[SMILE] - mirrored)[..., sides].abs().max() < 1e-4


def test_displacements_in_the_head_are_motions_in_the_crop(flat_head_set) -> None:
    """The projection takes them there, to within its neglect of perspective."""
    head = read_head(training_files(flat_head_set)[0])
    shader = HeadShader(head)
    rotation = torch.from_numpy(head.camera.rotation).float()
    moved = (shader.positions[1] - shader.positions[0]) @ rotation
    true = project(shader, shader.positions[1]) - project(shader, shader.positions[0])
    found = moved @ projection_of(head.camera).T
    length = true.norm(dim=1)
    front = length > 0.5 * length.max()
    assert ((found - true).norm(dim=1)[front] / length[front]).median() < 0.12


def test_a_mirrored_portrait_knows_its_places(flat_head_set) -> None:
    rows = draw_portraits(training_files(flat_head_set)[0], (1, 1), 2)
    pairs = Portraits.from_compact(rows)
    mirrored = pairs.mirrored(torch.tensor([True, False]))
    assert mirrored.place[1].equal(pairs.place[1])
    assert mirrored.place[0, 0].equal(-pairs.place[0, 0].flip(1))
    step = torch.tensor([0.1, 0.2, 0.3])
    seen = pairs.projection[0] @ step
    turned = mirrored.projection[0] @ (step * torch.tensor([-1.0, 1.0, 1.0]))
    assert turned[0] == pytest.approx(-seen[0].item(), abs=1e-6)
    assert turned[1] == pytest.approx(seen[1].item(), abs=1e-6)


def test_eyes_are_where_the_face_has_them(flat_head_set) -> None:
    head = read_head(training_files(flat_head_set)[0])
    side = head.face.side_px
    places = torch.from_numpy(seam_aligned(head)[:, :2])
    truth = surface_of_state(HeadShader(head), places, head.face, 0)
    column, row = (head.landmarks[0, 0] * side).astype(int)
    assert truth.kind[0, row, column] in (PixelKind.SKIN, PixelKind.EYE)
    assert truth.kind[0, 0, 0] == PixelKind.BEHIND
    assert truth.place[0, row, column] == pytest.approx(0.5, abs=0.15)
    assert truth.place[1, row, column] == pytest.approx(0.0, abs=0.15)


def test_eyeballs_follow_lids_that_open_and_no_others() -> None:
    table = torch.zeros(1, 3, SURFACE_CELLS, SURFACE_CELLS)
    above, below = slice(18, 23), slice(23, 28)  # the middle of the eye is at row 23
    table[0, 1, above], table[0, 1, below] = 0.1, 0.1  # the upper lid opens, the lower one closes
    drawn = eye_table(table)
    assert drawn[0, 1, 18, 40] == pytest.approx(0.1)
    assert 0 < drawn[0, 1, 22, 40] < 0.01
    assert drawn[0, 1, below].abs().max() == 0
