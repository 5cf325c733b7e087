"""RegGAN that answers with motion, light gain, cover and paint (model contract 2).

    y(q) = (1 - c(q)) e^g(q) x(q + m(q)) + c(q) p(q)

m is the backward motion in parts of the crop's side, g the log of a factor on linear light, c the
share of pixels that nothing in the source shows, p their colour. The regression layer's change is
a hint beside the picture. Where the network starts from is geometry: what place of a face each
pixel shows and how the head is turned are read from the picture (`SurfaceReader`), how that place
moves is regressed in closed form (`surface_regression`), each lip by itself. What the source wears
of its own, and shall lose, is asked for as a negative (`SourceReader` reads it from the picture).
Convolutions run on the unshuffled picture, at a half, a quarter and an eighth of the side.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.vocabulary.face_shapes import ARKIT_SHAPES, CONTROLS
from reggan_training.motion.expected import (
    SEEN_BESIDES_CHANNELS,
    SEEN_CHANNELS,
    expected_answer,
    share_of_face,
    uncovered,
)
from reggan_training.motion.sampling import doubled, enlarged
from reggan_training.motion.shape_regression import ShapeRegression
from reggan_training.motion.surface_reader import ReadSurface, SurfaceReader

_EMBEDDING = 96
_LARGEST_GAIN = 0.7
"""Natural log of the largest factor on linear light."""
_MOTION_UNIT = 1 / 64
"""Motion of 1 at a head of the network, in parts of the crop's side."""
_FULL_STRENGTH = 0.15
"""Requests below this fade to no change at all."""


class NetworkAnswer(NamedTuple):
    """What the network answers.

    `motion` [batch 2 side side] in parts of the side; `gain` [batch 3 half half], natural log, on
    linear light; `cover` [batch 1 side side] as logits; `paint` [batch 3 side side], sRGB-encoded;
    `teeth` [batch 3 fine fine]: tooth, gum and shade as the mouth window would show them.
    """

    motion: Float[Tensor, "batch 2 side side"]
    gain: Float[Tensor, "batch 3 half half"]
    cover: Float[Tensor, "batch 1 side side"]
    paint: Float[Tensor, "batch 3 side side"]
    teeth: Float[Tensor, "batch 3 fine fine"]


