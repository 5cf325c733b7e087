"""Masked regression alone: the regression layer's change, added to the input.

Source: Khan et al., "Masked Linear Regression for Learning Local Receptive Fields for Facial
Expression Synthesis", IJCV 2020, arXiv 2011.09104. Solved in closed form; nothing is left to
descend on.
"""

from collections.abc import Mapping

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.papers.networks.expression_model import (
    ExpressionModel,
    ModelSettings,
    split_exaggeration,
)
from reggan_training.papers.networks.regression_layer import RegressionLayer


class MaskedRegression(ExpressionModel):
    """The regression layer as a model of its own, and what RegGAN's refinements stand on."""

    architecture = "regression"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.regression = RegressionLayer(settings.regression, settings.expressions)

    def make_face(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The input and its change; a layer at the crop's own side gives its output as it is."""
        asked, exaggeration = split_exaggeration(expression)
        _, change = self.regress(image, asked)
        return (image + exaggeration * self.enlarge(change)).clamp(0.0, 1.0)

    def regress(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> tuple[Float[Tensor, "batch 3 side side"], Float[Tensor, "batch 3 low low"]]:
        """The intermediate representation at full size, and its change at the layer's size."""
        regressed, change = self.regress_low(image, expression)
        return self.enlarge(regressed), change

    def regress_low(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> tuple[Float[Tensor, "batch 3 low low"], Float[Tensor, "batch 3 low low"]]:
        """The intermediate representation and its change, both at the layer's size."""
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
