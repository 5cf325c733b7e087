"""What the painter of the mouth learns, over a finished motion network; and what a run left."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from reggan_training.motion.composing import compose
from reggan_training.motion.mouth_losses import MouthLossWeights, mouth_losses
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
    about = {"width": str(painter.width)}
    task = _task_of(painter, network, weights)
    return TrainingRun(painter, task, settings, folder, about=about, fixed={})


def _task_of(
    painter: MouthPainter, network: MotionRegGAN, weights: MouthLossWeights
) -> Callable[[Rows, torch.Generator], Losses]:
    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        pairs = _augmented(MouthPairs.from_compact(rows), random)
        with torch.no_grad():
            small = F.avg_pool2d(pairs.source, pairs.source.shape[-1] // network.side_px)
            answer: NetworkAnswer = network(small, pairs.controls, pairs.worn)
            whole = answer._replace(cover=torch.full_like(answer.cover, -20.0))
            whole = whole._replace(paint=enlarged(whole.paint, pairs.source.shape[-1]))
            whole = whole._replace(cover=enlarged(whole.cover, pairs.source.shape[-1]))
            _, moved = compose(pairs.source, whole)
        painted = painter(pairs.source, pairs.controls, answer)
        return mouth_losses(pairs, moved, painted, weights)

    return losses_of


def _augmented(pairs: MouthPairs, random: torch.Generator) -> MouthPairs:
    """Mirror half of the pairs and grade both pictures alike."""
    count = len(pairs.source)
    turned = pairs.mirrored(torch.rand(count, generator=random) < 0.5)
    gain = torch.empty(count, 3, 1, 1).uniform_(0.8, 1.2, generator=random)
    offset = torch.empty(count, 3, 1, 1).uniform_(-0.06, 0.06, generator=random)
    return MouthPairs(
        source=(turned.source * gain + offset).clamp(0, 1),
        target=(turned.target * gain + offset).clamp(0, 1),
        hole=turned.hole,
        part=turned.part,
        controls=turned.controls,
        worn=turned.worn,
    )


def trained_mouth_painter(folder: Path) -> MouthPainter:
    """The painter of a run with its EMA weights, for use.

    Raises:
        SourceError: the folder has no checkpoint.
    """
    stored = read_checkpoint(folder)
    painter = MouthPainter(width=int(stored.facts["width"]))
    painter.load_state_dict(stored.below("ema."))
    return painter.eval().requires_grad_(False)
