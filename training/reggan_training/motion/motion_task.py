"""What the motion network learns, as a run takes it; and the network that a run left."""

from pathlib import Path

import torch
from torch import Tensor

from reggan_training.motion.augment import augmented, normal, uniform
from reggan_training.motion.losses import LossWeights, pair_losses
from reggan_training.motion.network import MotionRegGAN, NetworkAnswer
from reggan_training.motion.sampling import enlarged
from reggan_training.motion.surface_reader import SurfaceReader
from reggan_training.motion.training_run import Losses, RunSettings, TrainingRun, read_checkpoint
from reggan_training.pairs.producer import Rows
from reggan_training.pairs.sitting import Pairs

_REALLY_MOVES_PX = 0.4


def motion_run(
    network: MotionRegGAN,
    settings: RunSettings,
    folder: Path,
    weights: LossWeights = LossWeights(),  # noqa: B008 - frozen
) -> TrainingRun:
    """A run that trains the motion network; goes on where the folder's checkpoint ends."""
    about = {"width": str(network.width), "side_px": str(network.side_px)}
    fixed = {f"regression.{name}": value for name, value in network.regression.named_buffers()}

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        pairs = augmented(Pairs.from_compact(rows), random)
        image = pairs.source.contiguous(memory_format=torch.channels_last)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=settings.half_precision):
            answer = network(image, pairs.controls, _misread(pairs.worn, random))
        return pair_losses(pairs, answer, weights) | _progress(pairs, answer)

    return TrainingRun(network, losses_of, settings, folder, about=about, fixed=fixed)


def _misread(worn: Tensor, random: torch.Generator) -> Tensor:
    """True weights with errors as a reader makes them: too much, too little, some not at all."""
    shape = tuple(worn.shape)
    factor = 1 + 0.25 * normal(shape, random)
    kept = uniform(shape, 0.0, 1.0, random) > 0.1
    offset = uniform(shape, 0.0, 0.04, random)
    return (worn * factor * kept + offset).clamp(0.0, 1.5)


@torch.no_grad()
def _progress(pairs: Pairs, answer: NetworkAnswer) -> dict[str, Tensor]:
    """Mean error and length of the motion where the surface really moves, in pixels of 128."""
    true_px = 128 * pairs.motion
    length = true_px.norm(dim=1, keepdim=True)
    counted = pairs.visible * pairs.hit * (length > _REALLY_MOVES_PX)
    error = (128 * enlarged(answer.motion, true_px.shape[-1]) - true_px).norm(dim=1, keepdim=True)
    total = counted.sum().clamp(min=1)
    return {
        "_moving_error_px": (error * counted).sum() / total,
        "_moving_px": (length * counted).sum() / total,
    }


def trained_motion_network(folder: Path, surface: SurfaceReader) -> MotionRegGAN:
    """The network of a run with its EMA weights, for use, over a trained reader of surfaces.

    Raises:
        SourceError: the folder has no checkpoint, or one of another kind of run.
    """
    stored = read_checkpoint(folder)
    network = MotionRegGAN(
        width=int(stored.facts["width"]), side_px=int(stored.facts["side_px"]), surface=surface
    )
    read = {f"surface.{name}": value for name, value in surface.state_dict().items()}
    network.load_state_dict(stored.below("ema.") | stored.below("fixed.") | read)
    return network.eval().requires_grad_(False)
