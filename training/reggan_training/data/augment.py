"""Changes of a whole pair at once: what a picture looks like, never what it shows."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_LUMA = torch.tensor([0.2126, 0.7152, 0.0722])  # Rec. 709


def augment_colours(
    pairs: Float[Tensor, "batch 2 3 side side"], random: np.random.Generator
) -> Float[Tensor, "batch 2 3 side side"]:
    """Random tone and colour curves, the same for both images of a pair; within [0, 1].

    One pair in three loses its colour or takes another material's: grey as stone, tinted as
    clay, with the steep curve of metal, or posterised as a toon. All are functions of one
    pixel, so a pair stays a pair.
    """
    return torch.stack([_recolour(pair, random) for pair in pairs])


def _recolour(
    pair: Float[Tensor, "2 3 side side"], random: np.random.Generator
) -> Float[Tensor, "2 3 side side"]:
    kind = random.random()
    gain = torch.from_numpy(random.normal(1.0, 0.12, (1, 3, 1, 1)).astype(np.float32))
    gamma = float(np.exp(random.normal(0, 0.25)))
    pair = (pair * gain).clamp(0, 1) ** gamma
    grey = (pair * _LUMA[:, None, None]).sum(dim=1, keepdim=True)
    saturation = float(random.uniform(0.4, 1.3))
    if kind < 0.2:
        tint = torch.from_numpy(random.uniform(0.55, 1.15, (1, 3, 1, 1)).astype(np.float32))
        pair = grey * (tint if random.random() < 0.6 else torch.ones_like(tint))
    elif kind < 0.27:
        steep = (0.5 - 0.5 * torch.cos(np.pi * grey * float(random.uniform(1, 2.2)))) ** 1.2
        tint = torch.from_numpy(random.uniform(0.3, 1.1, (1, 3, 1, 1)).astype(np.float32))
        pair = 0.35 * grey * tint + 0.65 * steep * tint
    elif kind < 0.34:
        levels = float(random.integers(4, 9))
        pair = 0.3 * pair + 0.7 * torch.round(pair * levels) / levels
    else:
        pair = grey + saturation * (pair - grey)
        if random.random() < 0.15:
            pair = pair[:, random.permutation(3)]
    contrast, offset = float(random.uniform(0.75, 1.2)), float(random.normal(0, 0.05))
    return ((pair - 0.5) * contrast + 0.5 + offset).clamp(0, 1)


def replace_surroundings(
    pairs: Float[Tensor, "batch 2 3 side side"], random: np.random.Generator
) -> Float[Tensor, "batch 2 3 side side"]:
    """Lay another background around an oval that holds the face, in one pair of three."""
    batch, side = len(pairs), pairs.shape[-1]
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius = torch.sqrt((x / 0.98) ** 2 + (y / 1.12) ** 2)
    inside = ((1.12 - radius) / 0.14).clamp(0, 1)
    for index in np.flatnonzero(random.random(batch) < 0.33):
        cells = int(random.integers(1, 12))
        coarse = torch.from_numpy(random.random((1, 3, cells, cells)).astype(np.float32))
        scenery = F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
        pairs[index] = scenery.clamp(0, 1) + inside * (pairs[index] - scenery.clamp(0, 1))
    return pairs
