"""What a run left, as one module: it reads, moves, lights and paints, from EMA weights."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.models.model_card import MOTION_CONTRACT, MOTION_OUTPUTS, ModelCard
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.motion.motion_task import trained_motion_network
from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.mouth_task import trained_mouth_painter
from reggan_training.motion.network import MotionRegGAN
from reggan_training.motion.reader_task import trained_readers
from reggan_training.motion.source_reader import SourceReader
from reggan_training.motion.training_run import CHECKPOINT
from reggan_training.motion.whole_run import ADVERSARY, MOTION, MOUTH, READER
from reggan_training.pairs.camera import CANONICAL_LANDMARKS
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW


class UnpaintedAnswer(NamedTuple):
    """Outputs of contract 2, in order; see `reggan_plugin.change.answer`."""

    motion: Tensor
    gain: Tensor
    cover: Tensor
    paint: Tensor


class PaintedAnswer(NamedTuple):
    """Outputs of contract 2 with a painter of the mouth, in order."""

    motion: Tensor
    gain: Tensor
    cover: Tensor
    paint: Tensor
    mouth_cover: Tensor
    mouth_paint: Tensor


class TrainedModel(nn.Module):
    """Takes crops of twice the motion network's side, of which the painter sees all.

    Args:
        network: answers with motion, light and cover.
        reader: tells it what the source wears; None takes every source for a neutral one.
        painter: of the mouth; None for a model without one.
    """

    def __init__(
        self,
        network: MotionRegGAN,
        reader: SourceReader | None = None,
        painter: MouthPainter | None = None,
    ) -> None:
        super().__init__()
        self.network, self.reader, self.painter = network, reader, painter
        self.side_px = 2 * network.side_px

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> UnpaintedAnswer | PaintedAnswer:
        """Answer for sRGB-encoded crops and control vectors."""
        nothing = torch.zeros_like(controls[:, :-1])
        worn = nothing if self.reader is None else self.reader(image)
        answer = self.network(F.avg_pool2d(image, 2), controls, worn)
        unpainted = UnpaintedAnswer(
            motion=answer.motion,
            gain=answer.gain,
            cover=torch.sigmoid(answer.cover),
            paint=answer.paint,
        )
        if self.painter is None:
            return unpainted
        mouth = self.painter(image, controls, answer)
        return PaintedAnswer(
            *unpainted, mouth_cover=torch.sigmoid(mouth.cover), mouth_paint=mouth.paint
        )


def card_of_model(module: TrainedModel, *, name: str, **more: Any) -> ModelCard:
    """What a model says of itself; `more` replaces fields of the card."""
    painters = {} if module.painter is None else {"mouth": MOUTH_WINDOW}
    own = tuple(f"{part}_{what}" for part in painters for what in ("cover", "paint"))
    fields = {
        "version": "0.1.0",
        "architecture": "reggan",
        "image_size_px": module.side_px,
        "contract": MOTION_CONTRACT,
        "controls": CONTROLS,
        "outputs": (*MOTION_OUTPUTS, *own),
        "painters": painters,
        "canonical_landmarks": CANONICAL_LANDMARKS,
        "training": {},
        "licence": "Apache-2.0",
    }
    return ModelCard(name=name, **{**fields, **more})


def read_trained_model(run: Path) -> TrainedModel:
    """Read what `train-motion` trained; a reader or painter that has not begun is left out.

    Raises:
        SourceError: the run has no checkpoint of its motion, or a damaged one.
    """
    readers = trained_readers(run / READER)
    painters = [run / stage for stage in (ADVERSARY, MOUTH) if _has_begun(run / stage)]
    painter = trained_mouth_painter(painters[0]) if painters else None
    network = trained_motion_network(run / MOTION, readers.surface)
    return TrainedModel(network, readers.source, painter).eval()


def is_motion_run(folder: Path) -> bool:
    """True if a folder is a run of `train-motion`."""
    return _has_begun(folder / MOTION)


def _has_begun(folder: Path) -> bool:
    return (folder / CHECKPOINT).is_file()
