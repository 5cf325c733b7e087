"""What the painter of the mouth learns, over a finished motion network; and what a run left."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from reggan_training.motion.augment import uniform
from reggan_training.motion.composing import compose
from reggan_training.motion.mouth_adversary import OpposedPainter
from reggan_training.motion.mouth_losses import finished_window, mouth_losses, uncovered
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.network import MotionRegGAN, NetworkAnswer
from reggan_training.motion.sampling import enlarged
from reggan_training.motion.training_run import Losses, RunSettings, TrainingRun, read_checkpoint
from reggan_training.pairs.mouth_sitting import MouthPairs
from reggan_training.pairs.producer import Rows


def mouth_run(
    painter: MouthPainter, network: MotionRegGAN, settings: RunSettings, folder: Path
) -> TrainingRun:
    """A run that trains the painter over `network`, which stays as it is."""

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        return _paint(painter, network, settings, rows, random).losses

    network.to(settings.device)
    about = {"width": str(painter.width)}
    return TrainingRun(painter, losses_of, settings, folder, about=about, fixed={})


def opposed_run(
    opposed: OpposedPainter, network: MotionRegGAN, settings: RunSettings, folder: Path
) -> TrainingRun:
    """A run that trains the painter against its adversary, over `network`."""

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        pairs, made, paired = _paint(opposed.painter, network, settings, rows, random)
        near = F.max_pool2d(uncovered(pairs), 9, 1, 4)
        total = torch.stack(list(paired.values())).sum()
        with _reduced(pairs.source, settings):
            said = opposed.losses(made, pairs.target, near, total, random)
        return paired | said

    network.to(settings.device)
    about = {"width": str(opposed.painter.width)}
    return TrainingRun(opposed, losses_of, settings, folder, about=about, fixed={})


class _Painted(NamedTuple):
    """Pairs, their finished windows, and the paired losses of these."""

    pairs: MouthPairs
    made: Tensor
    losses: Losses


def _paint(
    painter: MouthPainter,
    network: MotionRegGAN,
    settings: RunSettings,
    rows: Rows,
    random: torch.Generator,
) -> _Painted:
    pairs = _augmented(MouthPairs.from_compact(rows), random)
    with _reduced(pairs.source, settings):
        moved, answer = _moved_by(network, pairs)
    with _reduced(pairs.source, settings):
        painted = painter(pairs.source, pairs.controls, answer)
    made = finished_window(moved, painted)
    return _Painted(pairs, made, mouth_losses(pairs, made, painted))


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
    graded = ((one * gain + offset).clamp(0, 1) for one in (turned.source, turned.target))
    return replace(turned, **dict(zip(("source", "target"), graded, strict=True)))


def trained_mouth_painter(folder: Path) -> MouthPainter:
    """The painter of either kind of run with its EMA weights, for use.

    Raises:
        SourceError: the folder has no checkpoint.
    """
    stored = read_checkpoint(folder)
    painter = MouthPainter(width=int(stored.facts["width"]))
    painter.load_state_dict(stored.below("ema.painter.") or stored.below("ema."))
    return painter.eval().requires_grad_(False)
