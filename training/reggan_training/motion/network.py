"""RegGAN that answers with motion, light gain, cover and paint (model contract 2).

    y(q) = (1 - c(q)) e^g(q) x(q + m(q)) + c(q) p(q)

m is the backward motion in parts of the crop's side, g the log of a factor on linear light, c the
share of pixels that nothing in the source shows, p their colour. The regression layer's change is
a hint beside the picture. Where the network starts from is geometry: what place of a face each
pixel shows and how the head is turned are read from the picture (`SurfaceReader`), how that place
moves is regressed in closed form (`surface_regression`). What the source wears of its own, and
shall lose, is asked for as a negative (`SourceReader` reads it from the picture).
Convolutions run on the unshuffled picture, at a half, a quarter and an eighth of the side.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_plugin.controls import ARKIT_SHAPES, CONTROLS
from reggan_training.motion.sampling import enlarged
from reggan_training.motion.shape_regression import ShapeRegression
from reggan_training.motion.surface_reader import ReadSurface, SurfaceReader
from reggan_training.motion.surface_regression import displacement_at, fixed_point

_EMBEDDING = 96
_LARGEST_GAIN = 0.7
"""Natural log of the largest factor on linear light."""
_MOTION_UNIT = 1 / 64
"""Motion of 1 at a head of the network, in parts of the crop's side."""
_COVER_SLOPE = 6.0
"""Logit per unit of the average face's linear cover."""
_TORN_AREA = 0.5
"""Of a pixel, in parts of the source's, below which it is taken for torn."""
_LIPS_Y = -0.8
"""Canonical height below which it is the lips that part, and no lid that closes."""
_FULL_STRENGTH = 0.15
"""Requests below this fade to no change at all."""


