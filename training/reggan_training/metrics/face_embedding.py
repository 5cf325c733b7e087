"""Tells faces apart and pictures from each other: an evaluation tool, never trained against.

Trained to know identities and expressions together, so that its features hold both. They see
colour, and nothing in their training teaches them to overlook blur: see `metrics.judges`.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.metrics.expression_judge import FeatureTrunk

EMBEDDING_LENGTH = 64


class FaceEmbedding(nn.Module):
    """Trunk on colour, a unit vector for the identity and a logit for every expression."""

    def __init__(self, expressions: int) -> None:
        super().__init__()
        self.trunk = FeatureTrunk(3)
        self.identity_head = nn.Linear(2 * self.trunk.widths[-1], EMBEDDING_LENGTH)
        self.expression_head = nn.Linear(2 * self.trunk.widths[-1], expressions)

    def forward(
        self, image: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Float[Tensor, "batch length"], Float[Tensor, "batch expressions"]]:
        """Unit embeddings and expression logits of sRGB-encoded pictures in [0, 1]."""
        deepest = self.features(image)[-1]
        return self.embedding_of(deepest), self.expression_head(_pooled(deepest))

    def embedding_of(
        self, deepest: Float[Tensor, "batch width rows columns"]
    ) -> Float[Tensor, "batch length"]:
        """Unit embeddings from the features of the last stage."""
        return F.normalize(self.identity_head(_pooled(deepest)).float(), dim=1)

    def features(self, image: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """The features of every stage, finest first; any size."""
        stages: list[Tensor] = self.trunk(image * 4 - 2)
        return stages


def _pooled(deepest: Float[Tensor, "batch width rows columns"]) -> Float[Tensor, "batch both"]:
    """Mean and maximum over all places."""
    return torch.cat([deepest.mean(dim=(2, 3)), deepest.amax(dim=(2, 3))], dim=1)
