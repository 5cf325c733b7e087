"""The motion network, what its answer makes, and what it is asked for."""

import pytest
import torch

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, CONTROLS
from reggan_training.motion.composing import compose
from reggan_training.motion.expected import share_of_face
from reggan_training.motion.losses import (
    LossWeights,
    balanced_cross_entropy,
    pair_losses,
)
from reggan_training.motion.mean_answer import StateExamples, fit_mean_answer
from reggan_training.motion.mouth_painter import MouthPainter, no_colder, window_of
from reggan_training.motion.network import MotionRegGAN, NetworkAnswer
from reggan_training.motion.sampling import warp
from reggan_training.motion.shape_regression import ShapeRegression
from reggan_training.motion.surface_regression import SURFACE_CELLS
from reggan_training.motion.whole_run import PARTS, ablate
from reggan_training.pairs.head_set import training_files
from reggan_training.pairs.sitting import draw_sitting
from reggan_training.pairs.truth import PixelKind

SMILE = CONTROLS.index("mouthSmileLeft")
NOTHING = torch.zeros(1, len(ARKIT_SHAPES))
"""Worn by a neutral source."""
NO_TEETH = torch.zeros(1, 3, 8, 8)


def smile_table() -> torch.Tensor:
    """A smile that takes the whole face to one side, by 0.03 of the crop's side."""
    table = torch.zeros(len(ARKIT_SHAPES), 3, SURFACE_CELLS, SURFACE_CELLS)
    table[SMILE, 0] = -0.03 / 0.234  # a frontal face's crop has eyes so far apart
    return table


@pytest.fixture(scope="module")
def network() -> MotionRegGAN:
    torch.manual_seed(0)
    regression = ShapeRegression()
    regression.surface.store(smile_table())
    return MotionRegGAN(width=16, regression=regression).eval()


def noise(batch: int = 2, side: int = 128) -> torch.Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(4))


@torch.no_grad()
def test_nothing_asked_is_nothing_changed(network: MotionRegGAN) -> None:
    image = noise()
    answer = network(image, torch.zeros(2, len(CONTROLS)), NOTHING.expand(2, -1))
    made, _ = compose(image, answer)
    assert answer.motion.abs().max() == 0
    assert answer.gain.abs().max() == 0
    assert (made - image).abs().max() < 1e-4


@torch.no_grad()
def test_the_network_starts_from_the_surface(network: MotionRegGAN) -> None:
    controls = torch.zeros(1, len(CONTROLS))
    controls[0, SMILE] = 1.0
    half = 0.5 * controls
    full_motion = network(noise(1), controls, NOTHING).motion[:, 0, 24:40, 24:40].mean()
    half_motion = network(noise(1), half, NOTHING).motion[:, 0, 24:40, 24:40].mean()
    assert 0.02 < full_motion < 0.04
    assert 0.4 < half_motion / full_motion < 0.6


@torch.no_grad()
def test_answers_do_not_depend_on_the_batch(network: MotionRegGAN) -> None:
    controls = torch.rand(2, len(CONTROLS), generator=torch.Generator().manual_seed(1))
    together = network(noise(), controls, NOTHING.expand(2, -1))
    alone = network(noise()[1:], controls[1:], NOTHING)
    for one, other in zip(together, alone, strict=True):
        assert (one[1:] - other).abs().max() < 1e-4


def test_a_warp_by_whole_pixels_is_exact() -> None:
    picture = noise(1, 32)
    motion = torch.zeros(1, 2, 32, 32)
    motion[:, 0] = 3 / 32
    moved = warp(picture, motion)
    assert (moved[..., :-3] - picture[..., 3:]).abs().max() < 1e-5


def test_gain_multiplies_linear_light() -> None:
    grey = torch.full((1, 3, 16, 16), 0.5)
    zero = torch.zeros(1, 2, 8, 8)
    double = torch.full((1, 3, 8, 8), torch.log(torch.tensor(2.0)))
    covered = torch.full((1, 1, 16, 16), -20.0)
    made, _ = compose(
        grey, NetworkAnswer(zero, double, covered, torch.zeros(1, 3, 16, 16), NO_TEETH)
    )
    # 0.5 is 0.2140 in linear light, twice that is 0.6858 encoded
    assert (made - 0.6858).abs().max() < 1e-3


