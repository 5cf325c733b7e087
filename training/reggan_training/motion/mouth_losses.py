"""What the painter of the mouth is asked for: cover and paint where the source has nothing."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.heads.head import Part
from reggan_training.motion.losses import balanced_cross_entropy, slope_error
from reggan_training.motion.mouth_painter import MouthAnswer, window_of
from reggan_training.motion.sampling import enlarged
from reggan_training.pairs.mouth_sitting import MouthPairs

_UNCOVERED = 3.0
"""What has to be painted counts 1 + this times."""
_LEAST_TEETH = 3000.0
"""Values of teeth and gums in a batch from which on their mean counts in full."""


def finished_window(moved: Tensor, answer: MouthAnswer) -> Float[Tensor, "batch 3 fine fine"]:
    """The mouth window under its paint; `moved` is the whole crop as it was moved and lit."""
    base = enlarged(window_of(moved), answer.paint.shape[-1])
    return base + torch.sigmoid(answer.cover) * (answer.paint - base)


def uncovered(pairs: MouthPairs) -> Float[Tensor, "batch 1 fine fine"]:
    """1 where the target shows the inside of the mouth, which the source does not."""
    is_inside = (pairs.part >= Part.EYE) & (pairs.part <= Part.SOCKET)
    return pairs.hole * is_inside.float()


def mouth_losses(pairs: MouthPairs, made: Tensor, answer: MouthAnswer) -> dict[str, Tensor]:
    """Weighted losses by name.

    Args:
        pairs: what is asked for.
        made: the finished window.
        answer: the painter's.
    """
    hole = uncovered(pairs)
    near = F.max_pool2d(hole, 9, 1, 4)
    parts = (Part.TEETH, Part.GUMS)
    hard = torch.stack([(pairs.part == part).float() for part in parts], dim=1)
    soft = near * (1 - F.max_pool2d(hard.amax(1), 3, 1, 1))
    inside, solid = answer.layers[:, 0], answer.layers[:, 1:]
    cover = balanced_cross_entropy(answer.cover, hole, _UNCOVERED)
    # where the target's teeth are and ours are too: ours stand where an average's do
    met = hard * hole[:, None] * (answer.shares[:, 1:] > 0.5)
    beside = 0.2 + near * (1 - hole)
    tones = ((solid - pairs.target[:, None]).abs() * met).sum()
    return {
        "cover": 0.5 * cover,
        "inside": 8.0 * ((inside - pairs.target).abs() * soft).mean(),
        "inside_edges": 8.0 * slope_error(inside, pairs.target, soft),
        # of the few pixels that show teeth, however few: else no tint is worth learning
        "tones": tones / (3 * met.sum()).clamp(min=_LEAST_TEETH),
        "picture": 4.0 * ((made - pairs.target).abs() * beside).mean(),
        "edges": 2.0 * slope_error(made, pairs.target, beside),
    }
