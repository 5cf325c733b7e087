"""The judges' networks: what expression a face shows, and whose it is.

The expression judge sees luminance only, once as it is and once with the local contrast made
even, so that skin, marble, metal and ink look alike and what is left is the shape of brows, lids,
nose and mouth. The embedding is trained to know identities and expressions together, so that its
features hold both. It sees colour, and nothing in its training teaches it to overlook blur: see
`judges`.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.tensor_shapes import Features, Images, Intensities, Masks

JUDGE_SIDE_PX = 128
"""Side of the picture that the judge sees: the inner four fifths of a canonical crop."""
CANONICAL_SIDE_PX = 160
"""Side of the whole canonical crop at the judge's resolution."""
_LUMA = (0.2126, 0.7152, 0.0722)  # Rec. 709
_NEIGHBOURHOOD_PX = 25
_LEAST_CONTRAST = 0.04
"""Standard deviation below which a neighbourhood counts as flat and is not amplified."""


class JudgeBlock(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, features: Features) -> Features:
        """Features refined at the same size."""
        hidden = F.relu(self.first_norm(self.first(features)))
        return F.relu(features + self.second_norm(self.second(hidden)))


class FeatureTrunk(nn.Module):
    """Four stages, each at half the side of the one before; any input size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.widths = widths = (24, 40, 64, 96)
        shrink: list[nn.Module] = []
        for before, after in zip((inputs, *widths), widths, strict=False):
            convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
            shrink.append(nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU()))
        self.shrink = nn.ModuleList(shrink)
        refine = [nn.Identity(), *(JudgeBlock(width) for width in widths[1:])]
        self.refine = nn.ModuleList(refine)

    def forward(self, image: Float[Tensor, "batch inputs height width"]) -> list[Tensor]:
        """Return the features of every stage, finest first."""
        stages = []
        for shrink, refine in zip(self.shrink, self.refine, strict=True):
            image = refine(shrink(image))
            stages.append(image)
        return stages


class ExpressionJudge(nn.Module):
    """Trunk on two luminance planes, a place code, and one logit for every expression."""

    luma: Tensor  # [1, 3, 1, 1]

    def __init__(self, expressions: int) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(_LUMA).reshape(1, 3, 1, 1), persistent=False)
        self.trunk = FeatureTrunk(2)
        width, cells = self.trunk.widths[-1], JUDGE_SIDE_PX // 16
        self.place = nn.Parameter(torch.ones(1, width, cells, cells))
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(width, expressions)

    def forward(self, image: Images) -> Intensities:
        """Logits of the expressions for sRGB-encoded pictures in [0, 1] (see `look_closer`)."""
        deepest = self.trunk(even_contrast((image * self.luma).sum(dim=1, keepdim=True)))[-1]
        pooled = (deepest * self.place).mean(dim=(2, 3))
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def look_closer(crops: Images) -> Float[Tensor, "batch 3 128 128"]:
    """Cut out the inner part of canonical crops, at the resolution at which the judges look."""
    size, margin = (CANONICAL_SIDE_PX, CANONICAL_SIDE_PX), (CANONICAL_SIDE_PX - JUDGE_SIDE_PX) // 2
    small = F.interpolate(crops, size=size, mode="bilinear", antialias=True, align_corners=False)
    return small[:, :, margin:-margin, margin:-margin]


def even_contrast(gray: Masks) -> Float[Tensor, "batch 2 side side"]:
    """Normalise a picture to mean 0 and deviation 1 as a whole, then in every neighbourhood."""
    mean, variance = gray.mean(dim=(2, 3), keepdim=True), gray.var(dim=(2, 3), keepdim=True)
    whole = (gray - mean) / (variance + _LEAST_CONTRAST**2).sqrt()
    local = gray - _average(gray)
    return torch.cat([whole, local / (_average(local**2) + _LEAST_CONTRAST**2).sqrt()], dim=1)


def _average(plane: Masks) -> Masks:
    """Mean of the square neighbourhood within the picture: along columns, then along rows."""
    length, margin = _NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX // 2
    down = F.avg_pool2d(plane, (length, 1), 1, (margin, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, length), 1, (0, margin), count_include_pad=False)


EMBEDDING_LENGTH = 64


class FaceEmbedding(nn.Module):
    """Trunk on colour, a unit vector for the identity and a logit for every expression."""

    def __init__(self, expressions: int) -> None:
        super().__init__()
        self.trunk = FeatureTrunk(3)
        self.identity_head = nn.Linear(2 * self.trunk.widths[-1], EMBEDDING_LENGTH)
        self.expression_head = nn.Linear(2 * self.trunk.widths[-1], expressions)

    def forward(self, image: Images) -> tuple[Float[Tensor, "batch length"], Intensities]:
        """Return unit embeddings and expression logits of sRGB-encoded pictures in [0, 1]."""
        deepest = self.features(image)[-1]
        return self.embedding_of(deepest), self.expression_head(_pooled(deepest))

    def embedding_of(
        self, deepest: Float[Tensor, "batch width rows columns"]
    ) -> Float[Tensor, "batch length"]:
        """Return unit embeddings from the features of the last stage."""
        return F.normalize(self.identity_head(_pooled(deepest)).float(), dim=1)

    def features(self, image: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """Return the features of every stage, finest first; any size."""
        stages: list[Tensor] = self.trunk(image * 4 - 2)
        return stages


def _pooled(deepest: Float[Tensor, "batch width rows columns"]) -> Float[Tensor, "batch both"]:
    """Mean and maximum over all places."""
    return torch.cat([deepest.mean(dim=(2, 3)), deepest.amax(dim=(2, 3))], dim=1)
