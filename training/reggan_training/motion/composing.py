"""The picture that an answer makes, differentiable: the runtime's rule at the crop's resolution."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.motion.network import NetworkAnswer
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


def warp(
    picture: Float[Tensor, "batch channels side side"], motion: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch channels side side"]:
    """Sample a picture where the motion points; motion in parts of the side."""
    side = picture.shape[-1]
    centres = (torch.arange(side, device=picture.device) + 0.5) / side
    here = torch.stack(torch.meshgrid(centres, centres, indexing="xy"))
    grid = ((here + motion) * 2 - 1).permute(0, 2, 3, 1)
    return F.grid_sample(picture, grid, padding_mode="border", align_corners=False)


def enlarged(values: Float[Tensor, "batch channels low low"], side: int) -> Tensor:
    """Values at the crop's resolution."""
    return F.interpolate(values, size=(side, side), mode="bilinear", align_corners=False)
