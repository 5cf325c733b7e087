"""RegGAN as the authors' figures show it: what is refined is the regression's output alone.

The paper's layers are not visible in what could be read of it. Its figures show a refined image
that follows the regression layer's output and depends on the input in no other way; this network
does the same. The body is that of the authors' US-GAN, whose last skip starts from the
intermediate representation here.

Source: Akram, Khan & Mahmood, "RegGAN", arXiv 2603.15648, section 3.
"""

import torch

from reggan_training.papers.networks.encoder_decoder import (
    Decoder,
    Encoder,
    ResidualBlock,
    difference_head,
    tile_expression,
)
from reggan_training.papers.networks.expression_model import ModelSettings, split_exaggeration
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.tensor_shapes import Images, Intensities


class RegGANPaper(MaskedRegression):
    """An encoder-decoder that paints on the intermediate representation."""

    architecture = "reggan-paper"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        channels = settings.channels(64)
        self.encoder = Encoder(settings)
        self.middle = ResidualBlock(settings)
        self.decoder = Decoder(settings)
        self.head = difference_head(channels)

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Refine the intermediate representation; beyond intensity 1 the difference grows."""
        asked, exaggeration = split_exaggeration(expression)
        intermediate = 2 * self.regress(image, asked)[0] - 1
        with self.precision(image):
            seen = self.encoder(tile_expression(intermediate, asked), asked)
            maps = self.decoder(self.middle(seen, asked), asked)
            painted = torch.tanh(self.head(maps))
        face = (intermediate + painted.float() + 1) / 2
        return (image + exaggeration * (face - image)).clamp(0.0, 1.0)
