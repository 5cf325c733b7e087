"""What StarGAN, US-GAN, SARGAN and GANimation share: encoder, decoder, residual block.

A 7x7 convolution at the image's own resolution, two 4x4 ones that halve it, a middle that
differs from one network to the next, two transposed ones that double it, and a 7x7 head;
instance normalisation and ReLU after all but the last. The expression stands beside the colours
at every pixel of the input. Images are in [-1, 1] within these networks.

Source: Choi et al., "StarGAN", CVPR 2018, arXiv 1711.09020, table 4.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.networks.expression_model import ExpressionModel, split_exaggeration


class TiledModel(ExpressionModel):
    """A model that is told the expression at every pixel; subclasses answer `generate`."""

    def make_face(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The generated picture; beyond intensity 1 its difference from the input grows."""
        asked, exaggeration = split_exaggeration(expression)
        with self.precision(image):
            made = self.generate(2 * image - 1, asked)
        face = (made.float() + 1) / 2
        return (image + exaggeration * (face - image)).clamp(0.0, 1.0)

    def generate(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The picture with the expression; both in [-1, 1]."""
        raise NotImplementedError


def tile_expression(
    image: Float[Tensor, "batch 3 side side"], expression: Float[Tensor, "batch expressions"]
) -> Float[Tensor, "batch inputs side side"]:
    """The image with a constant map for every intensity."""
    height, width = image.shape[-2:]
    maps = expression[:, :, None, None].expand(-1, -1, height, width)
    return torch.cat([image, maps], dim=1)


class Encoder(nn.Sequential):
    """From the image and the expression to `4 * channels` maps at a quarter of the side."""

    def __init__(self, expressions: int, channels: int) -> None:
        d = channels
        super().__init__(
            *normalised(nn.Conv2d(3 + expressions, d, 7, padding=3, bias=False)),
            *normalised(nn.Conv2d(d, 2 * d, 4, stride=2, padding=1, bias=False)),
            *normalised(nn.Conv2d(2 * d, 4 * d, 4, stride=2, padding=1, bias=False)),
        )


class Decoder(nn.Sequential):
    """From `4 * channels` maps at a quarter of the side to `channels` at the whole."""

    def __init__(self, channels: int) -> None:
        d = channels
        super().__init__(
            *normalised(nn.ConvTranspose2d(4 * d, 2 * d, 4, stride=2, padding=1, bias=False)),
            *normalised(nn.ConvTranspose2d(2 * d, d, 4, stride=2, padding=1, bias=False)),
        )


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = residual_layers(channels)

    def forward(
        self, features: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Features changed by what the convolutions add."""
        result: Tensor = features + self.layers(features)
        return result


def residual_layers(channels: int) -> nn.Sequential:
    """Convolution, normalisation, ReLU, convolution, normalisation."""
    return nn.Sequential(
        *normalised(nn.Conv2d(channels, channels, 3, padding=1, bias=False)),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.InstanceNorm2d(channels, affine=True),
    )


def colour_head(channels: int) -> nn.Conv2d:
    """From the decoder's maps to three colours, before the hyperbolic tangent."""
    return nn.Conv2d(channels, 3, 7, padding=3, bias=False)


def difference_head(channels: int) -> nn.Conv2d:
    """A colour head for networks that add to a picture: its first answers are small.

    From full-sized ones the quickest way down is to silence the head, and 5,000 pairs pass
    before the network speaks again; measured on SARGAN at 64 px, a quarter of the width.
    """
    head = colour_head(channels)
    with torch.no_grad():
        head.weight *= 0.1
    return head


def normalised(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    """A convolution with instance normalisation and ReLU after it."""
    norm = nn.InstanceNorm2d(convolution.out_channels, affine=True)
    return [convolution, norm, nn.ReLU(inplace=True)]
