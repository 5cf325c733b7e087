"""RegGAN: a regression layer, then a refinement network that moves and paints.

The regression layer (see `reggan_training.regression`) gives the *intermediate representation*:
where brows, lids and mouth go, blurred. The refinement network reads it beside the input and
answers with three things: a flow field that moves what is there already, a residual that paints
what is not (teeth, the inside of a mouth, creases), and a gate that chooses between the two.
Moving keeps the identity's own texture, and half a flow is half a smile.

All of its convolutions run on the pixel-unshuffled image, at a quarter and an eighth of the
side; without normalisation layers, so that nothing depends on the batch or on the whole picture.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.regression import RegressionSettings

_FULL_PAINT_INTENSITY = 0.25
"""From this intensity on the gate opens fully; below, it closes towards "unchanged"."""


@dataclass(frozen=True, kw_only=True)
class RegGANSettings:
    """Size of the network.

    Attributes:
        side_px: side of the crop.
        expressions: entries of the expression vector.
        quarter_channels: width at a quarter of the side.
        eighth_channels: width at an eighth of the side.
        eighth_blocks: residual blocks at an eighth of the side.
        max_flow: longest motion, as a fraction of the side.
    """

    side_px: int = 256
    expressions: int = 7
    quarter_channels: int = 48
    eighth_channels: int = 96
    eighth_blocks: int = 6
    max_flow: float = 0.15


class RegressionLayer(nn.Module):
    """Applies the solved filters of every expression, blended by intensity.

    The buffers hold the *change* of each expression, W - I, so that intensities simply add:
    W(a) = I + sum_e a_e (W_e - I). The taps are gathered by a one-hot convolution, the form
    that ONNX Runtime and TensorRT run fastest.
    """

    changes: Tensor  # [expressions, columns, side, side]
    one_hot: Tensor  # [3 * taps, 1, field, field]

    def __init__(self, settings: RegressionSettings, expressions: int) -> None:
        super().__init__()
        if not (settings.shared_channels and settings.with_bias):
            raise ValueError("the network takes filters with shared channels and a bias")
        self.settings = settings
        taps, side, field = settings.taps, settings.side_px, settings.field_px
        self.register_buffer("changes", torch.zeros(expressions, taps + 1, side, side))
        one_hot = torch.eye(taps).reshape(taps, 1, field, field).repeat(3, 1, 1, 1)
        self.register_buffer("one_hot", one_hot, persistent=False)

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch 3 side side"]:
        """The intermediate representation at the layer's resolution."""
        settings = self.settings
        side, taps = settings.side_px, settings.taps
        blended = (expression @ self.changes.flatten(1)).reshape(-1, taps + 1, side, side)
        gathered = F.conv2d(
            image,
            self.one_hot,
            padding=settings.dilation * (settings.field_px // 2),
            dilation=settings.dilation,
            groups=3,
        ).reshape(-1, 3, taps, side, side)
        change = (gathered * blended[:, None, :taps]).sum(dim=2) + blended[:, taps:]
        return image + change


class ModulatedBlock(nn.Module):
    """Residual block whose hidden features are scaled and shifted by the expression.

    Source: Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.
    """

    def __init__(self, channels: int, expressions: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.modulation = nn.Linear(expressions, 2 * channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight *= 0.1

    def forward(
        self,
        features: Float[Tensor, "batch channels height width"],
        expression: Float[Tensor, "batch expressions"],
    ) -> Float[Tensor, "batch channels height width"]:
        """Features changed by what the expression asks for."""
        scale, shift = self.modulation(expression)[:, :, None, None].chunk(2, dim=1)
        hidden = F.relu(self.first(features) * (1 + scale) + shift)
        result: Tensor = features + self.second(hidden)
        return result


class RefinementNetwork(nn.Module):
    """Answers flow, residual and gate for an image and its intermediate representation."""

    def __init__(self, settings: RegGANSettings) -> None:
        super().__init__()
        self.settings = settings
        quarter, eighth = settings.quarter_channels, settings.eighth_channels
        side, expressions = settings.side_px // 8, settings.expressions
        self.read = nn.Conv2d(3 * 16 + 3 * 4, quarter, 3, padding=1)
        self.encode = ModulatedBlock(quarter, expressions)
        self.shrink = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.place = nn.Parameter(torch.zeros(1, eighth, side, side))
        self.body = nn.ModuleList(
            ModulatedBlock(eighth, expressions) for _ in range(settings.eighth_blocks)
        )
        self.grow = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decode = ModulatedBlock(quarter, expressions)
        self.answer = nn.Conv2d(quarter, 3 * 16 + 16 + 2, 3, padding=1)
        nn.init.zeros_(self.answer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.answer.weight *= 0.1

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        change: Float[Tensor, "batch 3 half half"],
        expression: Float[Tensor, "batch expressions"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Flow [batch 2 side/4 side/4] in [-1, 1], residual [batch 3 side side], gate logit."""
        seen = torch.cat([F.pixel_unshuffle(image - 0.5, 4), F.pixel_unshuffle(4 * change, 2)], 1)
        quarter = self.encode(F.relu(self.read(seen)), expression)
        eighth = self.shrink(quarter) + self.place
        for block in self.body:
            eighth = block(eighth, expression)
        quarter = self.decode(quarter + F.pixel_shuffle(self.grow(F.relu(eighth)), 2), expression)
        flow, residual, gate = self.answer(F.relu(quarter)).split([2, 48, 16], dim=1)
        return torch.tanh(flow), F.pixel_shuffle(residual, 4), F.pixel_shuffle(gate, 4)


class RegGAN(nn.Module):
    """The whole model: image and expression in, face and mask out (see `ModelCard`)."""

    masks: Tensor  # [expressions, side/4, side/4]
    grid: Tensor  # [1, side, side, 2]

    def __init__(self, settings: RegGANSettings, regression: RegressionSettings) -> None:
        super().__init__()
        self.settings = settings
        self.regression = RegressionLayer(regression, settings.expressions)
        self.refinement = RefinementNetwork(settings)
        quarter = settings.side_px // 4
        self.register_buffer("masks", torch.ones(settings.expressions, quarter, quarter))
        centres = (torch.arange(settings.side_px) + 0.5) / settings.side_px * 2 - 1
        grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
        self.register_buffer("grid", grid[None], persistent=False)

    def forward(
        self,
        image: Float[Tensor, "batch 3 side side"],
        expression: Float[Tensor, "batch expressions"],
    ) -> tuple[Float[Tensor, "batch 3 side side"], Float[Tensor, "batch 1 side side"]]:
        """Image in [0, 1] with the expression, and the soft mask of where it may differ."""
        strength = expression.amax(dim=1)[:, None, None, None]
        exaggeration = strength.clamp(min=1.0)
        asked = expression / exaggeration[:, :, 0, 0]
        intermediate, change = self.regress(image, asked)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            flow, residual, gate = self.refinement(image, change, asked)
        moved = self.move(image, flow.float() * strength)
        openness = torch.sigmoid(gate.float()) * (strength / _FULL_PAINT_INTENSITY).clamp(max=1.0)
        painted = intermediate + residual.float()
        face = (moved + openness * (painted - moved)).clamp(0.0, 1.0)
        return face, self.mask(expression)

    def regress(self, image: Tensor, expression: Tensor) -> tuple[Tensor, Tensor]:
        """The intermediate representation at full size, and its change at half size."""
        half = F.avg_pool2d(image, self.settings.side_px // self.regression.settings.side_px)
        regressed = self.regression(half, expression)
        return self._enlarge(regressed), regressed - half

    def move(
        self, image: Float[Tensor, "batch 3 side side"], flow: Float[Tensor, "batch 2 low low"]
    ) -> Float[Tensor, "batch 3 side side"]:
        """The image sampled where the flow points; a flow of 1 is `max_flow` of the side."""
        shift = self._enlarge(flow).permute(0, 2, 3, 1) * (2 * self.settings.max_flow)
        return F.grid_sample(
            image, self.grid + shift, mode="bilinear", padding_mode="border", align_corners=False
        )

    def mask(
        self, expression: Float[Tensor, "batch expressions"]
    ) -> Float[Tensor, "batch 1 side side"]:
        """Where any of the expressions that are asked for changes a face."""
        asked_for = (expression > 0).to(expression.dtype)[:, :, None, None]
        return self._enlarge((asked_for * self.masks).amax(dim=1, keepdim=True))

    def _enlarge(self, values: Tensor) -> Tensor:
        side = self.settings.side_px
        return F.interpolate(values, size=(side, side), mode="bilinear", align_corners=False)
