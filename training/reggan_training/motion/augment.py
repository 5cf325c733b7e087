"""Changes of pairs that leave their truth as it is: mirror, colour, blur, noise."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.pairs.sitting import Pairs


def augmented(pairs: Pairs, random: torch.Generator) -> Pairs:
    """Pairs with both pictures graded alike, and the source as a camera or a file might have it."""
    count = len(pairs)

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.empty(count, *shape).uniform_(low, high, generator=random)

    turned = pairs.mirrored(draw(0, 1)[:] < 0.5)
    gain, offset = draw(0.8, 1.2, 3, 1, 1), draw(-0.06, 0.06, 3, 1, 1)
    source = (turned.source * gain + offset).clamp(0, 1)
    target = (turned.target * gain + offset).clamp(0, 1)
    grey = (draw(0, 1, 1, 1, 1) < 0.06).float()
    source = source + grey * (source.mean(1, keepdim=True) - source)
    target = target + grey * (target.mean(1, keepdim=True) - target)
    soft = F.avg_pool2d(F.pad(source, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = (draw(0, 1, 1, 1, 1) - 0.6).clamp(min=0) * 2.5  # sharp more often than not
    noise = torch.randn(source.shape, generator=random) * draw(-0.02, 0.025, 1, 1, 1).clamp(min=0)
    source = (source + amount * (soft - source) + noise).clamp(0, 1)
    return replace(turned, source=source, target=target)


def augmented_picture(
    picture: Float[Tensor, "batch 3 side side"], random: torch.Generator
) -> Float[Tensor, "batch 3 side side"]:
    """Pictures alone, graded and with a little noise."""

    def draw(low: float, high: float, channels: int) -> Tensor:
        shape = (len(picture), channels, 1, 1)
        return torch.empty(shape).uniform_(low, high, generator=random)

    noise = torch.randn(picture.shape, generator=random) * draw(0.0, 0.02, 1)
    return (picture * draw(0.8, 1.2, 3) + draw(-0.06, 0.06, 3) + noise).clamp(0, 1)
