"""Changes of pairs and portraits whose truth is known: mirror, bend, colour, blur, noise."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.motion.sampling import enlarged
from reggan_training.pairs.portraits import Portraits
from reggan_training.pairs.sitting import Pairs
from reggan_training.pairs.truth import PixelKind

NO_KIND = -1
"""Of a pixel between two things, after bending."""


def augmented(pairs: Pairs, random: torch.Generator) -> Pairs:
    """Pairs with both pictures graded alike, and the source as a camera or a file might have it."""
    count = len(pairs)

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        return uniform((count, *shape), low, high, random)

    turned = pairs.mirrored(draw(0, 1)[:] < 0.5)
    gain, offset = draw(0.8, 1.2, 3, 1, 1), draw(-0.06, 0.06, 3, 1, 1)
    source = (turned.source * gain + offset).clamp(0, 1)
    target = (turned.target * gain + offset).clamp(0, 1)
    grey = (draw(0, 1, 1, 1, 1) < 0.06).float()
    source = source + grey * (source.mean(1, keepdim=True) - source)
    target = target + grey * (target.mean(1, keepdim=True) - target)
    soft = F.avg_pool2d(F.pad(source, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = (draw(0, 1, 1, 1, 1) - 0.6).clamp(min=0) * 2.5  # sharp more often than not
    noise = normal(tuple(source.shape), random) * draw(-0.02, 0.025, 1, 1, 1).clamp(min=0)
    source = (source + amount * (soft - source) + noise).clamp(0, 1)
    return replace(turned, source=source, target=target)


def augmented_picture(
    picture: Float[Tensor, "batch 3 side side"], random: torch.Generator
) -> Float[Tensor, "batch 3 side side"]:
    """Pictures alone: graded, lit unevenly, some grey or soft, with a little noise."""

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return uniform((len(picture), *shape), low, high, random)

    light = enlarged(1 + 0.15 * normal((len(picture), 1, 3, 3), random), picture.shape[-1])
    graded = picture * draw(0.75, 1.25, 3, 1, 1) * light + draw(-0.08, 0.08, 3, 1, 1)
    graded = graded + (draw(0, 1, 1, 1, 1) < 0.1) * (graded.mean(1, keepdim=True) - graded)
    soft = F.avg_pool2d(F.pad(graded, (1, 1, 1, 1), mode="replicate"), 3, 1)
    graded = graded + (draw(0, 1, 1, 1, 1) - 0.5).clamp(min=0) * 2 * (soft - graded)
    noise = normal(tuple(picture.shape), random) * draw(0.0, 0.02, 1, 1, 1)
    return (graded + noise).clamp(0, 1)


def bent(portraits: Portraits, random: torch.Generator) -> Portraits:
    """Portraits of faces of slightly other proportions, turned, shifted and sized a little.

    Where a pixel's neighbours show the face and something else, its kind is none (-1): no loss.
    """
    count, _, side, _ = portraits.picture.shape
    centres = (torch.arange(side, device=random.device) + 0.5) / side - 0.5
    x, y = torch.meshgrid(centres, centres, indexing="xy")
    angle, size = 0.06 * normal((count,), random), 1 + 0.04 * normal((count,), random)
    wider, sheared = (0.03 * normal((count,), random) for _ in range(2))
    cos, sin = size * angle.cos(), size * angle.sin()
    linear = torch.stack(
        [torch.stack([cos * (1 + wider), sheared - sin], 1), torch.stack([sin, cos], 1)], dim=1
    )
    before = torch.einsum("bij,jyx->biyx", linear, torch.stack([x, y]))
    before = before + 0.015 * normal((count, 2, 1, 1), random)
    bend = 0.006 * normal((count, 2, 5, 5), random)
    bend = F.interpolate(bend, size=(side, side), mode="bicubic", align_corners=True)
    grid = 2 * (before + bend).permute(0, 2, 3, 1)

    def sampled(values: Tensor, mode: str = "bilinear") -> Tensor:
        return F.grid_sample(values, grid, mode, padding_mode="border", align_corners=False)

    kind = portraits.kind.float()
    is_face = sampled((kind <= PixelKind.EYE).float())
    nearest = sampled(kind, "nearest").long()
    is_torn = (is_face > 0.01) & (is_face < 0.99)
    return replace(
        portraits,
        picture=sampled(portraits.picture),
        place=sampled(portraits.place),
        kind=torch.where(is_torn, NO_KIND, nearest),
        projection=torch.linalg.solve(linear, portraits.projection),
    )


def uniform(shape: tuple[int, ...], low: float, high: float, random: torch.Generator) -> Tensor:
    """Numbers between two bounds, where the generator lives."""
    return torch.empty(shape, device=random.device).uniform_(low, high, generator=random)


def normal(shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    """Numbers of mean 0 and deviation 1, where the generator lives."""
    return torch.randn(shape, generator=random, device=random.device)