def test_the_truth_has_the_lowest_loss(flat_head_set) -> None:
    pairs = draw_sitting(training_files(flat_head_set)[0], (1, 1), 8, 64)
    hole = (1 - pairs.visible) * pairs.hit

    def total(motion: torch.Tensor, cover: torch.Tensor, paint: torch.Tensor) -> float:
        gain = torch.zeros(8, 3, 32, 32)
        losses = pair_losses(
            pairs, NetworkAnswer(motion, gain, cover, paint, NO_TEETH), LossWeights()
        )
        return float(sum(losses.values()))

    small = torch.nn.functional.avg_pool2d(pairs.motion, 2)
    truth = total(small, 12 * hole - 6, pairs.target)
    assert truth < total(0 * small, 12 * hole - 6, pairs.target)
    assert truth < total(-small, 12 * hole - 6, pairs.target)
    assert truth < total(small, 6 - 12 * hole, 0 * pairs.target)


@pytest.mark.parametrize(
    ("weights", "taught_by_pictures"),
    [(LossWeights(), False), (LossWeights.without_motion(), True)],
)
def test_pictures_teach_motion_only_where_the_rig_does_not(
    flat_head_set, weights: LossWeights, taught_by_pictures: bool
) -> None:
    pairs = draw_sitting(training_files(flat_head_set)[0], (1, 1), 8, 64)
    motion = torch.zeros(8, 2, 32, 32, requires_grad=True)
    rest = (torch.zeros(8, channels, side, side) for channels, side in ((3, 32), (1, 64), (3, 64)))
    losses = pair_losses(pairs, NetworkAnswer(motion, *rest, NO_TEETH), weights)
    assert losses["picture"].requires_grad is taught_by_pictures
    assert (losses["motion"].item() > 0) is not taught_by_pictures


@torch.no_grad()
def test_an_ablated_regression_layer_says_nothing() -> None:
    regression = ShapeRegression()
    regression.delta.fill_(1.0)
    regression.surface.store(smile_table())
    ablate(regression, PARTS)
    smile = torch.eye(len(ARKIT_SHAPES))[[SMILE]]
    assert not regression.delta.any()
    assert not regression.surface(smile).any()


def test_what_is_covered_once_in_eight_is_not_painted() -> None:
    """However much more the covered pixels count."""
    wanted = torch.tensor([1.0] + 7 * [0.0])
    logit = torch.zeros(1, requires_grad=True)
    adam = torch.optim.Adam([logit], 0.1)
    for _ in range(300):
        adam.zero_grad()
        balanced_cross_entropy(logit.expand(8), wanted, 6.0).backward()
        adam.step()
    assert torch.sigmoid(logit).item() == pytest.approx(1 / 8, abs=0.01)


@torch.no_grad()
def test_lips_part_at_their_seam() -> None:
    """The lower lip goes, the upper one stays, what is between them is covered, sharply."""
    torch.manual_seed(0)
    jaw, seam_row = ARKIT_SHAPES.index("jawOpen"), 50
    regression = ShapeRegression()
    table = torch.zeros(len(ARKIT_SHAPES), 3, SURFACE_CELLS, SURFACE_CELLS)
    table[jaw, 1, seam_row:] = -0.6
    regression.surface.store(table)
    network = MotionRegGAN(width=16, regression=regression).eval()
    for layer in (network.surface.answer, network.surface.turned, network.surface.kinds):
        layer.weight.zero_()
        layer.bias.zero_()
    network.surface.kinds.bias[4 * PixelKind.SKIN : 4 * PixelKind.SKIN + 4] = 20.0
    for layer in (network.motion_eighth, network.motion_quarter, network.stronger, network.answer):
        layer.weight.zero_()
        layer.bias.zero_()
    controls = torch.zeros(1, len(CONTROLS))
    controls[0, jaw] = 1.0
    answer = network(noise(1), controls, NOTHING)
    seam = round((0.30 + 1.1 * 0.234) * 128)  # of the average face, in rows of the crop
    opened = round(0.6 * 0.234 * 128)
    cover = torch.sigmoid(answer.cover)[0, 0, :, 64]
    assert cover[: seam - 1].max() < 0.1
    assert cover[seam + 2 : seam + opened - 2].min() > 0.9
    assert cover[seam + opened + 1 :].max() < 0.1
    down = answer.motion[0, 1, :, 64]
    assert down[: seam - 2].abs().max() < 0.01
    assert down[seam + opened + 3 : seam + opened + 12].mean() == pytest.approx(
        -0.6 * 0.234, abs=0.02
    )


@torch.no_grad()
@pytest.mark.parametrize("kind", [PixelKind.FRONT, PixelKind.BEHIND])
def test_what_is_no_face_stays(kind: PixelKind) -> None:
    torch.manual_seed(0)
    regression = ShapeRegression()
    regression.surface.store(smile_table())
    network = MotionRegGAN(width=16, regression=regression).eval()
    controls = torch.zeros(1, len(CONTROLS))
    controls[0, SMILE] = 1.0
    free = network(noise(1), controls, NOTHING).motion.abs().mean()
    network.surface.kinds.bias[4 * kind : 4 * kind + 4] = 20.0
    assert network(noise(1), controls, NOTHING).motion.abs().mean() < 1e-3 * free


