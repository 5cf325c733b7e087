"""The painter of the mouth, on its own crop: teeth, gums, tongue and dark at four times the detail.

It sees the source around the mouth, the same moved as the motion network says, that network's own
cover and paint, and where teeth would be seen; it answers at 224 pixels where the source has 112.
Teeth and gums it only gives a colour, smooth over the mouth: their shape is known (`Teeth`).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.motion.network import ControlledBlock, NetworkAnswer
from reggan_training.motion.sampling import enlarged, warp
from reggan_training.pairs.rasterised_head import MOUTH_WINDOW

_EMBEDDING = 64
_FIRST_TONES = ((0.8, 0.7, 0.5), (0.0, -1.0, -1.0))
"""Logits of the colour of teeth and of gums that learning begins with."""
_EVEN = (0.5, 1.4)
"""Brightness of a cell of teeth over the mean of those that are seen."""
_LEAST_SEEN = 1e-3
"""Share of a cell that counts as seen where nothing is."""
_SHADE = 0.6
"""How much darker what looks aside is."""


class MouthAnswer(NamedTuple):
    """What the painter answers; colours are sRGB-encoded.

    `cover` [batch 1 fine fine] as logits; `paint` [batch 3 fine fine]; `layers` [batch 3 3 fine
    fine], the colours that it is made of: of the inside, of teeth, of gums; `shares` [batch 3 1
    fine fine], of each.
    """

    cover: Float[Tensor, "batch 1 fine fine"]
    paint: Float[Tensor, "batch 3 fine fine"]
    layers: Float[Tensor, "batch 3 3 fine fine"]
    shares: Float[Tensor, "batch 3 1 fine fine"]


class MouthPainter(nn.Module):
    """Cover and paint of the mouth window.

    Args:
        width: channels at half of the window's source resolution; more below.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        embedded = len(CONTROLS) + _EMBEDDING
        self.embed = nn.Linear(len(CONTROLS), _EMBEDDING)
        self.read = nn.Conv2d(4 * (3 + 3 + 2 + 1 + 3 + 3), width, 3, padding=1)
        self.half_in = ControlledBlock(width, embedded)
        self.shrink_half = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.quarter_in = ControlledBlock(2 * width, embedded)
        self.shrink_quarter = nn.Conv2d(2 * width, 3 * width, 4, stride=2, padding=1)
        self.eighth = nn.ModuleList(ControlledBlock(3 * width, embedded) for _ in range(3))
        self.grow_eighth = nn.Conv2d(3 * width, 8 * width, 1)
        self.quarter_out = ControlledBlock(2 * width, embedded)
        self.grow_quarter = nn.Conv2d(2 * width, 4 * width, 1)
        self.half_out = nn.ModuleList(ControlledBlock(width, embedded) for _ in range(2))
        self.answer = nn.Conv2d(width, 16 * (1 + 3), 3, padding=1)
        self.tones = nn.Conv2d(3 * width, 2 * 3, 3, padding=1)
        with torch.no_grad():
            for layer in (self.answer, self.tones):
                layer.weight *= 0.1
                layer.bias.zero_()  # type: ignore[union-attr]
            self.tones.bias.copy_(torch.tensor(_FIRST_TONES).flatten())  # type: ignore[union-attr]

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
        answer: NetworkAnswer,
    ) -> MouthAnswer:
        """Answer for the whole crop at 256 px and what the motion network said of it."""
        side = image.shape[-1]
        motion = enlarged(answer.motion, side)
        parts = [
            image - 0.5,
            warp(image, motion) - 0.5,
            8 * motion,
            enlarged(torch.sigmoid(answer.cover), side) - 0.5,
            enlarged(answer.paint, side) - 0.5,
        ]
        seen = torch.cat([window_of(values) for values in parts], dim=1)
        seen = torch.cat([seen, F.avg_pool2d(answer.teeth, 2) - 0.5], dim=1)
        asked = torch.cat([controls, F.silu(self.embed(controls))], dim=1)
        half = self.half_in(self.read(F.pixel_unshuffle(seen, 2)), asked)
        quarter = self.quarter_in(self.shrink_half(half), asked)
        eighth = self.shrink_quarter(quarter)
        for block in self.eighth:
            eighth = block(eighth, asked)
        grown = F.pixel_shuffle(self.grow_eighth(F.silu(eighth)), 2)
        quarter = self.quarter_out(quarter + grown, asked)
        half = half + F.pixel_shuffle(self.grow_quarter(F.silu(quarter)), 2)
        for block in self.half_out:
            half = block(half, asked)
        cover, paint = self.answer(F.silu(half)).float().split([16, 48], dim=1)
        fine = 2 * seen.shape[-1]
        before = window_of(answer.cover), window_of(answer.paint)
        base_cover = enlarged(before[0], fine)
        base_paint = torch.logit(enlarged(before[1], fine).clamp(0.02, 0.98))
        inside = torch.sigmoid(base_paint + 4 * F.pixel_shuffle(paint, 4))
        solid = self._solid_colours(eighth, torch.sigmoid(base_cover), answer.teeth)
        tooth, gum = answer.teeth[:, :1], answer.teeth[:, 1:2]
        layers = torch.stack([inside, *solid], dim=1)
        shares = torch.stack([1 - (tooth + gum).clamp(max=1.0), tooth, gum], dim=1)
        return MouthAnswer(
            cover=base_cover + 4 * F.pixel_shuffle(cover, 4),
            paint=no_colder((layers * shares).sum(1), window_of(image)),
            layers=layers,
            shares=shares,
        )

    def _solid_colours(
        self,
        eighth: Float[Tensor, "batch channels low low"],
        opened: Float[Tensor, "batch 1 fine fine"],
        teeth: Float[Tensor, "batch 3 fine fine"],
    ) -> list[Float[Tensor, "batch 3 fine fine"]]:
        """Colours of teeth and of gums, by what is seen of each in an open mouth."""
        tones = torch.sigmoid(self.tones(F.silu(eighth)).float())
        fine = teeth.shape[-1]
        cell = fine // tones.shape[-1]
        shaded = 1 - _SHADE + _SHADE * teeth[:, 2:]
        return [
            enlarged(evenly_tinted(tone, F.avg_pool2d(opened * share, cell)), fine) * shaded
            for tone, share in zip(tones.chunk(2, dim=1), teeth[:, :2].chunk(2, dim=1), strict=True)
        ]


