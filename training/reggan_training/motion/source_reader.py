"""Reads from a picture which face shapes it shows: what `neutral` has to take away."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

_SIDE_PX = 64
_WIDTHS = (32, 48, 64)
_MOST = 1.5
_FORGOTTEN = 0.3
"""Share of the features that are left out while training: heads are few, and soon known."""


class SourceReader(nn.Module):
    """ARKit weights of an aligned face crop, from 64 px of it.

    The last layer keeps places apart: crops are aligned, so a brow is always in the same cell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Conv2d(12, _WIDTHS[0], 3, padding=1)
        self.shrink = nn.ModuleList(
            nn.Conv2d(inside, outside, 3, stride=2, padding=1)
            for inside, outside in pairwise(_WIDTHS[:3])
        )
        self.deepen = nn.Conv2d(_WIDTHS[2], _WIDTHS[2], 3, padding=1)
        cells = (_SIDE_PX // 8) ** 2
        self.forget = nn.Dropout(_FORGOTTEN)
        self.gather = nn.Linear(_WIDTHS[2] * cells, 192)
        self.answer = nn.Linear(192, len(ARKIT_SHAPES))

    def forward(self, image: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch shapes"]:
        """Weights in [0, 1.5], in the order of `ARKIT_SHAPES`."""
        small = F.avg_pool2d(image, image.shape[-1] // _SIDE_PX) - 0.5
        light = small.mean(dim=(1, 2, 3), keepdim=True)
        hidden = F.silu(self.read(F.pixel_unshuffle(small - light, 2)))
        for layer in self.shrink:
            hidden = F.silu(layer(hidden))
        hidden = F.silu(self.deepen(hidden))
        answer = self.answer(F.silu(self.gather(self.forget(hidden.flatten(1)))))
        return _MOST * torch.sigmoid(answer - 3.0)
