"""The picture that an answer makes, differentiable: the runtime's rule at the crop's resolution."""

import torch
from jaxtyping import Float
from torch import Tensor

from reggan_training.motion.network import NetworkAnswer
from reggan_training.motion.sampling import enlarged, warp
from reggan_training.srgb import encoded_from_linear, linear_from_encoded


def compose(
    source: Float[Tensor, "batch 3 side side"], answer: NetworkAnswer
) -> tuple[Float[Tensor, "batch 3 side side"], Float[Tensor, "batch 3 side side"]]:
    """Return the composed picture and the moved and lit source without paint, sRGB-encoded."""
    side = source.shape[-1]
    motion = enlarged(answer.motion, side)
    gain = enlarged(answer.gain, side)
    moved = encoded_from_linear(linear_from_encoded(warp(source, motion)) * gain.exp())
    cover = torch.sigmoid(answer.cover)
    return moved + cover * (answer.paint - moved), moved
