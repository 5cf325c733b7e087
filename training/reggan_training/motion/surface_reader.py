"""Reads from a picture what each pixel shows of a head, and how the head is turned.

Both are known for every rendered pixel, so that it is a plain regression. The places are those of
`seam_aligned`: what the closed-form answer (`surface_regression`) is looked up by.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.pairs.truth import PixelKind

_EYE_DISTANCE = 0.234
"""Of the average face in its crop, in parts of the side."""
_FROM_THE_FRONT = ((_EYE_DISTANCE, 0.0, 0.0), (0.0, -_EYE_DISTANCE, 0.0))
_EYES_Y, _CENTRE_X = 0.30, 0.5
_PLACE_UNIT, _PROJECTION_UNIT = 0.25, 0.05
_SKIN_AT_FIRST = 4.0
"""Logit: what is no face holds motion up, before anything is learnt."""


class ReadSurface(NamedTuple):
    """What pixels show of a head.

    `place` [batch 2 side side]: canonical (x, y up), in eye distances. `kinds` [batch 5 side side]:
    logits in the order of `PixelKind`. `projection` [batch 2 3]: takes displacements in the head's
    axes, in eye distances, to the crop (x, y down), in parts of its side.
    """

    place: Float[Tensor, "batch 2 side side"]
    kinds: Float[Tensor, "batch 5 side side"]
    projection: Float[Tensor, "batch 2 3"]

    def halved(self) -> "ReadSurface":
        """The same at half of the resolution."""
        return self._replace(place=F.avg_pool2d(self.place, 2), kinds=F.avg_pool2d(self.kinds, 2))


class SurfaceReader(nn.Module):
    """A small U-shaped network; it knows nothing of what is asked for.

    Its convolutions run at half of the crop's side and below, its answer is for every pixel.

    Args:
        side_px: of the crop.
        width: channels at half of it.
    """

    average: Tensor
    place: Tensor

    def __init__(self, side_px: int = 128, width: int = 32) -> None:
        super().__init__()
        self.read = nn.Conv2d(12 + 2, width, 3, padding=1)
        self.shrink = nn.ModuleList(
            nn.Conv2d(inside, outside, 4, stride=2, padding=1)
            for inside, outside in pairwise((width, 2 * width, 3 * width, 4 * width))
        )
        self.deep = nn.ModuleList(nn.Conv2d(4 * width, 4 * width, 3, padding=1) for _ in range(3))
        self.turned = nn.Linear(4 * width * (side_px // 32) ** 2, 6)
        self.grow = nn.ModuleList(
            nn.Conv2d(inside, 4 * outside, 1)
            for inside, outside in pairwise((4 * width, 3 * width, 2 * width, width))
        )
        self.join = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1)
            for channels in (3 * width, 2 * width, width)
        )
        self.answer = nn.Conv2d(width, 4 * 2, 3, padding=1)
        self.kinds = nn.Conv2d(width, 4 * len(PixelKind), 3, padding=1)
        with torch.no_grad():
            skin = slice(4 * PixelKind.SKIN, 4 * PixelKind.SKIN + 4)
            self.kinds.bias[skin] = _SKIN_AT_FIRST  # type: ignore[index]
        line = (torch.arange(side_px) + 0.5) / side_px
        x, y = torch.meshgrid(line, line, indexing="xy")
        front = torch.stack([x - _CENTRE_X, _EYES_Y - y]) / _EYE_DISTANCE
        self.register_buffer("average", front[None], persistent=False)
        place = F.avg_pool2d(torch.stack([x, y])[None] * 2 - 1, 2)
        self.register_buffer("place", place, persistent=False)

    def forward(self, image: Float[Tensor, "batch 3 side side"]) -> ReadSurface:
        """Read sRGB-encoded pictures in [0, 1]."""
        light = image.mean(dim=(1, 2, 3), keepdim=True)
        seen = [F.pixel_unshuffle(image - light, 2), self.place.expand(image.shape[0], -1, -1, -1)]
        levels = [F.silu(self.read(torch.cat(seen, dim=1)))]
        for layer in self.shrink:
            levels.append(F.silu(layer(levels[-1])))
        hidden = levels.pop()
        for layer in self.deep:
            hidden = hidden + F.silu(layer(hidden))
        small = F.avg_pool2d(hidden, 2)
        turned = self.turned(small.flatten(1)).float().unflatten(1, (2, 3))
        for grow, join in zip(self.grow, self.join, strict=True):
            hidden = levels.pop() + F.pixel_shuffle(grow(hidden), 2)
            hidden = hidden + F.silu(join(F.silu(hidden)))
        offset = _smooth(F.pixel_shuffle(self.answer(hidden).float(), 2))
        front = torch.tensor(_FROM_THE_FRONT, device=image.device)
        return ReadSurface(
            place=self.average + _PLACE_UNIT * offset,
            kinds=F.pixel_shuffle(self.kinds(hidden).float(), 2),
            projection=front + _PROJECTION_UNIT * turned,
        )


def _smooth(values: Float[Tensor, "batch 2 side side"]) -> Float[Tensor, "batch 2 side side"]:
    """Without what changes from pixel to pixel: a face is smooth, and so is its line of lips."""
    half = F.pad(F.avg_pool2d(values, 2), (1, 1, 1, 1), mode="replicate")
    blurred = F.avg_pool2d(F.avg_pool2d(half, 2, 1), 2, 1)
    return F.interpolate(blurred, scale_factor=2, mode="bilinear", align_corners=False)
