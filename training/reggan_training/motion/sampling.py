"""Pictures moved and enlarged, differentiable, as every part of the network samples them."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def warp(
    picture: Float[Tensor, "batch channels side side"], motion: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch channels side side"]:
    """Sample a picture where the motion points; motion in parts of the side."""
    side = picture.shape[-1]
    centres = (torch.arange(side, device=picture.device) + 0.5) / side
    grid = torch.stack([motion[:, 0] + centres, motion[:, 1] + centres[:, None]], dim=3) * 2 - 1
    return F.grid_sample(picture, grid, padding_mode="border", align_corners=False)


def enlarged(values: Float[Tensor, "batch channels low low"], side: int) -> Tensor:
    """Values at the crop's resolution."""
    return F.interpolate(values, size=(side, side), mode="bilinear", align_corners=False)


def doubled(
    values: Float[Tensor, "batch channels low low"],
) -> Float[Tensor, "batch channels high high"]:
    """Values at twice the resolution."""
    return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
