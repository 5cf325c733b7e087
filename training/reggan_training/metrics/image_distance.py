"""Distance of a picture from the true one, inside the region that the truth changes."""

from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reggan_plugin.imaging.colour import LUMA_WEIGHTS
from reggan_training.tensor_shapes import Features, Images, Masks

CHANGE_THRESHOLD = 0.04
"""Change of a pixel's strongest channel, of 1, above JPEG noise (10 levels of 255)."""
DILATION_SHARE = 8 / 256
"""The region is dilated by this part of the side: 8 px at 256."""

_LUMA = torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)
_SSIM_TAPS, _SSIM_SIGMA_PX = 11, 1.5
_SSIM_STABILITY = (0.01**2, 0.03**2)


def change_region(source: Images, target: Images) -> Bool[Tensor, "batch 1 side side"]:
    """Region where the target differs from the source, and everything within 8 px at 256 of it.

    The change is averaged over 3x3 pixels first, so that no single noisy pixel counts; the
    distance is the larger of the horizontal and the vertical one.
    """
    change = F.avg_pool2d(target - source, 3, 1, 1, count_include_pad=False).abs()
    changed = (change.amax(dim=1, keepdim=True) > CHANGE_THRESHOLD).float()
    radius_px = round(DILATION_SHARE * source.shape[-1])
    return F.max_pool2d(changed, 2 * radius_px + 1, 1, radius_px) > 0


def psnr_db(
    made: Images, target: Images, region: Bool[Tensor, "batch 1 side side"]
) -> Float[Tensor, " batch"]:
    """Peak signal-to-noise ratio in decibels; the mean square is taken over the region.

    The peak is 1. Infinite for equal pictures, NaN where the region is empty.
    """
    return -10 * torch.log10(mean_inside((made - target) ** 2, region))


def ssim_map(made: Images, target: Images) -> Masks:
    """Structural similarity of the sRGB-encoded luminance around every pixel.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE TIP 2004, eq. 13, with its 11x11 Gaussian window of 1.5 px.
    """
    first, second = ((image * _LUMA).sum(dim=1, keepdim=True) for image in (made, target))
    mean_1, mean_2 = _window_mean(first), _window_mean(second)
    variance_1 = _window_mean(first**2) - mean_1**2
    variance_2 = _window_mean(second**2) - mean_2**2
    covariance = _window_mean(first * second) - mean_1 * mean_2
    c1, c2 = _SSIM_STABILITY
    similarity = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    return similarity / ((mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2))


def mean_inside(
    values: Features, region: Bool[Tensor, "batch 1 height width"]
) -> Float[Tensor, " batch"]:
    """Mean over channels and over the pixels of the region; NaN where it is empty."""
    weights = region.to(values.dtype)
    total = (values.mean(dim=1, keepdim=True) * weights).sum(dim=(1, 2, 3))
    return total / weights.sum(dim=(1, 2, 3))


def _window_mean(plane: Masks) -> Masks:
    """Gaussian mean around every pixel; the picture is mirrored at its border.

    As products with a band matrix, which is ten times as fast as convolving single planes.
    """
    along = _window_matrix(plane.shape[-1]).to(plane.dtype)
    return along @ plane @ along.T


@lru_cache(maxsize=8)
def _window_matrix(side_px: int) -> Float[Tensor, "side side"]:
    """Row i holds the weights that make the mean around pixel i of a line."""
    radius = _SSIM_TAPS // 2
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-(offsets**2) / (2 * _SSIM_SIGMA_PX**2))
    identity = torch.eye(side_px, dtype=torch.float64)[None]
    mirrored = F.pad(identity, [radius, radius], mode="reflect")[0]  # [pixel, padded]
    rows = mirrored.unfold(1, _SSIM_TAPS, 1) @ (taps / taps.sum())  # [pixel, window]
    return rows.T.contiguous()


def resized(
    images: Float[Tensor, "batch channels side side"], side_px: int
) -> Float[Tensor, "batch channels other other"]:
    """Images at another size; as they are if it is theirs."""
    if images.shape[-1] == side_px:
        return images
    return F.interpolate(
        images, size=(side_px, side_px), mode="bilinear", antialias=True, align_corners=False
    )
