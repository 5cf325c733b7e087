"""Noise textures for procedural paint, zero mean and unit deviation, made from a seed."""

from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_SIZE = 512


@lru_cache(maxsize=4)
def detail_texture(seed: int) -> Float[Tensor, "1 5 size size"]:
    """Three channels of soft mottling, one of spots, one white; tiles by reflection."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 40, 40, generator=random)
    middle = torch.randn(1, 1, 160, 160, generator=random)
    white = torch.randn(1, 1, _SIZE, _SIZE, generator=random)
    enlarged = [
        F.interpolate(t, (_SIZE, _SIZE), mode="bicubic", align_corners=False)
        for t in (coarse, middle)
    ]
    return _normalised(torch.cat([*enlarged, white], dim=1))


@lru_cache(maxsize=4)
def strand_texture(seed: int) -> Float[Tensor, "1 1 size size"]:
    """Thin lines along the second axis, as hair."""
    random = torch.Generator().manual_seed(seed + 1)
    lines = torch.randn(1, 1, _SIZE // 12, _SIZE // 2, generator=random)
    return _normalised(F.interpolate(lines, (_SIZE, _SIZE), mode="bicubic", align_corners=False))


def _normalised(texture: Tensor) -> Tensor:
    mean = texture.mean(dim=(2, 3), keepdim=True)
    return (texture - mean) / texture.std(dim=(2, 3), keepdim=True)
