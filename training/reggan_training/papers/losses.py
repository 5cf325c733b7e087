"""Losses of generators and discriminator, and the discriminator."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from reggan_training.tensor_shapes import Images, Intensities, Masks

Scalar = Float[Tensor, ""]

_SLOPE = 0.2  # of the leaky ReLU below 0
_EMPHASIS = 4.0
"""Further weight of pixels in which a pair really differs."""


class Discriminator(nn.Module):
    """Convolutions on the pixel-unshuffled crop, a patch head and an expression head.

    Source: the two heads follow StarGAN (Choi et al., CVPR 2018, section 3.1). Without spectral
    normalisation: through four layers it left both heads too faint to learn in a short run.
    """

    def __init__(self, expressions: int, channels: int = 64, unshuffle: int = 4) -> None:
        """Start anew.

        Args:
            expressions: classes of the second head.
            channels: of the first layer.
            unshuffle: pixels along each side that become one; 4 suits 256 px, 2 suits 64 px.
        """
        super().__init__()
        self.unshuffle = unshuffle
        widths = (3 * unshuffle**2, channels, 2 * channels, 3 * channels, 4 * channels)
        self.layers = nn.ModuleList(
            _leaky_convolution(inside, outside, stride=1 if i == 0 else 2)
            for i, (inside, outside) in enumerate(pairwise(widths))
        )
        self.patch_head = nn.Conv2d(widths[3], 1, 3, padding=1)
        self.expression_head = nn.Linear(widths[4], expressions)

    def forward(self, image: Images) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Patch scores (high: rendered), expression logits, and the features of every layer."""
        hidden = F.pixel_unshuffle(image * 2 - 1, self.unshuffle)
        features = []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), _SLOPE)
            features.append(hidden)
        logits = self.expression_head(features[-1].mean(dim=(2, 3)))
        return self.patch_head(features[-2]), logits, features


def _leaky_convolution(inside: int, outside: int, stride: int) -> nn.Conv2d:
    """Make a 3x3 convolution whose first weights keep the variance through a leaky ReLU."""
    convolution = nn.Conv2d(inside, outside, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(convolution.weight, _SLOPE)
    return convolution


def paste(image: Images, face: Images, mask: Masks) -> Images:
    """Lay the face over the image where the mask is 1, as a frame is composited."""
    return image + mask * (face - image)


def change_weights(source: Images, target: Images, mask: Masks) -> Masks:
    """Weights of the paired losses: the mask, and more where the pair really differs."""
    change = (target - source).abs().amax(dim=1, keepdim=True)
    near = F.avg_pool2d(F.max_pool2d((change - 0.04).clamp(0, 0.1) * 10, 5, 1, 2), 9, 1, 4)
    return mask * (1 + _EMPHASIS * near)


def paired_loss(fake: Images, target: Images, weights: Masks) -> Scalar:
    """Weighted mean absolute difference."""
    return ((fake - target).abs() * weights).sum() / (3 * weights.sum() + 1.0)


def edge_loss(fake: Images, target: Images, weights: Masks) -> Scalar:
    """Weighted mean absolute difference of the differences between neighbours."""
    total = fake.new_zeros(())
    for axis in (2, 3):
        difference = (fake - target).diff(dim=axis).abs()
        local = weights.narrow(axis, 1, weights.shape[axis] - 1)
        total = total + (difference * local).sum() / (3 * local.sum() + 1.0)
    return total


def patch_weights(
    weights: Masks, scores: Float[Tensor, "batch 1 rows columns"]
) -> Float[Tensor, "batch 1 rows columns"]:
    """`change_weights` at the resolution of the patch scores.

    Most patches of a pair are the same in both pictures; unweighted, they drown the few in
    which a mouth is painted well or badly.
    """
    rows, columns = scores.shape[-2:]
    return F.adaptive_avg_pool2d(weights, (rows, columns))


def hinge_loss(real: Tensor, fake: Tensor, weights: Tensor, is_render: Tensor) -> Scalar:
    """Loss of the discriminator; interpolated targets are no render to show it.

    Source: Lim & Ye, "Geometric GAN", 2017, eq. 11.
    """
    shown = weights * is_render[:, None, None, None]
    of_real = _weighted_mean(F.relu(1 - real), shown)
    return of_real + _weighted_mean(F.relu(1 + fake), weights)


def wasserstein_loss(real: Tensor, fake: Tensor, weights: Tensor, is_render: Tensor) -> Scalar:
    """Loss of a critic; it needs a penalty on its gradient.

    Source: Arjovsky et al., "Wasserstein GAN", ICML 2017, eq. 3.
    """
    shown = weights * is_render[:, None, None, None]
    return _weighted_mean(fake, weights) - _weighted_mean(real, shown)


def adversarial_loss(fake: Tensor, weights: Tensor) -> Scalar:
    """Loss of the generator against either."""
    return -_weighted_mean(fake, weights)


def r1_penalty(score: Callable[[Tensor], Tensor], real: Images) -> Scalar:
    """Half the squared gradient of the mean score at renders, float32.

    Source: Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML
    2018, eq. 9.
    """
    return 0.5 * _squared_gradient(score, real).mean()


def interpolation_penalty(
    score: Callable[[Tensor], Tensor],
    real: Images,
    fake: Images,
    share: Float[Tensor, "batch 1 1 1"],
) -> Scalar:
    """Squared distance of the gradient's length from 1, at `share` of the way to a render.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, eq. 3.
    """
    between = fake + share * (real - fake)
    length = (_squared_gradient(score, between) + 1e-12).sqrt()
    return ((length - 1) ** 2).mean()


def _squared_gradient(score: Callable[[Tensor], Tensor], image: Images) -> Float[Tensor, " batch"]:
    """Of every image's mean score; can itself be differentiated."""
    image = image.detach().requires_grad_(True)
    total = score(image).float().mean(dim=(1, 2, 3)).sum()
    (gradient,) = torch.autograd.grad(total, image, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))


def _weighted_mean(values: Tensor, weights: Tensor) -> Scalar:
    return (values * weights).sum() / (weights.sum() + 1e-3)


def feature_loss(fake: list[Tensor], real: list[Tensor], is_render: Tensor) -> Scalar:
    """Distance in the discriminator's features, where the target is a render.

    Source: Wang et al., "pix2pixHD", CVPR 2018, eq. 4.
    """
    total = fake[0].new_zeros(())
    for ours, theirs in zip(fake, real, strict=True):
        per_image = (ours - theirs.detach()).abs().mean(dim=(1, 2, 3))
        scale = theirs.detach().abs().mean() + 1e-3
        total = total + _weighted_mean(per_image, is_render) / scale
    return total / len(fake)


def expression_loss(logits: Intensities, label: Int[Tensor, " batch"], is_full: Tensor) -> Scalar:
    """Cross entropy of the expression head, over the pairs at full intensity."""
    each = F.cross_entropy(logits.float(), label, reduction="none")
    return torch.sum(each * is_full) / (is_full.sum() + 1e-3)
