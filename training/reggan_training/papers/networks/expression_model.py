"""Base of every expression model: an image and intensities in, a face and its mask out."""

from contextlib import AbstractContextManager
from dataclasses import field
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.papers.ridge_regression import RegressionSettings
from reggan_training.tensor_shapes import Images, Intensities, Masks

SIDE_STEP_PX, LEAST_SIDE_PX = 16, 32
"""Sides are multiples of the first, as all networks halve their maps up to four times."""


@frozen
class ModelSettings:
    """The choice of a network, and its size.

    Attributes:
        architecture: a name of `architectures.architectures`.
        side_px: side of the crop.
        width: factor on every channel count; 1 is the published size.
        expressions: entries of the expression vector.
        reads_input: RegGAN's refinement sees the input beside the regression layer's output, and
            moves the one rather than the other.
        conditioned_norms: StarGAN, US-GAN, SARGAN and GANimation hear the expression after every
            normalisation too, not only beside the colours; see `encoder_decoder`.
        max_flow: longest motion of RegGAN, as a fraction of the side.
        regression: the regression layer under `reggan`, `reggan-paper` and `regression`.
    """

    architecture: str = "reggan"
    side_px: int = 256
    width: float = 1.0
    expressions: int = len(EXPRESSION_NAMES)
    reads_input: bool = True
    conditioned_norms: bool = False
    max_flow: float = 0.15
    regression: RegressionSettings = field(default_factory=lambda: RegressionSettings(dilation=3))

    def __post_init__(self) -> None:
        if self.side_px < LEAST_SIDE_PX or self.side_px % SIDE_STEP_PX:
            raise ValueError(
                f"side_px is {self.side_px}; take a multiple of {SIDE_STEP_PX} from "
                f"{LEAST_SIDE_PX} on"
            )
        if self.side_px not in (self.regression.side_px * part for part in (1, 2, 4)):
            raise ValueError(
                f"regression.side_px is {self.regression.side_px}; take the {self.side_px} of "
                "side_px, its half or its quarter"
            )
        if not 0 < self.width <= 4:
            raise ValueError(f"width is {self.width:g}; take more than 0, at most 4")
        if not self.reads_input and self.architecture != "reggan":
            raise ValueError(f"reads_input is an option of reggan alone, not {self.architecture}")

    def channels(self, count: int) -> int:
        """So many channels at width 1, scaled and rounded to a multiple of four."""
        return max(4, 4 * round(count * self.width / 4))


class ExpressionModel(nn.Module):
    """Base of all architectures: the learnt change masks, and how intensities select them.

    Mask and composite are the same for every architecture, so that what is compared is what
    they paint. Subclasses answer `make_face`.

    Attributes:
        half_precision: run the convolutions in bfloat16 while training; results stay float32.
    """

    architecture: ClassVar[str]
    masks: Tensor  # [expressions, low, low], low by `mask_side_px`

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.half_precision = False
        low_px = mask_side_px(settings.side_px)
        self.register_buffer("masks", torch.ones(settings.expressions, low_px, low_px))

    @property
    def side_px(self) -> int:
        """Side of the crop."""
        return self.settings.side_px

    def forward(self, image: Images, expression: Intensities) -> tuple[Images, Masks]:
        """Image in [0, 1] with the expression, and the soft mask of where it may differ.

        `expression` holds intensities, 0 to 1.5; all zeros mean "unchanged": the mask is 0.
        """
        return self.make_face(image, expression), self.mask(expression)

    def make_face(self, image: Images, expression: Intensities) -> Images:
        """Make the whole crop with the expression, in [0, 1]; only what the mask shows counts."""
        raise NotImplementedError

    def mask(self, expression: Intensities) -> Masks:
        """Mask of the changes of all expressions that are asked for."""
        asked_for = (expression > 0).to(expression.dtype)[:, :, None, None]
        return self.enlarge((asked_for * self.masks).amax(dim=1, keepdim=True))

    @torch.no_grad()
    def take_masks(
        self,
        masks: Float[Tensor, "expressions low low"],
        seen: Bool[Tensor, " expressions"],
        *,
        keep_unseen: bool,
    ) -> None:
        """Let the masks be those that were learnt.

        Args:
            masks: where every expression changes a face.
            seen: which of them any face showed.
            keep_unseen: whether the others keep the mask that they had.
        """
        self.masks.copy_(torch.where(seen[:, None, None] | (not keep_unseen), masks, self.masks))

    def precision(self, image: Tensor) -> AbstractContextManager[None]:
        """Within it convolutions run in bfloat16, if this model trains in half precision."""
        enabled = self.training and self.half_precision
        return torch.autocast(image.device.type, torch.bfloat16, enabled=enabled)

    def enlarge(self, values: Float[Tensor, "batch maps low low"]) -> Tensor:
        """Enlarge maps to the crop's resolution, bilinear."""
        size = (self.side_px, self.side_px)
        return F.interpolate(values, size=size, mode="bilinear", align_corners=False)


def mask_side_px(side_px: int) -> int:
    """Side of the stored masks: a quarter of the crop's, but 64 where the crop has as many."""
    return max(side_px // 4, min(side_px, 64))


def split_exaggeration(expression: Intensities) -> tuple[Intensities, Float[Tensor, "batch 1 1 1"]]:
    """Intensities within the trained range [0, 1], and the factor that is left to be applied."""
    factor = expression.amax(dim=1)[:, None, None, None].clamp(min=1.0)
    return expression / factor[:, :, 0, 0], factor
