"""The regression layer under ARKit control: one set of local filters for each face shape.

    y = x + sum_e a_e (W_e - I) x

W_e is the ridge solution over pairs of heads that differ in shape e alone; `neutral` is a shape
like the others, from pairs that lead back to the face at rest. It works at a quarter or half of the
crop's side: the *intermediate representation* is a coarse hint of what goes where.
Source: RegGAN, arXiv 2603.15648; Khan et al., IJCV 2020, arXiv 2011.09104, eq. 6.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.controls import CONTROLS
from reggan_training.regression import RegressionSettings, RidgeSums, local_receptive_fields

SHAPE_REGRESSION = RegressionSettings(side_px=64, field_px=3, dilation=2, penalty=1.0)


class ShapeRegression(nn.Module):
    """Applies the filters of all shapes at once.

    Attributes:
        delta: W_e - I; float16 [controls, columns, side, side], of which the last column is the
            bias.
    """

    delta: Tensor

    def __init__(self, settings: RegressionSettings = SHAPE_REGRESSION) -> None:
        super().__init__()
        self.settings = settings
        shape = (len(CONTROLS), settings.columns, settings.side_px, settings.side_px)
        self.register_buffer("delta", torch.zeros(shape, dtype=torch.float16))

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Float[Tensor, "batch 3 low low"]:
        """Change that the layer makes, at its own resolution."""
        settings = self.settings
        low = F.avg_pool2d(image, image.shape[-1] // settings.side_px)
        filters = (controls @ self.delta.float().flatten(1)).unflatten(
            1, (settings.columns, settings.side_px, settings.side_px)
        )
        taps = local_receptive_fields(low, settings.field_px, settings.dilation)
        change = (taps * filters[:, None, : settings.taps]).sum(2)
        return change + filters[:, None, settings.taps]


def fit_shape_regression(
    examples: Iterable[tuple[int, Tensor, Tensor]],
    settings: RegressionSettings = SHAPE_REGRESSION,
) -> ShapeRegression:
    """Solve all shapes' filters in closed form.

    Args:
        examples: of one shape at full strength each: its place in `CONTROLS`, source and target
            [batch, 3, side, side] at the layer's resolution.
        settings: of the layer. A shape without examples changes nothing.
    """
    sums: dict[int, RidgeSums] = {}
    for control, source, target in examples:
        sums.setdefault(control, RidgeSums(settings)).add(source, target)
    layer = ShapeRegression(settings)
    for control, total in sums.items():
        weights = total.solve()[0]
        weights[settings.taps // 2] -= 1.0
        layer.delta[control] = weights.half()
    return layer
