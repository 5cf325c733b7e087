"""Masked regression alone: the regression layer's change, added to the input.

Source: Khan et al., "Masked Linear Regression for Learning Local Receptive Fields for Facial
Expression Synthesis", IJCV 2020, arXiv 2011.09104. Solved in closed form; nothing is left to
descend on.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.papers.networks.expression_model import (
    ExpressionModel,
    ModelSettings,
    split_exaggeration,
)
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.tensor_shapes import Images, Intensities


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

    def forward(self, image: Images, expression: Intensities) -> Images:
        """Return the intermediate representation at the layer's resolution."""
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
        """Return filters by expression, as taken: [filter_channels columns side side]."""
        settings = self.settings
        copying = torch.zeros(settings.columns, 1, 1, device=self.changes.device)
        copying[settings.taps // 2] = 1.0
        side = settings.side_px
        shape = (settings.filter_channels, settings.columns, side, side)
        return [change.reshape(shape) + copying for change in self.changes]


class MaskedRegression(ExpressionModel):
    """The regression layer as a model of its own, and what RegGAN's refinements stand on."""

    architecture = "regression"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.regression = RegressionLayer(settings.regression, settings.expressions)

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Return the input and its change; a layer at the crop's side gives its output as it is."""
        asked, exaggeration = split_exaggeration(expression)
        _, change = self.regress(image, asked)
        return (image + exaggeration * self.enlarge(change)).clamp(0.0, 1.0)

    def regress(
        self, image: Images, expression: Intensities
    ) -> tuple[Images, Float[Tensor, "batch 3 low low"]]:
        """Return the intermediate representation at full size, its change at the layer's size."""
        regressed, change = self.regress_low(image, expression)
        return self.enlarge(regressed), change

    def regress_low(
        self, image: Images, expression: Intensities
    ) -> tuple[Float[Tensor, "batch 3 low low"], Float[Tensor, "batch 3 low low"]]:
        """Return the intermediate representation and its change, both at the layer's size."""
        low = F.avg_pool2d(image, self.side_px // self.regression.settings.side_px)
        regressed = self.regression(low, expression)
        return regressed, regressed - low

    def take_filters(
        self,
        solved: Mapping[int, Float[Tensor, "filter_channels columns side side"]],
        *,
        keep_unseen: bool,
    ) -> None:
        """Let the layer be the one that was solved.

        An expression without filters copies the input, or keeps what it had.
        """
        layer = self.regression
        if not keep_unseen:
            layer.changes.zero_()
        filters = layer.filters()
        for expression, own in solved.items():
            filters[expression] = own
        layer.take_filters(filters)
