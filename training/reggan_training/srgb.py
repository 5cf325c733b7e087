"""The sRGB transfer function on tensors, IEC 61966-2-1; both ways differentiable everywhere."""

import torch
from torch import Tensor


def linear_from_encoded(encoded: Tensor) -> Tensor:
    """Return linear light of encoded values."""
    upper = ((encoded.clamp(min=0.04) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, encoded / 12.92, upper)


def encoded_from_linear(linear: Tensor) -> Tensor:
    """Return encoded values of linear light."""
    upper = 1.055 * linear.clamp(min=0.003) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, upper)
