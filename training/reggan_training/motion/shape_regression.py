"""The regression layer under ARKit control: one set of local filters for each face shape.

    y = x + sum_e a_e (W_e - I) x

W_e is the ridge solution over pairs of heads that differ in shape e alone; `neutral` is a shape
like the others, from pairs that lead back to the face at rest. Beside the colours it regresses
motion and cover on the controls (`mean_answer`), and how each place of a face moves
(`surface_regression`). It works at a quarter of the crop's side: the *intermediate representation*
is a coarse and robust hint of what goes where. Teeth, which do not deform, are placed (`Teeth`).
Source: RegGAN, arXiv 2603.15648; Khan et al., IJCV 2020, arXiv 2011.09104, eq. 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, CONTROLS
from reggan_training.contract_1.regression import (
    RegressionSettings,
    RidgeSums,
    local_receptive_fields,
)
from reggan_training.motion.byte_table import ByteTable
from reggan_training.motion.face_light import FaceLight
from reggan_training.motion.surface_regression import SURFACE_CELLS
from reggan_training.motion.teeth import Teeth

SHAPE_REGRESSION = RegressionSettings(side_px=32, field_px=3, dilation=1, penalty=1.0)


class ShapeRegression(nn.Module):
    """Applies the filters of all shapes at once.

    Attributes:
        delta: W_e - I; float16 [controls, columns, side, side], of which the last column is the
            bias.
        mean_motion: M_e, backward, in parts of the crop's side; float16 [shapes, 2, side, side].
        mean_cover: C_e; float16 [shapes, 1, side, side].
        surface: D_e of `surface_regression`, how places move.
        light: how light on them changes.
        teeth: what of them is seen in the mouth window.
    """

    delta: Tensor
    mean_motion: Tensor
    mean_cover: Tensor

    def __init__(self, settings: RegressionSettings = SHAPE_REGRESSION) -> None:
        super().__init__()
        self.settings = settings
        shape = (len(CONTROLS), settings.columns, settings.side_px, settings.side_px)
        self.register_buffer("delta", torch.zeros(shape, dtype=torch.float16))
        for name, channels in (("mean_motion", 2), ("mean_cover", 1)):
            empty = torch.zeros(len(ARKIT_SHAPES), channels, *shape[2:], dtype=torch.float16)
            self.register_buffer(name, empty)
        self.surface = ByteTable(3, SURFACE_CELLS)
        self.light = FaceLight()
        self.teeth = Teeth()

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
    ) -> Float[Tensor, "batch 3 low low"]:
        """Change that the layer makes, at its own resolution."""
        settings = self.settings
        low = F.avg_pool2d(image, image.shape[-1] // settings.side_px)
        shape = (-1, settings.columns, settings.side_px, settings.side_px)
        filters = (controls @ self.delta.float().flatten(1)).reshape(shape)
        taps = local_receptive_fields(low, settings.field_px, settings.dilation)
        change = (taps * filters[:, None, : settings.taps]).sum(2)
        return change + filters[:, None, settings.taps]

    def motion(self, shapes: Float[Tensor, "batch shapes"]) -> Float[Tensor, "batch 2 low low"]:
        """Motion of an average face, backward, in parts of the crop's side."""
        side = self.settings.side_px
        return (shapes @ self.mean_motion.float().flatten(1)).reshape(-1, 2, side, side)

    def cover(self, shapes: Float[Tensor, "batch shapes"]) -> Float[Tensor, "batch 1 low low"]:
        """Cover of an average face; a linear answer, roughly 0 to 1."""
        side = self.settings.side_px
        return (shapes @ self.mean_cover.float().flatten(1)).reshape(-1, 1, side, side)


@dataclass(frozen=True, kw_only=True, eq=False)
class ShapeExample:
    """A pair that differs in one shape alone, brought to its full strength.

    Attributes:
        control: place of the shape in `CONTROLS`.
        source, target: at the layer's resolution.
    """

    control: int
    source: Float[Tensor, "3 side side"]
    target: Float[Tensor, "3 side side"]


def fit_shape_regression(
    examples: Iterable[ShapeExample], settings: RegressionSettings = SHAPE_REGRESSION
) -> ShapeRegression:
    """Solve all shapes' filters in closed form.

    Args:
        examples: of any shapes in any order. A shape without examples changes nothing.
        settings: of the layer.
    """
    sums: dict[int, RidgeSums] = {}
    for example in examples:
        total = sums.setdefault(example.control, RidgeSums(settings))
        total.add(example.source[None], example.target[None])
    layer = ShapeRegression(settings)
    for control, total in sums.items():
        weights = total.solve()[0]
        weights[settings.taps // 2] -= 1.0
        layer.delta[control] = weights.half()
    return layer
