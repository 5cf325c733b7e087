"""SARGAN: one spatial-attention residual block between encoder and decoder, plus the input.

Source: Akram & Khan, "SARGAN: Spatial Attention-based Residuals for Facial Expression
Manipulation", arXiv 2303.17212, figures 2 and 3. 3.01 million parameters at width 1.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.papers.networks.encoder_decoder import (
    USGAN,
    Layers,
    normalised,
    residual_layers,
)
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.tensor_shapes import Features, Intensities

_HOURGLASS_DEPTH = 2


class AttentionResidualBlock(nn.Module):
    """x + attention(residual) x residual."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        channels = settings.channels(64)
        self.layers = residual_layers(settings)
        self.hourglass = Hourglass(4 * channels, settings, _HOURGLASS_DEPTH)
        self.attention = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, features: Features, expression: Intensities) -> Features:
        """Features changed where the attention lets them."""
        residual = self.layers(features, expression)
        attention = torch.sigmoid(self.attention(self.hourglass(residual, expression)))
        result: Tensor = features + attention * residual
        return result


class Hourglass(nn.Module):
    """Halves, looks, doubles, and adds what was seen before halving; nested `depth` times."""

    def __init__(self, inputs: int, settings: ModelSettings, depth: int) -> None:
        super().__init__()
        channels = settings.channels(64)
        self.beside = _convolution(inputs, settings)
        self.shrink = _convolution(inputs, settings, stride=2)
        self.within = (
            Hourglass(channels, settings, depth - 1)
            if depth > 1
            else _convolution(channels, settings)
        )
        self.grow = _convolution(channels, settings)

    def forward(
        self, features: Float[Tensor, "batch inputs height width"], expression: Intensities
    ) -> Features:
        """Return maps of the same size that have seen a wider part of the picture."""
        low = self.within(self.shrink(features, expression), expression)
        wide = self.grow(F.interpolate(low, scale_factor=2.0, mode="nearest"), expression)
        result: Tensor = self.beside(features, expression) + wide
        return result


def _convolution(inside: int, settings: ModelSettings, stride: int = 1) -> Layers:
    outside = settings.channels(64)
    convolution = nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
    return Layers(*normalised(convolution, settings))


class SARGAN(USGAN):
    """US-GAN whose residual block chooses where it changes anything."""

    architecture = "sargan"
    middle_block = AttentionResidualBlock
