"""The regression layer under ARKit control: one set of local filters for each face shape.

    y = x + sum_e a_e (W_e - I) x

W_e is the ridge solution over pairs of heads that differ in shape e alone; `neutral` is a shape
like the others, from pairs that lead back to the face at rest. Beside the colours it regresses the
motion itself on the controls, m = sum_e a_e M_e: with nothing but a bias, the ridge solution is a
shrunken mean over heads. It works at a quarter or half of the crop's side: the *intermediate
representation* is a coarse hint of what goes where.
Source: RegGAN, arXiv 2603.15648; Khan et al., IJCV 2020, arXiv 2011.09104, eq. 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.controls import CONTROLS
from reggan_training.regression import RegressionSettings, RidgeSums, local_receptive_fields

_MOTION_PENALTY = 2.0
"""Ridge penalty of the mean motion, in examples."""
SHAPE_REGRESSION = RegressionSettings(side_px=64, field_px=3, dilation=2, penalty=1.0)


class ShapeRegression(nn.Module):
    """Applies the filters of all shapes at once.

    Attributes:
        delta: W_e - I; float16 [controls, columns, side, side], of which the last column is the
            bias.
        mean_motion: M_e, backward, in parts of the crop's side; float16 [controls, 2, side, side].
    """

    delta: Tensor
    mean_motion: Tensor

    def __init__(self, settings: RegressionSettings = SHAPE_REGRESSION) -> None:
        super().__init__()
        self.settings = settings
        shape = (len(CONTROLS), settings.columns, settings.side_px, settings.side_px)
        self.register_buffer("delta", torch.zeros(shape, dtype=torch.float16))
        motion = torch.zeros(len(CONTROLS), 2, *shape[2:], dtype=torch.float16)
        self.register_buffer("mean_motion", motion)

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

    def motion(self, controls: Float[Tensor, "batch controls"]) -> Float[Tensor, "batch 2 low low"]:
        """Motion of an average face, backward, in parts of the crop's side."""
        side = self.settings.side_px
        return (controls @ self.mean_motion.float().flatten(1)).unflatten(1, (2, side, side))


@dataclass(frozen=True, kw_only=True, eq=False)
class ShapeExample:
    """A pair that differs in one shape alone, brought to its full strength.

    Attributes:
        control: place of the shape in `CONTROLS`.
        source, target: at the layer's resolution.
        motion: backward, in parts of the crop's side.
        trust: 1 where the motion is known, else 0.
    """

    control: int
    source: Float[Tensor, "3 side side"]
    target: Float[Tensor, "3 side side"]
    motion: Float[Tensor, "2 side side"]
    trust: Float[Tensor, "1 side side"]


def fit_shape_regression(
    examples: Iterable[ShapeExample], settings: RegressionSettings = SHAPE_REGRESSION
) -> ShapeRegression:
    """Solve all shapes' filters and mean motion in closed form.

    Args:
        examples: of any shapes in any order. A shape without examples changes nothing.
        settings: of the layer.
    """
    sums: dict[int, RidgeSums] = {}
    side = settings.side_px
    moved = torch.zeros(len(CONTROLS), 2, side, side)
    seen = torch.zeros(len(CONTROLS), 1, side, side)
    for example in examples:
        total = sums.setdefault(example.control, RidgeSums(settings))
        total.add(example.source[None], example.target[None])
        moved[example.control] += example.motion * example.trust
        seen[example.control] += example.trust
    layer = ShapeRegression(settings)
    layer.mean_motion.copy_(moved / (seen + _MOTION_PENALTY))
    for control, total in sums.items():
        weights = total.solve()[0]
        weights[settings.taps // 2] -= 1.0
        layer.delta[control] = weights.half()
    return layer
