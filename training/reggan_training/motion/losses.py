"""What the network is asked for: the rig's motion, the target's light, cover and paint."""

import math
from dataclasses import dataclass
from typing import Self

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.models.handling import Handling
from reggan_training.heads.head import Part
from reggan_training.motion.composing import compose
from reggan_training.motion.expected import BLINKS, CLOSED
from reggan_training.motion.network import NetworkAnswer
from reggan_training.motion.sampling import enlarged
from reggan_training.pairs.sitting import Pairs

_REALLY_MOVES = 0.4 / 128
"""In parts of the crop's side; from here on an error of motion counts several times."""
_LEAST_AREA = Handling().least_area
"""Determinant of the motion's Jacobian below which the surface is said to fold, and is unfolded in
use."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the losses; distances are in pixels of a 128 px crop, colours in [0, 1]."""

    motion: float = 0.5
    moving: float = 4.0
    eyes: float = 5.0
    backdrop: float = 0.05
    picture: float = 4.0
    edges: float = 4.0
    cover: float = 0.3
    uncovered: float = 6.0
    paint: float = 8.0
    gain_size: float = 0.02
    gain_slope: float = 0.1
    fold: float = 1.0
    hidden_slope: float = 0.05

    @classmethod
    def without_motion(cls) -> Self:
        """For an ablation: the true motion teaches nothing, the picture all."""
        return cls(motion=0.0, backdrop=0.0)


def pair_losses(pairs: Pairs, answer: NetworkAnswer, weights: LossWeights) -> dict[str, Tensor]:
    """Weighted losses by name; their sum is what the optimiser lowers."""
    side = pairs.source.shape[-1]
    # where the motion is known, what a picture says of it is noise beside that
    moved = answer.motion.detach() if weights.motion else answer.motion
    made, _ = compose(pairs.source, answer._replace(motion=moved))
    motion = enlarged(answer.motion, side)
    hole = 1 - pairs.visible
    error_px = 128 * (motion - pairs.motion)
    moves = (pairs.motion.norm(dim=1, keepdim=True) > _REALLY_MOVES).float()
    # eyes are small, and looked at first
    is_ball = (pairs.part == Part.EYE).float()
    trusted = (
        pairs.visible * pairs.hit * (1 + weights.moving * moves) * (1 + weights.eyes * is_ball)
    )
    # the inside of the mouth is looked at more than its area says
    is_mouth = ((pairs.part >= Part.TEETH) & (pairs.part <= Part.MOUTH)).float()
    # slivers of skin, brows and hair are better stretched than painted
    is_inside = ((pairs.part >= Part.EYE) & (pairs.part <= Part.SOCKET)).float()
    # so are open eyes
    is_eye = ((pairs.part == Part.EYE) | (pairs.part == Part.SOCKET)).float()
    is_open = (pairs.worn[:, BLINKS].amax(1) < CLOSED).float()[:, None, None, None]
    is_inside = is_inside * (1 - is_eye * is_open)
    wanted = hole * pairs.hit * is_inside
    near_hole = F.max_pool2d(wanted, 5, 1, 2) * (1 + is_mouth)
    cover = balanced_cross_entropy(answer.cover, wanted, weights.uncovered)
    return {
        "motion": weights.motion * (error_px.abs().clamp(max=10) * trusted).mean(),
        "backdrop": weights.backdrop * (128 * motion.abs() * (1 - pairs.hit)).mean(),
        "picture": weights.picture * (made - pairs.target).abs().mean(),
        "edges": weights.edges * slope_error(made, pairs.target),
        "cover": weights.cover * cover,
        "paint": weights.paint * ((answer.paint - pairs.target).abs() * near_hole).mean(),
        "gain": weights.gain_size * answer.gain.abs().mean()
        + weights.gain_slope * sum(s.abs().mean() for s in _slopes(answer.gain)),
        "fold": weights.fold * _folding(answer.motion),
        "hidden": weights.hidden_slope * _hidden_slope(motion, hole),
    }


def balanced_cross_entropy(logits: Tensor, wanted: Tensor, extra: float) -> Float[Tensor, ""]:
    """Cross-entropy in which wanted pixels count 1 + `extra` times.

    That alone would teach logits too high by log(1 + extra): a pixel that is covered once in eight
    would be painted. So that much is added here, and the logits themselves are true.
    """
    surer = logits + math.log(1 + extra)
    return F.binary_cross_entropy_with_logits(surer, wanted, weight=1 + extra * wanted)


def _slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def slope_error(made: Tensor, target: Tensor, weight: Tensor | None = None) -> Float[Tensor, ""]:
    """Mean error of the slopes across and down, each weighted as the pixel that it leads to."""
    across, down = (slope.abs() for slope in _slopes(made - target))
    if weight is not None:
        across, down = across * weight[..., 1:], down * weight[..., 1:, :]
    return across.mean() + down.mean()


def _folding(motion: Float[Tensor, "batch 2 low low"]) -> Tensor:
    """How far det(I + grad m) falls below its least, on average; between lips it may tear."""
    low = motion.shape[-1]
    along_x = (motion[..., :-1, 1:] - motion[..., :-1, :-1]) * low
    along_y = (motion[..., 1:, :-1] - motion[..., :-1, :-1]) * low
    area = (1 + along_x[:, 0]) * (1 + along_y[:, 1]) - along_x[:, 1] * along_y[:, 0]
    return (_LEAST_AREA - area).clamp(0, 1).mean()


def _hidden_slope(motion: Tensor, hole: Tensor) -> Tensor:
    """Slope of the motion in pixels where nothing says what it is."""
    across, down = _slopes(128 * motion)
    return (across.abs() * hole[..., 1:]).mean() + (down.abs() * hole[..., 1:, :]).mean()
