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

from reggan_plugin.controls import ARKIT_SHAPES, CONTROLS
from reggan_training.motion.sampling import enlarged, warp
from reggan_training.motion.shape_regression import ShapeRegression
from reggan_training.motion.surface_reader import ReadSurface, SurfaceReader
from reggan_training.motion.surface_regression import (
    eye_table,
    fixed_point,
    lip_tables,
    values_at,
)
from reggan_training.pairs.lip_seam import MOUTH_CORNER_X, SEAM_Y
from reggan_training.pairs.rasterised_head import MOUTH_PX
from reggan_training.pairs.truth import PixelKind

_EMBEDDING = 96
_LARGEST_GAIN = 0.7
"""Natural log of the largest factor on linear light."""
_MOTION_UNIT = 1 / 64
"""Motion of 1 at a head of the network, in parts of the crop's side."""
_COVER_SLOPE = 6.0
"""Logit per unit of the average face's linear cover."""
_LIPS_Y = -0.8
"""Canonical height below which it is the lips that part, and no lid that closes."""
_GAP_SLOPE, _LEAST_GAP = 180.0, 0.02
"""Logit per eye distance between the lips, and the distance from which the inside is seen."""
_OPENED, _SHADOW, _SHADOW_REACH = 0.06, 0.035, 0.05
"""Distance between lips that are open, how far their edges are drawn from the seam's shadow, and
over what width; in eye distances."""
_EYE_SLOPE = 12.0
"""Logit per probability that a pixel shows an eyeball."""
_CORNER_SLOPE = 0.6
"""Of the edge of a mouth that opens, beside its corners."""
BLINKS = [ARKIT_SHAPES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
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
        self.read = nn.Conv2d(12 + 3 + 2 + 2 + 1 + 2 + 1 + len(PixelKind) + 1, width, 3, padding=1)
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
        half_px = self.side_px // 2
        lost = worn * controls[:, -1:]  # what `neutral` takes away
        with torch.autocast(image.device.type, enabled=False):
            change = (controls[:, :-1] - lost).float()
            asked_colours = torch.cat([change, controls[:, -1:].float()], dim=1)
            hint = self._sized(self.regression(image.float(), asked_colours), half_px)
            kinds = torch.softmax(surface.kinds, dim=1)
            moved = self._expected(change, surface, kinds[:, PixelKind.EYE][:, None])
            opening = self._sized(self.regression.cover(change), half_px)
            coarse = surface.halved()
            rest = self._forward_motion(self.regression.surface(worn.float()), coarse)
            teeth = self.regression.teeth(coarse, rest, change + worn.float(), MOUTH_PX)
            found = F.avg_pool2d(moved.place, 2)
            light = self.regression.light(F.avg_pool2d(image.float(), 2), coarse, found, change)
            face = _share_of_face(kinds, moved.motion)
            light = light * F.avg_pool2d(face, 2)
        seen = [
            F.pixel_unshuffle(image - 0.5, 2),
            4 * hint,
            16 * F.avg_pool2d(moved.motion, 2),
            16 * F.avg_pool2d(moved.unsolved, 2),
            opening,
            self.place.expand(image.shape[0], -1, -1, -1),
            8 * F.avg_pool2d(moved.gap, 2).clamp(-0.15, 0.15),
            F.avg_pool2d(kinds, 2),
            4 * light,
        ]
        asked = torch.cat([controls, lost], dim=1)
        asked = torch.cat([asked, F.silu(self.embed(asked))], dim=1)
        eighth, quarter, half = self._refined(torch.cat(seen, dim=1), asked)
        fine, gain, cover, paint = self.answer(F.silu(half)).float().split([2, 3, 4, 12], dim=1)
        stronger = 1 + enlarged(torch.tanh(self.stronger(eighth).float()), self.side_px)
        own = _doubled(self.motion_eighth(eighth).float())
        own = _doubled(_doubled(own + self.motion_quarter(quarter).float()) + fine)
        strength = (controls.abs().amax(1) / _FULL_STRENGTH).clamp(max=1.0)[:, None, None, None]
        motion = moved.motion * stronger + own * strength * _MOTION_UNIT
        if not self.training:  # no render has this shadow, and so no truth would leave it alone
            motion = motion + moved.retreat
        return NetworkAnswer(
            motion=motion * _share_of_face(kinds, motion),
            gain=_LARGEST_GAIN * torch.tanh(gain) * strength + light,
            cover=F.pixel_shuffle(cover, 2)
            + self._uncovered(opening, moved.gap, surface, worn)
            - 12.0 * (1 - strength),
            paint=torch.sigmoid(2 * F.pixel_shuffle(paint, 2)),
            teeth=teeth,
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

    @staticmethod
    def _forward_motion(
        table: Float[Tensor, "batch 3 cells cells"], surface: ReadSurface
    ) -> Float[Tensor, "batch 2 size size"]:
        """Where what each pixel shows goes, in parts of the side."""
        moved = values_at(table, surface.place)
        return torch.einsum("bij,bjyx->biyx", surface.projection, moved)

    def _expected(
        self,
        change: Float[Tensor, "batch shapes"],
        surface: ReadSurface,
        eye: Float[Tensor, "batch 1 side side"],
    ) -> "_Expected":
        """What an average face with this one's features does.

        Each lip is followed by itself. A pixel shows the lip whose place there is on its own side
        of the seam; where neither is, the gap says by how much, in eye distances. A pixel shows an
        eyeball where no skin has come over it.
        """
        start = self._sized(self.regression.motion(change), self.side_px)
        lips = []
        table = self.regression.surface(change)
        for sign, own in zip((1, -1), lip_tables(table), strict=True):
            solved, unsolved = fixed_point(self._forward_motion(own, surface), start)
            found = warp(surface.place, solved)
            beyond = torch.minimum(
                sign * (SEAM_Y - found[:, 1:]),
                _CORNER_SLOPE * (MOUTH_CORNER_X - found[:, :1].abs()),
            )
            lips.append(_Lip(solved, unsolved, found, beyond))
        upper, lower = lips
        is_upper = upper.beyond < lower.beyond
        solved, unsolved, place = (torch.where(is_upper, upper[k], lower[k]) for k in range(3))
        gap = torch.minimum(upper.beyond, lower.beyond)
        opened = ((upper.beyond + lower.beyond) / _OPENED - 0.5).clamp(0, 1)
        shy = _SHADOW * opened * torch.exp(gap.clamp(max=0) / _SHADOW_REACH)
        retreat = torch.where(is_upper, shy, -shy) * surface.projection[:, :, 1, None, None]
        ball, _ = fixed_point(self._forward_motion(eye_table(table), surface), 0 * start)
        eye = _doubled(F.avg_pool2d(eye, 2))
        is_ball = torch.sigmoid(_EYE_SLOPE * (warp(eye, solved) - 0.5))
        solved = solved + is_ball * (ball - solved)
        return _Expected(solved, unsolved, place, gap, retreat)

    def _uncovered(
        self,
        opening: Float[Tensor, "batch 1 half half"],
        gap: Float[Tensor, "batch 1 side side"],
        surface: ReadSurface,
        worn: Float[Tensor, "batch shapes"],
    ) -> Float[Tensor, "batch 1 side side"]:
        """Logits of cover as geometry knows it: of the mouth its gap, of the eyes an average's.

        Eyes are painted only where the source has them closed; open ones are stretched.
        """
        closed = (2 * worn[:, BLINKS].amax(1)).clamp(max=1.0)[:, None, None, None]
        eyes = _doubled(_COVER_SLOPE * (opening - 0.4).clamp(-0.6, 0.6)) - 12.0 * (1 - closed)
        mouth = (_GAP_SLOPE * (gap - _LEAST_GAP)).clamp(-6.0, 6.0)
        return torch.where(surface.place[:, 1:] < _LIPS_Y, mouth, eyes)

    @staticmethod
    def _sized(values: Float[Tensor, "batch channels low low"], side: int) -> Tensor:
        """Values of the regression layer at another resolution."""
        if values.shape[-1] == side:
            return values
        return F.interpolate(values, size=(side, side), mode="bilinear")


class _Lip(NamedTuple):
    """What follows one lip: backward motion, what is unsolved, the place that is found there, and
    how far that is beyond the lip, in eye distances.
    """

    motion: Float[Tensor, "batch 2 side side"]
    unsolved: Float[Tensor, "batch 2 side side"]
    place: Float[Tensor, "batch 2 side side"]
    beyond: Float[Tensor, "batch 1 side side"]


class _Expected(NamedTuple):
    """What the closed form says of every pixel after the motion.

    `motion`, `unsolved`: backward, in parts of the side. `place` that a pixel shows. `gap`: how far
    it is from the nearer lip, in eye distances; below 0 on a lip. `retreat`: a motion away from the
    seam, where the shadow between closed lips would be left on the edge of open ones.
    """

    motion: Float[Tensor, "batch 2 side side"]
    unsolved: Float[Tensor, "batch 2 side side"]
    place: Float[Tensor, "batch 2 side side"]
    gap: Float[Tensor, "batch 1 side side"]
    retreat: Float[Tensor, "batch 2 side side"]


def _share_of_face(
    kinds: Float[Tensor, "batch 5 side side"], motion: Float[Tensor, "batch 2 side side"]
) -> Float[Tensor, "batch 1 side side"]:
    """How much a pixel moves: what stands before the face stays, and nothing around it is drawn
    along.
    """
    front, behind = (kinds[:, kind][:, None] for kind in (PixelKind.FRONT, PixelKind.BEHIND))
    return (1 - front) * warp((1 - front - behind).clamp(min=0.0), motion.detach())


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