def evenly_tinted(
    tones: Float[Tensor, "batch 3 low low"], seen: Float[Tensor, "batch 1 low low"]
) -> Float[Tensor, "batch 3 low low"]:
    """Tones of one tint, the mean of those that are seen; each keeps its brightness.

    Teeth of one mouth are of one colour: what differs from cell to cell is a guess.
    """
    weight = seen + _LEAST_SEEN
    mean = (tones * weight).sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True)
    brightness = tones.mean(1, keepdim=True) / mean.mean(1, keepdim=True).clamp(min=1e-3)
    return (mean * brightness.clamp(*_EVEN)).clamp(max=1.0)


def no_colder(
    paint: Float[Tensor, "batch 3 fine fine"], face: Float[Tensor, "batch 3 rows columns"]
) -> Float[Tensor, "batch 3 fine fine"]:
    """Paint in which green is no more than red, and blue no more than green, where the face's are.

    Teeth, gums and tongue are warm or grey in every material that a face has; teeth of another tint
    are the first thing that an eye finds wrong.
    """
    mean = face.mean(dim=(2, 3), keepdim=True).clamp(min=0.02)
    cast = (mean[:, 1:] / mean[:, :-1]).clamp(min=1.0)
    red, green, blue = paint[:, :1], paint[:, 1:2], paint[:, 2:]
    green = torch.minimum(green, red * cast[:, :1])
    return torch.cat([red, green, torch.minimum(blue, green * cast[:, 1:])], dim=1)


def window_of(values: Float[Tensor, "batch channels side side"]) -> Tensor:
    """The mouth window of a picture of the whole crop; its edges fall between pixels of 64 px."""
    side = values.shape[-1]
    left, top, right, bottom = (round(edge * side) for edge in MOUTH_WINDOW)
    return values[..., top:bottom, left:right]
