"""Encoder and decoder of StarGAN, US-GAN, SARGAN and GANimation, and the three smaller of them.

A 7x7 convolution at the image's own resolution, two 4x4 ones that halve it, a middle that
differs from one network to the next, two transposed ones that double it, and a 7x7 head;
instance normalisation and ReLU after all but the last. The expression stands beside the colours
at every pixel of the input. Images are in [-1, 1] within these networks.

Normalisation takes away what is the same at every pixel, and so nearly all that the tiled
expression says: only the border is left of it. `conditioned_norms` says it again after every
normalisation, and halves the pairs that SARGAN needs (64 px, a quarter of the width: 8,000
pairs reach what took 16,000).

Sources: Choi et al., "StarGAN", CVPR 2018, arXiv 1711.09020, table 4; for conditioned norms
Dumoulin et al., "A Learned Representation for Artistic Style", ICLR 2017, eq. 5.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.papers.networks.expression_model import (
    ExpressionModel,
    ModelSettings,
    split_exaggeration,
)
from reggan_training.tensor_shapes import Features, Images, Intensities


class TiledModel(ExpressionModel):
    """A model that is told the expression at every pixel; subclasses answer `generate`.

    Attributes:
        middle_block: made of the settings, between encoder and decoder.
    """

    middle_block: type[nn.Module]

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.encoder = Encoder(settings)
        self.middle = self.middle_block(settings)
        self.decoder = Decoder(settings)

    def maps(
        self, image: Images, expression: Intensities
    ) -> Float[Tensor, "batch channels side side"]:
        """Return what a head makes pictures of."""
        seen = self.encoder(tile_expression(image, expression), expression)
        result: Tensor = self.decoder(self.middle(seen, expression), expression)
        return result

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Make the picture; beyond intensity 1 its difference from the input grows."""
        asked, exaggeration = split_exaggeration(expression)
        with self.precision(image):
            made = self.generate(2 * image - 1, asked)
        face = (made.float() + 1) / 2
        return (image + exaggeration * (face - image)).clamp(0.0, 1.0)

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Make the picture with the expression; both in [-1, 1]."""
        raise NotImplementedError


def tile_expression(
    image: Images, expression: Intensities
) -> Float[Tensor, "batch inputs side side"]:
    """Append a constant map for every intensity to the image."""
    height, width = image.shape[-2:]
    maps = expression[:, :, None, None].expand(-1, -1, height, width)
    return torch.cat([image, maps], dim=1)


class Norm(nn.InstanceNorm2d):
    """Instance normalisation; scaled and shifted by the expression if it is conditioned."""

    def __init__(self, channels: int, settings: ModelSettings) -> None:
        super().__init__(channels, affine=True)
        self.condition: nn.Conv2d | None = None
        if settings.conditioned_norms:
            self.condition = nn.Conv2d(settings.expressions, 2 * channels, 1, bias=False)
            nn.init.normal_(self.condition.weight, std=0.1)

    def forward(  # type: ignore[override]
        self, features: Features, expression: Intensities
    ) -> Features:
        """Every channel with a mean and deviation of its own, or of the expression's."""
        even: Tensor = super().forward(features)
        if self.condition is None:
            return even
        scale, shift = self.condition(expression[:, :, None, None]).chunk(2, dim=1)
        return even * (1 + scale) + shift


class Layers(nn.Sequential):
    """Layers one after the other; those that listen are told the expression."""

    def forward(  # type: ignore[override]
        self, features: Float[Tensor, "batch inside high wide"], expression: Intensities
    ) -> Float[Tensor, "batch outside height width"]:
        """Run all layers."""
        for layer in self:
            listens = isinstance(layer, Norm | Layers | ResidualBlock)
            features = layer(features, expression) if listens else layer(features)
        return features


class Encoder(Layers):
    """From the image and the expression to `4 * channels` maps at a quarter of the side."""

    def __init__(self, settings: ModelSettings) -> None:
        d = settings.channels(64)
        super().__init__(
            *normalised(nn.Conv2d(3 + settings.expressions, d, 7, padding=3, bias=False), settings),
            *normalised(nn.Conv2d(d, 2 * d, 4, stride=2, padding=1, bias=False), settings),
            *normalised(nn.Conv2d(2 * d, 4 * d, 4, stride=2, padding=1, bias=False), settings),
        )


