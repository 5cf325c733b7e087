"""Noise textures for procedural paint, zero mean and unit deviation, made from a seed."""

from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_SIZE = 512
_KEPT = 4
"""Textures of each kind that a process keeps in memory: 5 MB of detail, 1 MB of strands each."""


def keep_textures(count: int) -> None:
    """Keep the last `count` textures of each kind in this process, instead of a few.

    For looks that are drawn from few seeds: a texture takes longer to make than a picture.
    """
    for make in (_make_detail, _make_strands):
        _kept[make] = lru_cache(maxsize=count)(make)


def detail_texture(seed: int) -> Float[Tensor, "1 5 size size"]:
    """Three channels of soft mottling, one of spots, one white; tiles by reflection."""
    return _kept[_make_detail](seed)


def strand_texture(seed: int) -> Float[Tensor, "1 1 size size"]:
    """Thin lines along the second axis, as hair."""
    return _kept[_make_strands](seed)


def _make_detail(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 40, 40, generator=random)
    middle = torch.randn(1, 1, 160, 160, generator=random)
    white = torch.randn(1, 1, _SIZE, _SIZE, generator=random)
    enlarged = [
        F.interpolate(t, (_SIZE, _SIZE), mode="bicubic", align_corners=False)
        for t in (coarse, middle)
    ]
    return _normalised(torch.cat([*enlarged, white], dim=1))


def _make_strands(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed + 1)
    lines = torch.randn(1, 1, _SIZE // 12, _SIZE // 2, generator=random)
    return _normalised(F.interpolate(lines, (_SIZE, _SIZE), mode="bicubic", align_corners=False))


def _normalised(texture: Tensor) -> Tensor:
    mean = texture.mean(dim=(2, 3), keepdim=True)
    return (texture - mean) / texture.std(dim=(2, 3), keepdim=True)


_kept: dict[Callable[[int], Tensor], Callable[[int], Tensor]] = {}
keep_textures(_KEPT)
