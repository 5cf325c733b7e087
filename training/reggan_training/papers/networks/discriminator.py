"""Judges patches as rendered or made, and names the expression."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from reggan_training.tensor_shapes import Images

_SLOPE = 0.2  # of the leaky ReLU below 0


class Discriminator(nn.Module):
    """Convolutions on the pixel-unshuffled crop, a patch head and an expression head.

    Source: the two heads follow StarGAN (Choi et al., CVPR 2018, section 3.1). Without spectral
    normalisation: through four layers it left both heads too faint to learn in a short run.
    """

    def __init__(self, expressions: int, channels: int = 64, unshuffle: int = 4) -> None:
        """Start anew.

        Args:
            expressions: classes of the second head.
            channels: of the first layer.
            unshuffle: pixels along each side that become one; 4 suits 256 px, 2 suits 64 px.
        """
        super().__init__()
        self.unshuffle = unshuffle
        widths = (3 * unshuffle**2, channels, 2 * channels, 3 * channels, 4 * channels)
        self.layers = nn.ModuleList(
            _leaky_convolution(inside, outside, stride=1 if i == 0 else 2)
            for i, (inside, outside) in enumerate(pairwise(widths))
        )
        self.patch_head = nn.Conv2d(widths[3], 1, 3, padding=1)
        self.expression_head = nn.Linear(widths[4], expressions)

    def forward(self, image: Images) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Patch scores (high: rendered), expression logits, and the features of every layer."""
        hidden = F.pixel_unshuffle(image * 2 - 1, self.unshuffle)
        features = []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), _SLOPE)
            features.append(hidden)
        logits = self.expression_head(features[-1].mean(dim=(2, 3)))
        return self.patch_head(features[-2]), logits, features


def _leaky_convolution(inside: int, outside: int, stride: int) -> nn.Conv2d:
    """Make a 3x3 convolution whose first weights keep the variance through a leaky ReLU."""
    convolution = nn.Conv2d(inside, outside, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(convolution.weight, _SLOPE)
    return convolution