class Decoder(Layers):
    """From `4 * channels` maps at a quarter of the side to `channels` at the whole."""

    def __init__(self, settings: ModelSettings) -> None:
        d = settings.channels(64)
        wide, narrow = (
            nn.ConvTranspose2d(2 * n, n, 4, stride=2, padding=1, bias=False) for n in (2 * d, d)
        )
        super().__init__(*normalised(wide, settings), *normalised(narrow, settings))


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions beside a shortcut."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.layers = residual_layers(settings)

    def forward(self, features: Features, expression: Intensities) -> Features:
        """Features changed by what the convolutions add."""
        result: Tensor = features + self.layers(features, expression)
        return result


def residual_layers(settings: ModelSettings) -> Layers:
    """Convolution, normalisation, ReLU, convolution, normalisation, at the narrowest place."""
    channels = 4 * settings.channels(64)
    first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
    return Layers(*normalised(first, settings), second, Norm(channels, settings))


def colour_head(channels: int) -> nn.Conv2d:
    """From the decoder's maps to three colours, before the hyperbolic tangent."""
    return nn.Conv2d(channels, 3, 7, padding=3, bias=False)


def difference_head(channels: int) -> nn.Conv2d:
    """Make a colour head for networks that add to a picture: its first answers are small.

    From full-sized ones the quickest way down is to silence the head, and 5,000 pairs pass
    before the network speaks again; measured on SARGAN at 64 px, a quarter of the width.
    """
    head = colour_head(channels)
    with torch.no_grad():
        head.weight *= 0.1
    return head


def normalised(
    convolution: nn.Conv2d | nn.ConvTranspose2d, settings: ModelSettings
) -> list[nn.Module]:
    """Make a convolution with normalisation and ReLU after it."""
    return [convolution, Norm(convolution.out_channels, settings), nn.ReLU(inplace=True)]


class ResidualBlocks(Layers):
    """Six blocks, one after the other."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(*(ResidualBlock(settings) for _ in range(6)))


class StarGAN(TiledModel):
    """StarGAN's generator: six residual blocks, and a picture painted from nothing.

    There is no way around the bottleneck: identity has to pass through it as well.

    Source: Choi et al., "StarGAN: Unified Generative Adversarial Networks for Multi-Domain
    Image-to-Image Translation", CVPR 2018, arXiv 1711.09020, table 4. 8.4 million parameters at
    width 1.
    """

    architecture = "stargan"
    middle_block = ResidualBlocks

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.head = colour_head(settings.channels(64))

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Return the network's own picture."""
        return torch.tanh(self.head(self.maps(image, expression)))


class GANimation(TiledModel):
    """GANimation-style attention: StarGAN's body, a colour picture, and where to use it.

    Source: Pumarola et al., "GANimation: Anatomically-aware Facial Animation from a Single Image",
    ECCV 2018, arXiv 1807.09251, eq. 1. Its condition, action units of any strength, is our vector
    of intensities.
    """

    architecture = "ganimation"
    middle_block = ResidualBlocks

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        channels = settings.channels(64)
        self.colour = colour_head(channels)
        self.attention = nn.Conv2d(channels, 1, 7, padding=3, bias=False)

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Attention x input + (1 - attention) x colour."""
        maps = self.maps(image, expression)
        colour, attention = torch.tanh(self.colour(maps)), torch.sigmoid(self.attention(maps))
        return colour + attention * (image - colour)


class USGAN(TiledModel):
    """US-GAN: encoder, one residual block, decoder, and the input added at the end.

    The block only has to make the difference.

    Source: Akram & Khan, "US-GAN: On the importance of Ultimate Skip Connection for Facial
    Expression Synthesis", arXiv 2112.13002, figure 2. 2.53 million parameters at width 1.
    """

    architecture = "us-gan"
    middle_block: type[nn.Module] = ResidualBlock

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.head = difference_head(settings.channels(64))

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Network + input, the ultimate skip connection."""
        result: Tensor = torch.tanh(self.head(self.maps(image, expression))) + image
        return result