class ControlledBlock(nn.Module):
    """Residual block whose hidden features are scaled and shifted by the control embedding.

    Source: Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.
    """

    def __init__(self, channels: int, controls: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.modulation = nn.Linear(controls, 2 * channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.modulation.weight, 0.0, 0.15)
        with torch.no_grad():
            self.second.weight *= 0.1

    def forward(
        self,
        features: Float[Tensor, "batch channels height width"],
        controls: Float[Tensor, "batch embedding"],
    ) -> Float[Tensor, "batch channels height width"]:
        """Features changed by what is asked for."""
        scale, shift = self.modulation(controls)[:, :, None, None].chunk(2, dim=1)
        hidden = F.silu(self.first(F.silu(features)) * (1 + scale) + shift)
        result: Tensor = features + self.second(hidden)
        return result


class MotionRegGAN(nn.Module):
    """The regression layer and the network that refines its hint.

    Args:
        width: channels at half of the side; twice and four times that below.
        side_px: side of the crop.
        regression: the solved layer; a fresh one gives no hint.
        surface: a trained reader; it is used as it is.
    """

    place: Tensor

    def __init__(
        self,
        width: int = 24,
        side_px: int = 128,
        regression: ShapeRegression | None = None,
        surface: SurfaceReader | None = None,
    ) -> None:
        super().__init__()
        self.side_px, self.width = side_px, width
        self.regression = regression or ShapeRegression()
        self.surface = (surface or SurfaceReader(side_px)).requires_grad_(False)
        asked = len(CONTROLS) + len(ARKIT_SHAPES)
        embedded = asked + _EMBEDDING
        self.embed = nn.Linear(asked, _EMBEDDING)
        seen = 12 + SEEN_CHANNELS + 2 + SEEN_BESIDES_CHANNELS
        self.read = nn.Conv2d(seen, width, 3, padding=1)
        self.half_in = ControlledBlock(width, embedded)
        self.shrink_half = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.quarter_in = nn.ModuleList(ControlledBlock(2 * width, embedded) for _ in range(2))
        self.shrink_quarter = nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1)
        self.eighth = nn.ModuleList(ControlledBlock(4 * width, embedded) for _ in range(4))
        self.grow_eighth = nn.Conv2d(4 * width, 8 * width, 1)
        self.quarter_out = nn.ModuleList(ControlledBlock(2 * width, embedded) for _ in range(2))
        self.grow_quarter = nn.Conv2d(2 * width, 4 * width, 1)
        self.half_out = ControlledBlock(width, embedded)
        self.stronger = _head(4 * width, 1)
        self.motion_eighth = _head(4 * width, 2)
        self.motion_quarter = _head(2 * width, 2)
        self.answer = _head(width, 2 + 3 + 4 + 12)
        half = side_px // 2
        line = torch.linspace(-1, 1, half)
        place = torch.stack(torch.meshgrid(line, line, indexing="xy"))[None]
        self.register_buffer("place", place, persistent=False)

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        controls: Float[Tensor, "batch controls"],
        worn: Float[Tensor, "batch shapes"],
    ) -> NetworkAnswer:
        """Answer for sRGB-encoded pictures in [0, 1], control vectors, and what the source wears.

        `worn` are ARKit weights in the order of `ARKIT_SHAPES`.
        """
        surface: ReadSurface = self.surface(image)
        with torch.autocast(image.device.type, enabled=False):
            expected = expected_answer(
                self.regression, surface, image.float(), controls.float(), worn.float()
            )
        seen = [
            F.pixel_unshuffle(image - 0.5, 2),
            *expected.seen(),
            self.place.expand(image.shape[0], -1, -1, -1),
            *expected.seen_besides(),
        ]
        lost = worn * controls[:, -1:]  # what `neutral` takes away
        asked = torch.cat([controls, lost], dim=1)
        asked = torch.cat([asked, F.silu(self.embed(asked))], dim=1)
        eighth, quarter, half = self._refined(torch.cat(seen, dim=1), asked)
        fine, gain, cover, paint = self.answer(F.silu(half)).float().split([2, 3, 4, 12], dim=1)
        stronger = 1 + enlarged(torch.tanh(self.stronger(eighth).float()), self.side_px)
        own = doubled(self.motion_eighth(eighth).float())
        own = doubled(doubled(own + self.motion_quarter(quarter).float()) + fine)
        strength = (controls.abs().amax(1) / _FULL_STRENGTH).clamp(max=1.0)[:, None, None, None]
        motion = expected.motion * stronger + own * strength * _MOTION_UNIT
        if not self.training:  # the rig's motion knows no shadows: learning would take it back
            motion = motion + expected.retreat
        return NetworkAnswer(
            motion=motion * share_of_face(expected.kinds, motion),
            gain=_LARGEST_GAIN * torch.tanh(gain) * strength + expected.light,
            cover=F.pixel_shuffle(cover, 2)
            + uncovered(expected, surface, worn)
            - 12.0 * (1 - strength),
            paint=torch.sigmoid(2 * F.pixel_shuffle(paint, 2)),
            teeth=expected.teeth,
        )

    def _refined(
        self, seen: Float[Tensor, "batch channels half half"], asked: Float[Tensor, "batch asked"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features at an eighth, a quarter and a half of the side."""
        half = self.half_in(self.read(seen), asked)
        quarter = self.shrink_half(half)
        for block in self.quarter_in:
            quarter = block(quarter, asked)
        eighth = self.shrink_quarter(quarter)
        for block in self.eighth:
            eighth = block(eighth, asked)
        quarter = quarter + F.pixel_shuffle(self.grow_eighth(F.silu(eighth)), 2)
        for block in self.quarter_out:
            quarter = block(quarter, asked)
        half = self.half_out(half + F.pixel_shuffle(self.grow_quarter(F.silu(quarter)), 2), asked)
        return eighth, quarter, half


def _head(channels: int, outputs: int) -> nn.Conv2d:
    """A convolution that says next to nothing at first."""
    layer = nn.Conv2d(channels, outputs, 3, padding=1)
    with torch.no_grad():
        layer.weight *= 0.1
        layer.bias.zero_()  # type: ignore[union-attr]
    return layer
