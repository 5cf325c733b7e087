"""US-GAN's generator: encoder, one residual block, decoder, and the input added at the end.

Source: Akram & Khan, "US-GAN: On the importance of Ultimate Skip Connection for Facial
Expression Synthesis", arXiv 2112.13002, figure 2.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class UltimateSkipGenerator(nn.Module):
    """StarGAN's shape with one middle block; 2.5 million parameters at 64 channels."""

    def __init__(self, expressions: int, channels: int = 64) -> None:
        super().__init__()
        d = channels
        self.encoder = nn.Sequential(
            *_normalised(nn.Conv2d(3 + expressions, d, 7, padding=3, bias=False)),
            *_normalised(nn.Conv2d(d, 2 * d, 4, stride=2, padding=1, bias=False)),
            *_normalised(nn.Conv2d(2 * d, 4 * d, 4, stride=2, padding=1, bias=False)),
        )
        self.middle = nn.Sequential(
            *_normalised(nn.Conv2d(4 * d, 4 * d, 3, padding=1, bias=False)),
            nn.Conv2d(4 * d, 4 * d, 3, padding=1, bias=False),
            nn.InstanceNorm2d(4 * d, affine=True),
        )
        self.decoder = nn.Sequential(
            *_normalised(nn.ConvTranspose2d(4 * d, 2 * d, 4, stride=2, padding=1, bias=False)),
            *_normalised(nn.ConvTranspose2d(2 * d, d, 4, stride=2, padding=1, bias=False)),
            nn.Conv2d(d, 3, 7, padding=3, bias=False),
        )

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The image with the expression; both in [-1, 1]."""
        side = image.shape[-1]
        maps = expression[:, :, None, None].expand(-1, -1, side, side)
        hidden = self.encoder(torch.cat([image, maps], dim=1))
        hidden = F.relu(hidden + self.middle(hidden))
        result: Tensor = torch.tanh(self.decoder(hidden)) + image
        return result


def _normalised(convolution: nn.Module) -> tuple[nn.Module, nn.Module, nn.Module]:
    channels = convolution.out_channels
    assert isinstance(channels, int)
    return convolution, nn.InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)
