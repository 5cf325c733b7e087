"""The regression layer, solved in closed form.

For expression e, output pixel p and channel c the layer is a linear filter of its own,

    y(p, c) = b(p, c) + sum_k w_k(p, c) x(p + d o_k, c),

o_k the r x r offsets (the *local receptive field*) and d the dilation. Its weights are the ridge
solution over all training pairs, pulled towards w0 (the identity, or zero):

    w = (X'X + l I)^-1 (X't + l w0).

Source: Khan et al., "Masked Linear Regression for Learning Local Receptive Fields for Facial
Expression Synthesis", IJCV 2020, arXiv 2011.09104, eq. 6; RegGAN, arXiv 2603.15648, section 3.
Only X'X and X't are kept, so memory does not depend on the number of pairs, and two machines'
sums add up to one.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class RegressionSettings:
    """Shape of the layer and of its ridge penalty.

    Attributes:
        side_px: resolution at which the layer works.
        field_px: r, the taps along each side of the local receptive field; odd.
        dilation: d, pixels between taps.
        penalty: l, on [0, 1] images, whatever the number of pairs.
        towards_identity: pull weights towards "copy the pixel" rather than towards zero.
        with_bias: fit b; it is penalised like a weight.
        shared_channels: one set of weights for red, green and blue.
    """

    side_px: int = 128
    field_px: int = 3
    dilation: int = 1
    penalty: float = 0.4
    towards_identity: bool = True
    with_bias: bool = True
    shared_channels: bool = True

    def __post_init__(self) -> None:
        if self.field_px % 2 != 1 or self.dilation < 1 or self.penalty <= 0 or self.side_px < 1:
            raise ValueError(f"not a regression layer: {self}")

    @property
    def taps(self) -> int:
        """Pixels that a filter looks at."""
        return self.field_px**2

    @property
    def columns(self) -> int:
        """Unknowns of one filter: its taps, and the bias if there is one."""
        return self.taps + self.with_bias

    @property
    def filter_channels(self) -> int:
        """Filters at a pixel: one, or one for each of red, green and blue."""
        return 1 if self.shared_channels else 3


class RidgeSums:
    """X'X and X't of every pixel, summed over pairs. Sums of disjoint data add up."""

    def __init__(self, settings: RegressionSettings) -> None:
        self.settings = settings
        filters = settings.filter_channels * settings.side_px**2
        self.gram = torch.zeros(filters, settings.columns, settings.columns)
        self.moment = torch.zeros(filters, settings.columns)

    def add(
        self,
        source: Float[Tensor, "batch channels side side"],
        target: Float[Tensor, "batch channels side side"],
    ) -> None:
        """Take in pairs of images in [0, 1]; three channels unless filters are shared."""
        design, wanted = self._design(source), self._filters_first(target[:, :, None])
        self.gram += design.transpose(1, 2) @ design
        self.moment += (design.transpose(1, 2) @ wanted)[:, :, 0]

    def merge(self, other: "RidgeSums") -> None:
        """Take in what another worker has summed."""
        if other.settings != self.settings:
            raise ValueError(f"sums of {other.settings} do not add to sums of {self.settings}")
        self.gram += other.gram
        self.moment += other.moment

    def solve(self) -> Float[Tensor, "filter_channels columns side side"]:
        """Weights of every pixel, taps in row-major order, then the bias.

        Raises:
            torch.linalg.LinAlgError: never for a positive penalty and finite images.
        """
        settings = self.settings
        prior = torch.zeros(settings.columns)
        if settings.towards_identity:
            prior[settings.taps // 2] = 1.0
        system = self.gram + settings.penalty * torch.eye(settings.columns)
        wanted = self.moment + settings.penalty * prior
        weights = torch.linalg.solve(system, wanted)  # [filter_channels * side * side, columns]
        side = settings.side_px
        return weights.reshape(settings.filter_channels, side, side, -1).permute(0, 3, 1, 2)

    def _design(
        self, source: Float[Tensor, "batch channels side side"]
    ) -> Float[Tensor, "filters rows columns"]:
        taps = local_receptive_fields(source, self.settings.field_px, self.settings.dilation)
        if self.settings.with_bias:
            taps = torch.cat([taps, torch.ones_like(taps[:, :, :1])], dim=2)
        return self._filters_first(taps)

    def _filters_first(
        self, values: Float[Tensor, "batch channels columns side side"]
    ) -> Float[Tensor, "filters rows columns"]:
        """Sort rows by the filter that they belong to; shared filters see three rows an image."""
        batch, channels, columns, side, _ = values.shape
        if self.settings.shared_channels:
            return values.permute(3, 4, 0, 1, 2).reshape(side * side, batch * channels, columns)
        return values.permute(1, 3, 4, 0, 2).reshape(channels * side * side, batch, columns)


def local_receptive_fields(
    image: Float[Tensor, "batch channels side side"], field_px: int, dilation: int
) -> Float[Tensor, "batch channels taps side side"]:
    """Every pixel's neighbours, row-major; beyond the border the image is 0."""
    reach = dilation * (field_px // 2)
    padded = F.pad(image, (reach, reach, reach, reach))
    height, width = image.shape[-2:]
    shifted = [
        padded[
            ...,
            dilation * row : dilation * row + height,
            dilation * column : dilation * column + width,
        ]
        for row in range(field_px)
        for column in range(field_px)
    ]
    return torch.stack(shifted, dim=2)


def apply_filters(
    image: Float[Tensor, "batch 3 side side"],
    weights: Float[Tensor, "filter_channels columns side side"],
    settings: RegressionSettings,
) -> Float[Tensor, "batch 3 side side"]:
    """The layer's output for one expression at full intensity."""
    taps = local_receptive_fields(image, settings.field_px, settings.dilation)
    output = (taps * weights[:, : settings.taps]).sum(dim=2)
    return output + weights[:, settings.taps] if settings.with_bias else output
