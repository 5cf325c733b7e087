"""What the painter of the mouth is asked for: cover and paint where the source has nothing."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_training.heads.head import Part
from reggan_training.motion.losses import balanced_cross_entropy, slope_error
from reggan_training.motion.mouth_painter import MouthAnswer, window_of
from reggan_training.motion.sampling import enlarged
from reggan_training.pairs.mouth_sitting import MouthPairs


@dataclass(frozen=True, kw_only=True)
class MouthLossWeights:
    """Weights of the painter's losses."""

    cover: float = 0.5
    uncovered: float = 3.0
    paint: float = 8.0
    paint_edges: float = 8.0
    picture: float = 4.0
    edges: float = 2.0
    teeth: float = 1.0


def finished_window(moved: Tensor, answer: MouthAnswer) -> Float[Tensor, "batch 3 fine fine"]:
    """The mouth window under its paint; `moved` is the whole crop as it was moved and lit."""
    base = enlarged(window_of(moved), answer.paint.shape[-1])
    return base + torch.sigmoid(answer.cover) * (answer.paint - base)


def uncovered(pairs: MouthPairs) -> Float[Tensor, "batch 1 fine fine"]:
    """1 where the target shows the inside of the mouth, which the source does not."""
    is_inside = (pairs.part >= Part.EYE) & (pairs.part <= Part.SOCKET)
    return pairs.hole * is_inside.float()


def mouth_losses(
    pairs: MouthPairs, made: Tensor, answer: MouthAnswer, weights: MouthLossWeights
) -> dict[str, Tensor]:
    """Weighted losses by name.

    Args:
        pairs: what is asked for.
        made: the finished window.
        answer: the painter's.
        weights: of the losses.
    """
    hole = uncovered(pairs)
    near = F.max_pool2d(hole, 9, 1, 4)
    inside = ((pairs.part >= Part.TEETH) & (pairs.part <= Part.MOUTH)).float()
    focus = near * (1 + weights.teeth * inside)
    cover = balanced_cross_entropy(answer.cover, hole, weights.uncovered)
    return {
        "cover": weights.cover * cover,
        "paint": weights.paint * ((answer.paint - pairs.target).abs() * focus).mean(),
        "paint_edges": weights.paint_edges * slope_error(answer.paint, pairs.target, focus),
        "picture": weights.picture * ((made - pairs.target).abs() * (0.2 + near)).mean(),
        "edges": weights.edges * slope_error(made, pairs.target, 0.2 + near),
    }
