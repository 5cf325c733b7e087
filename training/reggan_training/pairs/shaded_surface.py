"""What the pixels of a picture of a head show, and noise that is fixed to its surface."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from reggan_training.heads.head import REGIONS

_REGIONS = slice(3, 3 + len(REGIONS))
PAINT_REACH = 2.4
"""Canonical coordinates up to this are covered once by noise textures, in eye distances."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShadedSurface:
    """What the hit pixels of one picture show; rows are pixels.

    Attributes:
        pixels: their places in the flattened picture.
        part: `Part` of each.
        texture: index of its texture, -1 for none.
        fixed: canonical coordinates, regions, eye angle, uv: the same in each state.
        normal: unit length, as the camera has it.
        hollow: 0 (flat or convex) to 1 (deep fold).
    """

    pixels: Int[Tensor, " rows"]
    part: Int[Tensor, " rows"]
    texture: Int[Tensor, " rows"]
    fixed: Float[Tensor, "rows 17"]
    normal: Float[Tensor, "rows 3"]
    hollow: Float[Tensor, "rows 1"]

    def region(self, name: str) -> Float[Tensor, "rows 1"]:
        """Weight of a region."""
        column = _REGIONS.start + REGIONS.index(name)
        return self.fixed[:, column : column + 1]


def noise_at(
    surface: ShadedSurface,
    texture: Float[Tensor, "1 channels size size"],
    reach: float,
    *,
    turned: bool = False,
) -> Float[Tensor, "rows channels"]:
    """Noise by canonical coordinates seen from the front, repeated in mirror image beyond reach.

    `turned` lets it run outwards and up from the middle, as brow hair does.
    """
    place = surface.fixed[:, :2]
    if turned:
        side = place[:, :1].abs()
        place = torch.cat([side * 0.5 - place[:, 1:] * 0.85, side * 0.85 + place[:, 1:] * 0.5], 1)
    grid = (place / reach)[None, :, None]
    found = F.grid_sample(texture, grid, align_corners=False, padding_mode="reflection")
    return found[0, :, :, 0].T


def tensor_like(values: object, like: Tensor) -> Tensor:
    """Numbers of the type and on the device of a tensor."""
    return torch.as_tensor(np.asarray(values), dtype=like.dtype, device=like.device)