def test_a_rim_that_is_not_quite_sure_stays_whole() -> None:
    kinds = torch.zeros(1, len(PixelKind), 16, 16)
    kinds[:, PixelKind.SKIN] = 1.0
    kinds[:, PixelKind.SKIN, 8], kinds[:, PixelKind.FRONT, 8] = 0.7, 0.3
    upwards = torch.zeros(1, 2, 16, 16)
    upwards[:, 1] = 3 / 16
    share = share_of_face(kinds, upwards)[0, 0]
    assert share[7:10].eq(0).all()  # the rim, and the pixels that it is mixed into
    assert share[5].abs().max() < 1e-5  # would fetch the rim itself
    assert share[:3].eq(1).all()


def test_folds_cost_more_the_deeper_they_are() -> None:
    from reggan_training.motion.losses import _folding

    x = torch.linspace(0, 1, 32).expand(1, 32, 32)
    flat, fold, deep = (torch.stack([slope * x, 0 * x], dim=1) for slope in (0.0, -1.5, -3.0))
    assert _folding(flat) == 0
    assert 0 < _folding(fold) < _folding(deep)


def test_the_mean_answer_parts_what_two_shapes_do() -> None:
    """Shapes that mostly come together are told apart by the few examples where they do not."""
    side, shapes = 8, len(CONTROLS) - 1
    first, second = torch.zeros(2, side, side), torch.zeros(2, side, side)
    first[0, :4], second[1, 4:] = 0.05, -0.03
    weights = torch.zeros(60, shapes)
    weights[:50, [SMILE, SMILE + 1]] = 1.0
    weights[50:55, SMILE], weights[55:, SMILE + 1] = 1.0, 1.0
    motion = torch.einsum("n,cij->ncij", weights[:, SMILE], first)
    motion = motion + torch.einsum("n,cij->ncij", weights[:, SMILE + 1], second)
    trust = torch.ones(60, 1, side, side)
    cover = weights[:, SMILE, None, None, None] * torch.ones(1, side, side)
    example = StateExamples(weights=weights, motion=motion, trust=trust, cover=cover)
    found, covered = fit_mean_answer([example] * 20, side)
    assert (found[SMILE] - first).abs().max() < 2e-3
    assert (found[SMILE + 1] - second).abs().max() < 2e-3
    assert (covered[SMILE] - 1).abs().max() < 0.05
    assert found[SMILE + 2].abs().max() == 0


def test_motion_that_is_not_trusted_does_not_count() -> None:
    side, shapes = 4, len(CONTROLS) - 1
    weights = torch.zeros(40, shapes)
    weights[:, SMILE] = 1.0
    motion = torch.full((40, 2, side, side), 0.02)
    motion[20:] = 9.0
    trust = torch.ones(40, 1, side, side)
    trust[20:] = 0.0
    cover = torch.zeros(40, 1, side, side)
    example = StateExamples(weights=weights, motion=motion, trust=trust, cover=cover)
    found, _ = fit_mean_answer([example] * 5, side)
    assert (found[SMILE] - 0.02).abs().max() < 1e-3


@torch.no_grad()
def test_the_painter_starts_from_what_the_network_painted(network: MotionRegGAN) -> None:
    torch.manual_seed(1)
    painter = MouthPainter(width=8)
    controls = torch.zeros(1, len(CONTROLS))
    controls[0, CONTROLS.index("jawOpen")] = 1.0
    image = noise(1, 256)
    answer = network(torch.nn.functional.avg_pool2d(image, 2), controls, NOTHING)
    mouth = painter(image, controls, answer)
    assert mouth.paint.shape == (1, 3, 224, 224)
    coarse = torch.nn.functional.avg_pool2d(mouth.paint, 4)
    assert (coarse - window_of(answer.paint)).abs().mean() < 0.3


def test_teeth_are_no_colder_than_the_face() -> None:
    teal = torch.tensor([0.5, 0.7, 0.65]).view(1, 3, 1, 1)
    grey, green = torch.full((1, 3, 4, 4), 0.6), torch.tensor([0.3, 0.6, 0.3]).view(1, 3, 1, 1)
    assert no_colder(teal, grey).flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert no_colder(teal, green)[0, 1] == pytest.approx(0.7)  # a goblin keeps its green
    warm = torch.tensor([0.8, 0.7, 0.6]).view(1, 3, 1, 1)
    assert no_colder(warm, grey).equal(warm)
