"""What the two readers learn from portraits; and the readers that a run left."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.motion.augment import NO_KIND, augmented_picture, bent, uniform
from reggan_training.motion.source_reader import SourceReader
from reggan_training.motion.surface_reader import ReadSurface, SurfaceReader
from reggan_training.motion.training_run import Losses, RunSettings, TrainingRun, read_checkpoint
from reggan_training.pairs.lip_seam import MOUTH_CORNER_X, SEAM_Y
from reggan_training.pairs.portraits import Portraits
from reggan_training.pairs.producer import Rows
from reggan_training.pairs.truth import PixelKind

_EDGES, _REACH = 4.0, 0.12
"""How much more places count between lips and lids, and how far around, in eye distances."""


class Readers(nn.Module):
    """Both readers: of what a source wears, and of its surface. They share nothing but pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.surface = SourceReader(), SurfaceReader()


def reader_run(readers: Readers, settings: RunSettings, folder: Path) -> TrainingRun:
    """A run that trains the readers; goes on where the folder's checkpoint ends."""

    def losses_of(rows: Rows, random: torch.Generator) -> Losses:
        portraits = Portraits.from_compact(rows)
        mirror = uniform((len(portraits.picture),), 0.0, 1.0, random) < 0.5
        portraits = bent(portraits.mirrored(mirror), random)
        picture = augmented_picture(portraits.picture, random)
        picture = picture.contiguous(memory_format=torch.channels_last)
        with torch.autocast(picture.device.type, torch.bfloat16, enabled=settings.half_precision):
            weights, surface = readers.source(picture).float(), readers.surface(picture)
        error: Tensor = weights - portraits.weights
        explained = 1 - error.detach().square().sum() / portraits.weights.square().sum()
        read = surface_losses(portraits, surface)
        return {"weights": 10 * error.square().mean(), "_explained": explained} | read

    return TrainingRun(readers, losses_of, settings, folder, about={}, fixed={})


def surface_losses(portraits: Portraits, surface: ReadSurface) -> Losses:
    """Losses of places on the face, of the head's turn, and of what pixels show."""
    is_face = ((portraits.kind >= 0) & (portraits.kind <= PixelKind.EYE)).float()
    error = (surface.place - portraits.place).abs() * is_face
    weight = 1 + _EDGES * _near_edges(portraits.place)
    turn = surface.projection - portraits.projection
    kinds = F.cross_entropy(surface.kinds, portraits.kind[:, 0], ignore_index=NO_KIND)
    return {
        "place": 4 * (error * weight).mean(),
        "turn": 10 * turn.abs().mean(),
        "kinds": 0.3 * kinds,
        "_place_error": error.detach().sum() / is_face.sum() / 2,
        "_kinds_right": (surface.kinds.argmax(1) == portraits.kind[:, 0]).float().mean(),
    }


def _near_edges(place: Float[Tensor, "batch 2 side side"]) -> Float[Tensor, "batch 1 side side"]:
    """1 on the seam of the lips and between the lids, where a little beside is another surface."""
    x, y = place[:, :1].abs(), place[:, 1:]
    lips = torch.exp(-(((y - SEAM_Y) / _REACH) ** 2)) * (x < MOUTH_CORNER_X + _REACH)
    lids = torch.exp(-((y / _REACH) ** 2)) * ((x - 0.5).abs() < 2 * _REACH)
    return lips + lids


def trained_readers(folder: Path) -> Readers:
    """The readers of a run with their EMA weights, for use.

    Raises:
        SourceError: the folder has no checkpoint.
    """
    readers = Readers()
    readers.load_state_dict(read_checkpoint(folder).below("ema."))
    return readers.eval().requires_grad_(False)
