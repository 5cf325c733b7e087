"""The two networks: where a face might be in a picture, and where its landmarks are in a crop."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from reggan_plugin.faces.landmarks import LANDMARK_NAMES

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


HEATMAP_STRIDE_PX = 4


class LandmarkNetwork(nn.Module):
    """A small hourglass; a landmark is the mean position under its normalised heat map."""

    def __init__(self) -> None:
        super().__init__()
        self.at_quarter = nn.Sequential(
            ConvBlock(1, 16, 5, 2), ConvBlock(16, 32, 3, 2), DetectorBlock(32)
        )
        self.at_eighth = nn.Sequential(ConvBlock(32, 64, 3, 2), DetectorBlock(64))
        self.at_sixteenth = nn.Sequential(ConvBlock(64, 80, 3, 2), DetectorBlock(80))
        self.to_eighth = ConvBlock(80, 64, 1, 1)
        self.mix_eighth = ConvBlock(64, 64, 3, 1)
        self.to_quarter = ConvBlock(64, 32, 1, 1)
        self.mix_quarter = ConvBlock(32, 32, 3, 1)
        self.heatmaps = nn.Conv2d(32, len(LANDMARK_NAMES), 1)
        self.score = nn.Sequential(nn.Linear(80 * 2, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(
        self, crop: Float[Tensor, "n 1 side side"]
    ) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "n 6 2"], Float[Tensor, "n 6 2"]]:
        """Return face logits, landmarks and their spread (variance), both in crop pixels.

        `crop` is in [0, 1]; its brightness and contrast are normalised here.
        """
        mean = crop.mean(dim=(2, 3), keepdim=True)
        centred = crop - mean
        deviation = (centred * centred).mean(dim=(2, 3), keepdim=True).add(1e-4).sqrt()
        quarter = self.at_quarter(centred / deviation)
        eighth = self.at_eighth(quarter)
        sixteenth = self.at_sixteenth(eighth)
        pooled = torch.cat([sixteenth.mean(dim=(2, 3)), sixteenth.amax(dim=(2, 3))], dim=1)
        eighth = self.mix_eighth(eighth + _double(self.to_eighth(sixteenth)))
        quarter = self.mix_quarter(quarter + _double(self.to_quarter(eighth)))
        points, spread = _mean_positions(self.heatmaps(quarter))
        return self.score(pooled), points, spread


def _double(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 2*h 2*w"]:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _mean_positions(
    logits: Float[Tensor, "n k h w"],
) -> tuple[Float[Tensor, "n k 2"], Float[Tensor, "n k 2"]]:
    """Return the mean (x, y) and variance under softmax(logits), in crop pixels.

    Source: Sun et al. (2018), Integral Human Pose Regression, eq. 3.
    """
    height, width = logits.shape[2], logits.shape[3]
    heat = torch.softmax(logits.flatten(2), dim=2).reshape(-1, logits.shape[1], height, width)
    columns = (torch.arange(width, device=logits.device) + 0.5) * HEATMAP_STRIDE_PX
    rows = (torch.arange(height, device=logits.device) + 0.5) * HEATMAP_STRIDE_PX
    across, down = heat.sum(dim=2), heat.sum(dim=3)  # [n, k, width], [n, k, height]
    mean = torch.stack([(across * columns).sum(-1), (down * rows).sum(-1)], dim=-1)
    square = torch.stack([(across * columns**2).sum(-1), (down * rows**2).sum(-1)], dim=-1)
    return mean, square - mean * mean
