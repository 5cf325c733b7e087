"""The solved filters of every expression as one module that networks can stand on."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.papers.regression import RegressionSettings


class RegressionLayer(nn.Module):
    """Applies the solved filters of every expression, blended by intensity.

    The buffer holds the *change* of each expression, W - I, so that intensities simply add:
    W(a) = I + sum_e a_e (W_e - I). The taps are gathered by a one-hot convolution, the form
    that ONNX Runtime and TensorRT run fastest.
    """

    changes: Tensor  # [expressions, filter_channels * columns, side, side]
    one_hot: Tensor  # [3 * taps, 1, field, field]

    def __init__(self, settings: RegressionSettings, expressions: int) -> None:
        super().__init__()
        self.settings = settings
        taps, side, field = settings.taps, settings.side_px, settings.field_px
        rows = settings.filter_channels * settings.columns
        self.register_buffer("changes", torch.zeros(expressions, rows, side, side))
        one_hot = torch.eye(taps).reshape(taps, 1, field, field).repeat(3, 1, 1, 1)
        self.register_buffer("one_hot", one_hot, persistent=False)

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The intermediate representation at the layer's resolution."""
        settings = self.settings
        side, taps = settings.side_px, settings.taps
        blended = (expression @ self.changes.flatten(1)).reshape(
            -1, settings.filter_channels, settings.columns, side, side
        )
        gathered = F.conv2d(
            image,
            self.one_hot,
            padding=settings.dilation * (settings.field_px // 2),
            dilation=settings.dilation,
            groups=3,
        ).reshape(-1, 3, taps, side, side)
        change = (gathered * blended[:, :, :taps]).sum(dim=2)
        if settings.with_bias:
            change = change + blended[:, :, taps]
        return image + change

    def take_filters(
        self, filters: Sequence[Float[Tensor, "filter_channels columns side side"]]
    ) -> None:
        """Hold the solutions of `RidgeSums.solve`, one for each expression, in order."""
        copying = torch.zeros(self.settings.columns, 1, 1)
        copying[self.settings.taps // 2] = 1.0
        with torch.no_grad():
            for change, solved in zip(self.changes, filters, strict=True):
                change.copy_((solved - copying).flatten(0, 1))

    def filters(self) -> list[Tensor]:
        """Filters by expression, as taken: [filter_channels columns side side]."""
        settings = self.settings
        copying = torch.zeros(settings.columns, 1, 1, device=self.changes.device)
        copying[settings.taps // 2] = 1.0
        side = settings.side_px
        shape = (settings.filter_channels, settings.columns, side, side)
        return [change.reshape(shape) + copying for change in self.changes]
