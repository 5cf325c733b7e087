"""The regression layer, solved in closed form.

For expression e, output pixel p and channel c the layer is a linear filter of its own,

    y(p, c) = b(p, c) + sum_k w_k(p, c) x(p + d o_k, c),

o_k the r x r offsets (the *local receptive field*) and d the dilation. Its weights are the ridge
solution over all training pairs, pulled towards w0 (the identity, or zero):

    w = (X'X + l I)^-1 (X't + l w0).

Source: Khan et al., "Masked Linear Regression for Learning Local Receptive Fields for Facial
Expression Synthesis", IJCV 2020, arXiv 2011.09104, eq. 6; RegGAN, arXiv 2603.15648, section 3.
Only X'X and X't are kept, so memory does not depend on the number of pairs, and two machines'
sums add up to one. The bias is penalised like a weight, and pulled towards 0.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.frozen import frozen
from reggan_training.tensor_shapes import Images

_STRIPE = 16_384
"""Filters worked on at a time: what they need stays in a processor's cache."""


@frozen
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

    @property
    def sums_bytes(self) -> int:
        """Memory that the sums of one expression take."""
        sums = self.columns * (self.columns + 3) // 2
        return 8 * sums * self.filter_channels * self.side_px**2


class RidgeSums:
    """X'X and X't of every pixel, summed over pairs in float64. Sums of disjoint data add up.

    Of the symmetric X'X only the upper triangle is kept, so that a layer of 400 px with filters
    of its own for each channel takes 480,000 filters x 65 sums x 8 bytes = 250 MB.

    Attributes:
        gram: upper triangles, row after row; float64 [columns * (columns + 1) / 2, filters].
        moment: float64 [columns, filters].
    """

    def __init__(self, settings: RegressionSettings) -> None:
        self.settings = settings
        filters, columns = settings.filter_channels * settings.side_px**2, settings.columns
        self.gram = torch.zeros(columns * (columns + 1) // 2, filters, dtype=torch.float64)
        self.moment = torch.zeros(columns, filters, dtype=torch.float64)

    def add(
        self,
        source: Float[Tensor, "batch channels side side"],
        target: Float[Tensor, "batch channels side side"],
    ) -> None:
        """Take in pairs of images in [0, 1]; three channels unless filters are shared."""
        design, wanted = self._design(source), self._filters_last(target[:, :, None])
        for start in range(0, design.shape[-1], _STRIPE):
            stripe = slice(start, start + _STRIPE)
            gram, moment = self.gram[:, stripe], self.moment[:, stripe]
            rows = zip(design[..., stripe].double(), wanted[..., stripe].double(), strict=True)
            for taps, pixel in rows:  # [columns, stripe], [1, stripe]
                moment.addcmul_(taps, pixel)
                done = 0
                for column in range(len(taps)):
                    count = len(taps) - column
                    gram[done : done + count].addcmul_(taps[column], taps[column:])
                    done += count

    def solve(self) -> Float[Tensor, "filter_channels columns side side"]:
        """Weights of every pixel, taps in row-major order, then the bias; float32.

        Raises:
            torch.linalg.LinAlgError: never for a positive penalty and finite images.
        """
        settings = self.settings
        columns, side = settings.columns, settings.side_px
        weights = torch.empty(columns, self.gram.shape[1])
        pull = settings.penalty * torch.eye(columns, dtype=torch.float64)
        prior = pull[settings.taps // 2, :, None] if settings.towards_identity else 0.0
        upper = torch.triu_indices(columns, columns)
        for start in range(0, self.gram.shape[1], _STRIPE):
            stripe = slice(start, start + _STRIPE)
            system = pull.repeat(self.gram[:, stripe].shape[1], 1, 1)
            system[:, upper[0], upper[1]] += self.gram[:, stripe].T
            factor, _ = torch.linalg.cholesky_ex(system, upper=True, check_errors=True)
            wanted = (self.moment[:, stripe] + prior).T[:, :, None]
            weights[:, stripe] = torch.cholesky_solve(wanted, factor, upper=True)[:, :, 0].T
        return weights.reshape(columns, settings.filter_channels, side, side).transpose(0, 1)

    def _design(
        self, source: Float[Tensor, "batch channels side side"]
    ) -> Float[Tensor, "rows columns filters"]:
        taps = local_receptive_fields(source, self.settings.field_px, self.settings.dilation)
        if self.settings.with_bias:
            taps = torch.cat([taps, torch.ones_like(taps[:, :, :1])], dim=2)
        return self._filters_last(taps)

    def _filters_last(
        self, values: Float[Tensor, "batch channels columns side side"]
    ) -> Float[Tensor, "rows columns filters"]:
        """Sort rows by the filter that they belong to; shared filters see three rows an image."""
        if self.settings.shared_channels:
            return values.flatten(3).flatten(0, 1)
        return values.transpose(1, 2).flatten(2)


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
    image: Images,
    weights: Float[Tensor, "filter_channels columns side side"],
    settings: RegressionSettings,
) -> Images:
    """Return the layer's output for one expression at full intensity."""
    taps = local_receptive_fields(image, settings.field_px, settings.dilation)
    output = (taps * weights[:, : settings.taps]).sum(dim=2)
    return output + weights[:, settings.taps] if settings.with_bias else output
