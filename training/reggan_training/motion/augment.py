"""Changes of pairs that leave their truth as it is: mirror, colour, blur, noise."""

import torch
import torch.nn.functional as F

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
    return Pairs(
        source=source,
        target=target,
        motion=turned.motion,
        visible=turned.visible,
        hit=turned.hit,
        part=turned.part,
        controls=turned.controls,
    )
