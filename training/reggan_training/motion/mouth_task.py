"""What the painter of the mouth learns, over a finished motion network; and what a run left."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from reggan_training.motion.augment import uniform
from reggan_training.motion.composing import compose
from reggan_training.motion.mouth_adversary import AdversaryWeights, RivalledPainter
from reggan_training.motion.mouth_losses import (
    MouthLossWeights,
    finished_window,
    mouth_losses,
    uncovered,
)
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.network import MotionRegGAN, NetworkAnswer
from reggan_training.motion.sampling import enlarged
from reggan_training.motion.training_run import Losses, RunSettings, TrainingRun, read_checkpoint
from reggan_training.pairs.mouth_sitting import MouthPairs
from reggan_training.pairs.pool import Rows


def mouth_run(
    painter: MouthPainter,
    network: MotionRegGAN,
    settings: RunSettings,
    folder: Path,
    weights: MouthLossWeights = MouthLossWeights(),  # noqa: B008 - frozen
) -> TrainingRun:
    """A run that trains the painter over `network`, which stays as it is."""

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        pairs = _augmented(MouthPairs.from_compact(rows), random)
        with _reduced(pairs.source, settings):
            moved, answer = _moved_by(network, pairs)
        with _reduced(pairs.source, settings):
            painted = painter(pairs.source, pairs.controls, answer)
        return mouth_losses(pairs, finished_window(moved, painted), painted, weights)

    network.to(settings.device)
    about = {"width": str(painter.width)}
    return TrainingRun(painter, losses_of, settings, folder, about=about, fixed={})


def rivalled_run(
    rivalled: RivalledPainter,
    network: MotionRegGAN,
    settings: RunSettings,
    folder: Path,
    weights: MouthLossWeights = MouthLossWeights(),  # noqa: B008 - frozen
    adversary: AdversaryWeights = AdversaryWeights(),  # noqa: B008 - frozen
) -> TrainingRun:
    """A run that trains the painter against its adversary, over `network`."""

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        pairs = _augmented(MouthPairs.from_compact(rows), random)
        with _reduced(pairs.source, settings):
            moved, answer = _moved_by(network, pairs)
        with _reduced(pairs.source, settings):
            painted = rivalled.painter(pairs.source, pairs.controls, answer)
        made = finished_window(moved, painted)
        paired = mouth_losses(pairs, made, painted, weights)
        near = F.max_pool2d(uncovered(pairs), 9, 1, 4)
        total = torch.stack(list(paired.values())).sum()
        with _reduced(pairs.source, settings):
            said = rivalled.rivalry(made, pairs.target, near, total, adversary, random)
        return paired | said

    network.to(settings.device)
    about = {"width": str(rivalled.painter.width)}
    return TrainingRun(rivalled, losses_of, settings, folder, about=about, fixed={})


def _reduced(image: Tensor, settings: RunSettings) -> torch.autocast:
    """Convolutions in bfloat16 where the run says so."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=settings.half_precision)


@torch.no_grad()
def _moved_by(network: MotionRegGAN, pairs: MouthPairs) -> tuple[Tensor, NetworkAnswer]:
    """The source crop as the network moves and lights it, without paint; and all of its answer."""
    side = pairs.source.shape[-1]
    small = F.avg_pool2d(pairs.source, side // network.side_px)
    answer: NetworkAnswer = network(small, pairs.controls, pairs.worn)
    _, moved = compose(
        pairs.source,
        answer._replace(cover=enlarged(answer.cover, side), paint=enlarged(answer.paint, side)),
    )
    return moved, answer


def _augmented(pairs: MouthPairs, random: torch.Generator) -> MouthPairs:
    """Mirror half of the pairs and grade both pictures alike."""
    count = len(pairs.source)
    turned = pairs.mirrored(uniform((count,), 0.0, 1.0, random) < 0.5)
    gain = uniform((count, 3, 1, 1), 0.8, 1.2, random)
    offset = uniform((count, 3, 1, 1), -0.06, 0.06, random)
    return MouthPairs(
        source=(turned.source * gain + offset).clamp(0, 1),
        target=(turned.target * gain + offset).clamp(0, 1),
        hole=turned.hole,
        part=turned.part,
        controls=turned.controls,
        worn=turned.worn,
    )


def trained_mouth_painter(folder: Path) -> MouthPainter:
    """The painter of either kind of run with its EMA weights, for use.

    Raises:
        SourceError: the folder has no checkpoint.
    """
    stored = read_checkpoint(folder)
    painter = MouthPainter(width=int(stored.facts["width"]))
    painter.load_state_dict(stored.below("ema.painter.") or stored.below("ema."))
    return painter.eval().requires_grad_(False)
