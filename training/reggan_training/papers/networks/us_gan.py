"""US-GAN: encoder, one residual block, decoder, and the input added at the end.

Source: Akram & Khan, "US-GAN: On the importance of Ultimate Skip Connection for Facial
Expression Synthesis", arXiv 2112.13002, figure 2. 2.53 million parameters at width 1.
"""

import torch
from torch import Tensor, nn

from reggan_training.papers.networks.encoder_decoder import (
    ResidualBlock,
    TiledModel,
    difference_head,
)
from reggan_training.papers.networks.expression_model import ModelSettings
from reggan_training.tensor_shapes import Images, Intensities


class USGAN(TiledModel):
    """StarGAN's shape with one residual block, which only has to make the difference."""

    architecture = "us-gan"
    middle_block: type[nn.Module] = ResidualBlock

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.head = difference_head(settings.channels(64))

    def generate(self, image: Images, expression: Intensities) -> Images:
        """Network + input, the ultimate skip connection."""
        result: Tensor = torch.tanh(self.head(self.maps(image, expression))) + image
        return result
