"""RegGAN: a regression layer, then a refinement network that moves and paints; and the paper's own.

The regression layer (see `reggan_training.papers.ridge_regression`) gives the *intermediate
representation*: where brows, lids and mouth go, blurred. The refinement network reads it beside the
input and answers with three things: a flow field that moves what is there already, a residual that
paints what is not (teeth, the inside of a mouth, creases), and a gate that chooses between the two.
Moving keeps the identity's own texture, and half a flow is half a smile.

All of its convolutions run on the pixel-unshuffled image, at a quarter and an eighth of the
side; without normalisation layers, so that nothing depends on the batch or on the whole picture.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reggan_training.papers.networks.encoder_decoder import (
    Decoder,
    Encoder,
    ResidualBlock,
    difference_head,
    tile_expression,
)
from reggan_training.papers.networks.expression_model import ModelSettings, split_exaggeration
from reggan_training.papers.networks.masked_regression import MaskedRegression
from reggan_training.tensor_shapes import Features, Images, Intensities

_FULL_PAINT_INTENSITY = 0.25
"""From this intensity on the gate opens fully; below, it closes towards "unchanged"."""
_QUARTER_CHANNELS, _EIGHTH_CHANNELS, _EIGHTH_BLOCKS = 48, 96, 6
"""Width at a quarter and at an eighth of the side, and residual blocks at the latter."""


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

    def forward(self, features: Features, expression: Intensities) -> Features:
        """Features changed by what the expression asks for."""
        scale, shift = self.modulation(expression)[:, :, None, None].chunk(2, dim=1)
        hidden = F.relu(self.first(features) * (1 + scale) + shift)
        result: Tensor = features + self.second(hidden)
        return result


class RefinementNetwork(nn.Module):
    """Answers flow, residual and gate for an image and its intermediate representation."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        quarter = settings.channels(_QUARTER_CHANNELS)
        eighth = settings.channels(_EIGHTH_CHANNELS)
        side, expressions = settings.side_px // 8, settings.expressions
        self.reads_input = settings.reads_input
        self.unshuffle = 4 * settings.regression.side_px // settings.side_px
        seen = 3 * self.unshuffle**2 + (3 * 16 if settings.reads_input else 0)
        self.read = nn.Conv2d(seen, quarter, 3, padding=1)
        self.encode = ModulatedBlock(quarter, expressions)
        self.shrink = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.place = nn.Parameter(torch.zeros(1, eighth, side, side))
        self.body = nn.ModuleList(
            ModulatedBlock(eighth, expressions) for _ in range(_EIGHTH_BLOCKS)
        )
        self.grow = nn.Conv2d(eighth, 4 * quarter, 1)
        self.decode = ModulatedBlock(quarter, expressions)
        self.answer = nn.Conv2d(quarter, 3 * 16 + 16 + 2, 3, padding=1)
        nn.init.zeros_(self.answer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.answer.weight *= 0.1

    def forward(
        self,
        image: Images,
        regressed: Float[Tensor, "batch 3 low low"],
        change: Float[Tensor, "batch 3 low low"],
        expression: Intensities,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Flow [batch 2 side/4 side/4] in [-1, 1], residual [batch 3 side side], gate logit.

        With the input beside it, the regression layer's *change* says all; alone, its output.
        """
        if self.reads_input:
            apart = F.pixel_unshuffle(image - 0.5, 4), F.pixel_unshuffle(4 * change, self.unshuffle)
            seen = torch.cat(apart, dim=1)
        else:
            seen = F.pixel_unshuffle(regressed - 0.5, self.unshuffle)
        quarter = self.encode(F.relu(self.read(seen)), expression)
        eighth = self.shrink(quarter) + self.place
        for block in self.body:
            eighth = block(eighth, expression)
        quarter = self.decode(quarter + F.pixel_shuffle(self.grow(F.relu(eighth)), 2), expression)
        flow, residual, gate = self.answer(F.relu(quarter)).split([2, 48, 16], dim=1)
        return torch.tanh(flow), F.pixel_shuffle(residual, 4), F.pixel_shuffle(gate, 4)


class RegGAN(MaskedRegression):
    """The regression layer and its refinement."""

    architecture = "reggan"
    grid: Tensor  # [1, side, side, 2]

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.refinement = RefinementNetwork(settings)
        centres = (torch.arange(settings.side_px) + 0.5) / settings.side_px * 2 - 1
        grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
        self.register_buffer("grid", grid[None], persistent=False)

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Move what is there, and paint over it where the gate is open."""
        strength = expression.amax(dim=1)[:, None, None, None]
        asked = expression / strength.clamp(min=1.0)[:, :, 0, 0]
        regressed, change = self.regress_low(image, asked)
        intermediate = self.enlarge(regressed)
        with self.precision(image):
            flow, residual, gate = self.refinement(image, regressed, change, asked)
        movable = image if self.settings.reads_input else intermediate
        moved = self.move(movable, flow.float() * strength)
        openness = torch.sigmoid(gate.float()) * (strength / _FULL_PAINT_INTENSITY).clamp(max=1.0)
        painted = intermediate + residual.float()
        return (moved + openness * (painted - moved)).clamp(0.0, 1.0)

    def move(self, image: Images, flow: Float[Tensor, "batch 2 low low"]) -> Images:
        """Sample the image where the flow points; a flow of 1 is `max_flow` of the side."""
        shift = self.enlarge(flow).permute(0, 2, 3, 1) * (2 * self.settings.max_flow)
        return F.grid_sample(
            image, self.grid + shift, mode="bilinear", padding_mode="border", align_corners=False
        )


class RegGANPaper(MaskedRegression):
    """RegGAN as the authors' figures show it: what is refined is the regression's output alone.

    The paper's layers are not visible in what could be read of it. Its figures show a refined
    image that follows the regression layer's output and depends on the input in no other way;
    this network does the same. The body is that of the authors' US-GAN, whose last skip starts
    from the intermediate representation here.

    Source: Akram, Khan & Mahmood, "RegGAN", arXiv 2603.15648, section 3.
    """

    architecture = "reggan-paper"

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        channels = settings.channels(64)
        self.encoder = Encoder(settings)
        self.middle = ResidualBlock(settings)
        self.decoder = Decoder(settings)
        self.head = difference_head(channels)

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Refine the intermediate representation; beyond intensity 1 the difference grows."""
        asked, exaggeration = split_exaggeration(expression)
        intermediate = 2 * self.regress(image, asked)[0] - 1
        with self.precision(image):
            seen = self.encoder(tile_expression(intermediate, asked), asked)
            maps = self.decoder(self.middle(seen, asked), asked)
            painted = torch.tanh(self.head(maps))
        face = (intermediate + painted.float() + 1) / 2
        return (image + exaggeration * (face - image)).clamp(0.0, 1.0)