class NetworkAnswer(NamedTuple):
    """What the network answers.

    `motion` [batch 2 half half] in parts of the side; `gain` [batch 3 half half], natural log, on
    linear light; `cover` [batch 1 side side] as logits; `paint` [batch 3 side side], sRGB-encoded.
    """

    motion: Float[Tensor, "batch 2 half half"]
    gain: Float[Tensor, "batch 3 half half"]
    cover: Float[Tensor, "batch 1 side side"]
    paint: Float[Tensor, "batch 3 side side"]


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
    """

    place: Tensor

    def __init__(
        self,
        width: int = 24,
        side_px: int = 128,
        regression: ShapeRegression | None = None,
    ) -> None:
        super().__init__()
        self.side_px, self.width = side_px, width
        self.regression = regression or ShapeRegression()
        asked = len(CONTROLS) + len(ARKIT_SHAPES)
        embedded = asked + _EMBEDDING
        self.embed = nn.Linear(asked, _EMBEDDING)
        self.surface = SurfaceReader(side_px)
        self.read = nn.Conv2d(12 + 3 + 2 + 2 + 1 + 2, width, 3, padding=1)
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
        surface: ReadSurface | None = None,
    ) -> NetworkAnswer:
        """Answer for sRGB-encoded pictures in [0, 1], control vectors, and what the source wears.

        `worn` are ARKit weights in the order of `ARKIT_SHAPES`; `surface` is read if not given.
        """
        surface = surface or self.surface(image)
        lost = worn * controls[:, -1:]  # what `neutral` takes away
        with torch.autocast(image.device.type, enabled=False):
            change = (controls[:, :-1] - lost).float()
            asked_colours = torch.cat([change, controls[:, -1:].float()], dim=1)
            hint = self._at_half(self.regression(image.float(), asked_colours))
            expected, unsolved = self._expected(change, surface)
            opening = self._at_half(self.regression.cover(change))
        seen = [
            F.pixel_unshuffle(image - 0.5, 2),
            4 * hint,
            16 * expected,
            16 * unsolved,
            opening,
        ]
        place = self.place.expand(image.shape[0], -1, -1, -1)
        asked = torch.cat([controls, lost], dim=1)
        asked = torch.cat([asked, F.silu(self.embed(asked))], dim=1)
        half = self.half_in(self.read(torch.cat([*seen, place], dim=1)), asked)
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
        fine, gain, cover, paint = self.answer(F.silu(half)).float().split([2, 3, 4, 12], dim=1)
        is_mouth = surface.place[:, 1:] < _LIPS_Y
        uncovered = torch.where(is_mouth, _parted(expected, unsolved), opening)
        stronger = 1 + enlarged(torch.tanh(self.stronger(eighth).float()), self.side_px // 2)
        coarse = _doubled(self.motion_eighth(eighth).float())
        motion = _doubled(coarse + self.motion_quarter(quarter).float()) + fine
        strength = (controls.abs().amax(1) / _FULL_STRENGTH).clamp(max=1.0)[:, None, None, None]
        return NetworkAnswer(
            motion=expected * stronger + motion * strength * _MOTION_UNIT,
            gain=_LARGEST_GAIN * torch.tanh(gain) * strength,
            cover=F.pixel_shuffle(cover, 2)
            + _doubled(_COVER_SLOPE * (uncovered - 0.4).clamp(-0.6, 0.6))
            - 12.0 * (1 - strength),
            paint=torch.sigmoid(2 * F.pixel_shuffle(paint, 2)),
        )

    def _expected(
        self, change: Float[Tensor, "batch shapes"], surface: ReadSurface
    ) -> tuple[Float[Tensor, "batch 2 half half"], Float[Tensor, "batch 2 half half"]]:
        """Backward motion of an average face with this one's features, and what is unsolved."""
        moved = displacement_at(self.regression.displacement(change), surface.place)
        forward = torch.einsum("bij,bjyx->biyx", surface.projection, moved)
        start = self._at_half(self.regression.motion(change))
        solved, unsolved = fixed_point(forward, start)
        # beside a seam that opens, rounds lead now to one lip, now to the other
        lost = F.max_pool2d(_missed(unsolved) * (surface.place[:, 1:] < _LIPS_Y).float(), 5, 1, 2)
        return solved + lost * (start - solved), unsolved

    def _at_half(self, values: Float[Tensor, "batch channels low low"]) -> Tensor:
        """Values of the regression layer at half of the side."""
        half = self.side_px // 2
        if values.shape[-1] == half:
            return values
        return F.interpolate(values, size=(half, half), mode="bilinear")


def _head(channels: int, outputs: int) -> nn.Conv2d:
    """A convolution that says next to nothing at first."""
    layer = nn.Conv2d(channels, outputs, 3, padding=1)
    with torch.no_grad():
        layer.weight *= 0.1
        layer.bias.zero_()  # type: ignore[union-attr]
    return layer


def _doubled(
    values: Float[Tensor, "batch channels low low"],
) -> Float[Tensor, "batch channels high high"]:
    return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)


def _parted(
    motion: Float[Tensor, "batch 2 low low"], unsolved: Float[Tensor, "batch 2 low low"]
) -> Float[Tensor, "batch 1 low low"]:
    """Where nothing of the source is seen, 0 to 1: between two lips.

    No place of the surface comes to lie there, or next to none: a seam of the source, drawn out.
    """
    low = motion.shape[-1]
    x = F.pad(motion[..., 2:] - motion[..., :-2], (1, 1)) * (low / 2)
    y = F.pad(motion[..., 2:, :] - motion[..., :-2, :], (0, 0, 1, 1)) * (low / 2)
    area = (1 + x[:, :1]) * (1 + y[:, 1:]) - x[:, 1:] * y[:, :1]
    torn = (1 - area / _TORN_AREA).clamp(0.0, 1.0)
    return torch.maximum(torn, _missed(unsolved))


def _missed(unsolved: Float[Tensor, "batch 2 low low"]) -> Float[Tensor, "batch 1 low low"]:
    """1 where the places found miss a pixel by its side or more."""
    return (unsolved.shape[-1] * unsolved.abs().sum(1, keepdim=True)).clamp(0.0, 1.0)
