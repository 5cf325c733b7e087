"""StarGAN's generator: six residual blocks, and a picture painted from nothing.

Source: Choi et al., "StarGAN: Unified Generative Adversarial Networks for Multi-Domain
Image-to-Image Translation", CVPR 2018, arXiv 1711.09020, table 4. 8.4 million parameters at
width 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_training.networks.encoder_decoder import (
    Decoder,
    Encoder,
    Layers,
    ResidualBlock,
    TiledModel,
    colour_head,
    tile_expression,
)
from reggan_training.networks.expression_model import ModelSettings

RESIDUAL_BLOCKS = 6


class StarGAN(TiledModel):
    """No way around the bottleneck: identity has to pass through it as well."""

    architecture = "stargan"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        channels = settings.channels(64)
        self.encoder = Encoder(settings)
        self.middle = Layers(*(ResidualBlock(settings) for _ in range(RESIDUAL_BLOCKS)))
        self.decoder = Decoder(settings)
        self.head = colour_head(channels)

    def generate(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The network's own picture."""
        seen = self.encoder(tile_expression(image, expression), expression)
        maps = self.decoder(self.middle(seen, expression), expression)
        return torch.tanh(self.head(maps))
