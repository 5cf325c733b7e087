"""The motion network and its painter as one module that answers as model contract 2 says."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.motion.mouth_painter import MouthPainter
from reggan_training.motion.network import MotionRegGAN


class ContractAnswer(NamedTuple):
    """Outputs of contract 2, in order; see `reggan_plugin.motion_answer`."""

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


class MotionModule(nn.Module):
    """Takes crops of twice the motion network's side, of which the painter sees all.

    Args:
        network: with the weights to ship.
        painter: of the mouth; None for a model without one.
    """

    def __init__(self, network: MotionRegGAN, painter: MouthPainter | None = None) -> None:
        super().__init__()
        self.network, self.painter = network, painter
        self.side_px = 2 * network.side_px

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> ContractAnswer | PaintedAnswer:
        """Answer for sRGB-encoded crops and control vectors."""
        answer = self.network(F.avg_pool2d(image, 2), controls)
        plain = ContractAnswer(
            motion=answer.motion,
            gain=answer.gain,
            cover=torch.sigmoid(answer.cover),
            paint=answer.paint,
        )
        if self.painter is None:
            return plain
        mouth = self.painter(image, controls, answer)
        return PaintedAnswer(
            *plain, mouth_cover=torch.sigmoid(mouth.cover), mouth_paint=mouth.paint
        )
