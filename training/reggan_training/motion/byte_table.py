"""A table of what every face shape does at every place, a byte for each value."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES

_STEPS = 127


class ByteTable(nn.Module):
    """Buffers that are solved, not learnt: whole steps, and their size for each shape and channel.

    Args:
        channels: values at each place.
        cells: places along a side.
    """

    steps: Tensor
    size: Tensor

    def __init__(self, channels: int, cells: int) -> None:
        super().__init__()
        shape = (len(ARKIT_SHAPES), channels, cells, cells)
        self.register_buffer("steps", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("size", torch.zeros(*shape[:2], 1, 1))

    def forward(
        self, shapes: Float[Tensor, "batch shapes"]
    ) -> Float[Tensor, "batch channels cells cells"]:
        """The sum of what shapes of these weights do."""
        sized = shapes[:, :, None] * self.size[None, :, :, 0, 0]
        return torch.einsum("bec,ecyx->bcyx", sized, self.steps.to(shapes.dtype))

    def store(self, values: Float[Tensor, "shapes channels cells cells"]) -> None:
        """Keep a table; a value is off by at most half of a 127th of its shape's largest."""
        self.size.copy_(values.abs().amax((2, 3), keepdim=True) / _STEPS)
        self.steps.copy_((values / self.size.clamp(min=1e-12)).round())
