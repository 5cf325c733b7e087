"""Changes of a whole pair at once: what a picture looks like, never what it shows."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_LUMA = torch.tensor([0.2126, 0.7152, 0.0722])  # Rec. 709
_TINTED, _METAL, _POSTERISED = 0.3, 0.37, 0.44
"""Up to which draw from [0, 1) a pair takes this look; beyond the last it keeps its own."""

Pictures = Float[Tensor, "batch views 3 side side"]


def augment_colours(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """Random tone and colour curves, the same for all views of a pair; within [0, 1].

    One pair in three loses its colour or takes another material's: grey as stone, tinted as
    clay, with the steep curve of metal, or posterised as a toon. All are functions of one
    pixel, so a pair stays a pair.
    """
    count = len(pairs)
    look = random.random(count)
    gain = _column(random.normal(1.0, 0.12, (count, 3)))
    gamma = _column(np.exp(random.normal(0, 0.25, (count, 1))))
    contrast = _column(random.uniform(0.75, 1.2, (count, 1)))
    offset = _column(random.normal(0, 0.05, (count, 1)))
    pairs = (pairs * gain).clamp_(0, 1).pow_(gamma)
    bounds = [0.0, _TINTED, _METAL, _POSTERISED, 1.0]
    for change, low, high in zip(
        (_tint, _metal, _posterise, _saturate), bounds[:-1], bounds[1:], strict=True
    ):
        chosen = np.flatnonzero((look >= low) & (look < high))
        if len(chosen):
            pairs[chosen] = change(pairs[chosen], random)
    return pairs.sub_(0.5).mul_(contrast).add_(offset + 0.5).clamp_(0, 1)


def replace_surroundings(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """Lay another background around an oval that holds the face, in one pair of three."""
    side = pairs.shape[-1]
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius = torch.sqrt((x / 0.98) ** 2 + (y / 1.12) ** 2)
    inside = ((1.12 - radius) / 0.14).clamp(0, 1)
    for index in np.flatnonzero(random.random(len(pairs)) < 0.33):
        cells = int(random.integers(1, 12))
        coarse = torch.from_numpy(random.random((1, 3, cells, cells)).astype(np.float32))
        scenery = F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
        pairs[index] = torch.lerp(scenery.clamp_(0, 1), pairs[index], inside)
    return pairs


def _tint(pairs: Pictures, random: np.random.Generator) -> Pictures:
    tint = random.uniform(0.55, 1.15, (len(pairs), 3))
    tint[random.random(len(pairs)) >= 0.6] = 1.0
    return _grey(pairs) * _column(tint)


def _metal(pairs: Pictures, random: np.random.Generator) -> Pictures:
    grey, waves = _grey(pairs), _column(random.uniform(1, 2.2, (len(pairs), 1)))
    steep = (0.5 - 0.5 * torch.cos(np.pi * grey * waves)) ** 1.2
    return (0.35 * grey + 0.65 * steep) * _column(random.uniform(0.3, 1.1, (len(pairs), 3)))


def _posterise(pairs: Pictures, random: np.random.Generator) -> Pictures:
    levels = _column(random.integers(4, 9, (len(pairs), 1)).astype(np.float32))
    return 0.3 * pairs + 0.7 * torch.round(pairs * levels) / levels


def _saturate(pairs: Pictures, random: np.random.Generator) -> Pictures:
    """More or less colour."""
    return torch.lerp(_grey(pairs), pairs, _column(random.uniform(0.3, 1.3, (len(pairs), 1))))


def _grey(pairs: Pictures) -> Float[Tensor, "batch views 1 side side"]:
    return (pairs * _LUMA[:, None, None]).sum(dim=2, keepdim=True)


def _column(values: Float[np.ndarray, "batch channels"]) -> Float[Tensor, "batch 1 channels 1 1"]:
    """One number, or one of each channel, for every pair."""
    return torch.from_numpy(values.astype(np.float32))[:, None, :, None, None]
