"""StarGAN's generator: six residual blocks, and a picture painted from nothing.

Source: Choi et al., "StarGAN: Unified Generative Adversarial Networks for Multi-Domain
Image-to-Image Translation", CVPR 2018, arXiv 1711.09020, table 4. 8.4 million parameters at
width 1.
"""

import torch

from reggan_training.papers.networks.encoder_decoder import (
    Layers,
    ResidualBlock,
    TiledModel,
    colour_head,
)
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.tensor_shapes import Images, Intensities


class ResidualBlocks(Layers):
    """Six blocks, one after the other."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(*(ResidualBlock(settings) for _ in range(6)))


class StarGAN(TiledModel):
    """No way around the bottleneck: identity has to pass through it as well."""

    architecture = "stargan"
    middle_block = ResidualBlocks

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.head = colour_head(settings.channels(64))

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Return the network's own picture."""
        return torch.tanh(self.head(self.maps(image, expression)))
