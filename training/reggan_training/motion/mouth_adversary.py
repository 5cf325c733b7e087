"""The adversary of the mouth's painter: what is painted has to look like a render, tooth by tooth.

Paired losses alone paint the middle of all mouths that would fit. The discriminator judges patches
of the finished window, only around what is painted; the gradient that the painter gets from it has
a fixed share of the paired one's length.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.motion.augment import normal
from reggan_training.motion.mouth_painter import MouthPainter

_SLOPE = 0.2
"""Of the leaky ReLU below 0."""
_SHARE = 0.5
"""Length of the adversary's gradient at the painted window, in parts of the paired one's."""
_NOISE = 0.015
"""Standard deviation of what is added to both windows that the discriminator judges."""


class PatchDiscriminator(nn.Module):
    """Scores patches of some 60 px of the mouth window, one for each 8 px; high is a render.

    Source: Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
    2017, section 3.2.2.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = (12, width, 2 * width, 3 * width)
        self.layers = nn.ModuleList(
            nn.Conv2d(inside, outside, 4 if step else 3, stride=2 if step else 1, padding=1)
            for step, (inside, outside) in enumerate(pairwise(widths))
        )
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, window: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch 1 s s"]:
        """Scores of windows in [0, 1]."""
        hidden = F.pixel_unshuffle(2 * window - 1, 2)
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), _SLOPE)
        result: Tensor = self.score(hidden)
        return result.float()


class OpposedPainter(nn.Module):
    """A painter and the discriminator that it learns against, as one module to train."""

    def __init__(self, painter: MouthPainter) -> None:
        super().__init__()
        self.painter, self.discriminator = painter, PatchDiscriminator()

    def losses(
        self,
        made: Float[Tensor, "batch 3 side side"],
        target: Float[Tensor, "batch 3 side side"],
        where: Float[Tensor, "batch 1 side side"],
        paired: Tensor,
        random: torch.Generator,
    ) -> dict[str, Tensor]:
        """Losses of both sides, each of which reaches only its own parameters.

        Args:
            made: the painter's windows, with their graph.
            target: the renders'.
            where: 1 around what is painted.
            paired: sum of the paired losses of `made`.
            random: of the noise.
        """
        local = F.max_pool2d(where, 8)
        real = self.discriminator(_noisy(target, random))
        fake = self.discriminator(_noisy(made.detach(), random))
        judging = _mean(F.relu(1 - real), local) + _mean(F.relu(1 + fake), local)
        frozen = {name: value.detach() for name, value in self.discriminator.named_parameters()}
        score = torch.func.functional_call(self.discriminator, frozen, made)
        deceived = -_mean(score, local)
        factor = _factor(deceived, paired, made)
        return {
            "judging": judging,
            "adversarial": factor * deceived,
            "_told_apart": _mean((real > fake).float(), local).detach(),
            "_adversarial_factor": factor,
        }


def _factor(deceived: Tensor, paired: Tensor, made: Tensor) -> Tensor:
    """Factor that makes the adversary's gradient a share of the paired one's, at the window."""
    wanted = torch.autograd.grad(paired, made, retain_graph=True)[0].norm()
    said = torch.autograd.grad(deceived, made, retain_graph=True)[0].norm()
    return _SHARE * wanted / said.clamp(min=1e-8)


def _mean(scores: Tensor, weight: Tensor) -> Tensor:
    return (scores * weight).sum() / weight.sum().clamp(min=1)


def _noisy(window: Tensor, random: torch.Generator) -> Tensor:
    return window + _NOISE * normal(tuple(window.shape), random)
