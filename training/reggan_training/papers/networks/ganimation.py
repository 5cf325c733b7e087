"""GANimation-style attention: StarGAN's body, a colour picture, and where to use it.

Source: Pumarola et al., "GANimation: Anatomically-aware Facial Animation from a Single Image",
ECCV 2018, arXiv 1807.09251, eq. 1. Its condition, action units of any strength, is our vector of
intensities.
"""

import torch
from torch import nn

from reggan_training.papers.networks.encoder_decoder import TiledModel, colour_head
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.papers.networks.stargan import ResidualBlocks
from reggan_training.tensor_shapes import Images, Intensities


class GANimation(TiledModel):
    """Paints, and says at every pixel how much of the input stays."""

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
