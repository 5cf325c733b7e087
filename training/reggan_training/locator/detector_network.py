"""The first network: where in a picture might a face be, and roughly how does it lie."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

STRIDE_PX = 8
OFFSET_UNIT_PX = 32.0
"""Landmark offsets are predicted in this unit, from the centre of a cell."""


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class DetectorBlock(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, 3, 1)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, dilation, dilation, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return relu(x + f(x))."""
        return torch.relu(x + self.second(self.first(x)))


class FaceDetector(nn.Module):
    """Fully convolutional, stride 8; sees faces of about 20 to 76 px in grey pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvBlock(1, 16, 5, 2),
            ConvBlock(16, 32, 3, 2),
            ConvBlock(32, 32, 3, 1),
            ConvBlock(32, 64, 3, 2),
            DetectorBlock(64),
            DetectorBlock(64, dilation=2),
            ConvBlock(64, 64, 1, 1),
        )
        self.score = nn.Conv2d(64, 1, 1)
        self.offsets = nn.Conv2d(64, 12, 1)
        nn.init.constant_(self.score.bias, -4.0)  # type: ignore[arg-type]

    def forward(
        self, gray: Float[Tensor, "n 1 h w"]
    ) -> tuple[Float[Tensor, "n 1 h/8 w/8"], Float[Tensor, "n 12 h/8 w/8"]]:
        """Return face logits and landmark offsets (x, y of six points, OFFSET_UNIT_PX).

        `gray` is in [0, 1]; its sides are multiples of 8.
        """
        features = self.body((gray - 0.5) * 4.0)
        return self.score(features), self.offsets(features)
