"""The landmark networks: a small one for each kind of part (`graph.py` joins them).

Each answers with places as the mean of a heat map (soft-argmax), which is more exact than
regression on crops, and with the logarithm of their standard deviation.

Source: Wood et al., 3D face reconstruction with dense landmarks, ECCV 2022 (landmarks with an
uncertainty each, learnt from renders alone); Nibali et al., arXiv 1801.07372 (soft-argmax).
"""

from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.rig.layout import COUNT, eye_rows, rows_of
from reggan_training.landmarks.squares import INPUT_PX
from reggan_training.tensor_shapes import Images

POINTS_OF: Final = {
    "face": tuple(range(COUNT)),
    "eye": (*eye_rows("right"), *rows_of("iris", "right"), *rows_of("pupil", "right")),
    "brow": tuple(rows_of("brow", "right")),
    "mouth": tuple(
        row
        for name in ("lip_outer_upper", "lip_outer_lower", "lip_inner_upper", "lip_inner_lower")
        for row in rows_of(name)
    ),
}
"""Rows of the landmarks that each kind answers with; of pairs those of the head's own right."""
_WIDTHS: Final = {
    "face": (24, 40, 72, 112),
    "eye": (24, 32, 64, 96),
    "brow": (16, 24, 48, 72),
    "mouth": (16, 32, 64, 96),
}
_FIRST_SIGMA: Final = -3.0
"""Logarithm of the first deviations: 5 % of the square's side."""
LABELS: Final = 3
"""Behind the head, the head, what it wears before the face."""


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm and rectifier."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)
    )


class Residual(nn.Module):
    """Two convolutions that add to what they are given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = block(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return F.relu(x + self.second(self.first(x)))


class PartNetwork(nn.Module):
    """Landmarks of one kind of part.

    Args:
        kind: one of `POINTS_OF`.
    """

    centres: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.side, count = kind, INPUT_PX[kind], len(POINTS_OF[kind])
        c0, c1, c2, c3 = _WIDTHS[kind]
        self.stem = block(3, c0, 2)
        self.down1 = nn.Sequential(block(c0, c1, 2), Residual(c1))
        self.down2 = nn.Sequential(block(c1, c2, 2), Residual(c2), Residual(c2))
        self.down3 = nn.Sequential(block(c2, c3, 2), Residual(c3))
        self.lateral = nn.ModuleList([nn.Conv2d(c, c1, 1) for c in (c3, c2, c1, c0)])
        self.smooth = nn.ModuleList([block(c1, c1) for _ in range(3)])
        self.heat = nn.Conv2d(c1, count, 1)
        cells = self.side // 16
        wide, last = nn.Linear(c3 * cells * cells, 128), nn.Linear(128, count)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, _FIRST_SIGMA)
        self.sigma = nn.Sequential(nn.Flatten(), wide, nn.ReLU(True), last)
        self.label = nn.Conv2d(c1, LABELS, 1) if kind == "face" else None
        centres = (torch.arange(self.side // 2) + 0.5) / (self.side // 2) - 0.5
        self.register_buffer("centres", centres, persistent=False)

    def forward(
        self, picture: Images
    ) -> tuple[Float[Tensor, "batch points 2"], Float[Tensor, "batch points"], Tensor | None]:
        """Landmarks of pictures, sRGB-encoded in [0, 1].

        Returns:
            Places in parts of the square's side from its middle (x right, y down), the natural
            logarithms of their standard deviations in the same unit, and of the face the logits of
            `LABELS` at half of the resolution.
        """
        x0 = self.stem((picture - 0.5) * 4)
        x1 = self.down1(x0)
        x2 = self.down2(x1)
        x3 = self.down3(x2)
        y = self.lateral[0](x3)
        for lateral, smooth, skip in zip(self.lateral[1:], self.smooth, (x2, x1, x0), strict=True):
            y = smooth(lateral(skip) + F.interpolate(y, scale_factor=2.0, mode="nearest"))
        with torch.autocast(picture.device.type, enabled=False):
            heat = self.heat(y.float())
            share = heat.flatten(2).softmax(2).view(heat.shape)
            places = torch.stack(
                [(share.sum(2) * self.centres).sum(2), (share.sum(3) * self.centres).sum(2)], -1
            )
            sigma = self.sigma(x3.float())
        label = None if self.label is None else self.label(y)
        return places, sigma, label
