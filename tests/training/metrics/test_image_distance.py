"""Distances are what they say."""

import math

import pytest
import torch

from reggan_training.metrics.image_distance import change_region, mean_inside, psnr_db, ssim_map


def whole(side: int) -> torch.Tensor:
    return torch.ones(1, 1, side, side, dtype=torch.bool)


def test_psnr_is_taken_over_the_region_alone() -> None:
    target, made = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    made[..., :8, :] = 0.1
    upper = whole(32)
    upper[..., 8:, :] = False
    assert psnr_db(made, target, upper).item() == pytest.approx(20.0, abs=1e-4)
    assert psnr_db(made, target, whole(32)).item() == pytest.approx(
        20 + 10 * math.log10(4), abs=1e-4
    )
    assert psnr_db(target, target, whole(32)).isinf().all()


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    first, second = torch.full((1, 3, 32, 32), 0.4), torch.full((1, 3, 32, 32), 0.6)
    expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    assert mean_inside(ssim_map(first, second), whole(32)).item() == pytest.approx(
        expected, abs=1e-4
    )


def test_ssim_falls_with_inverted_structure_and_is_1_for_equal_pictures() -> None:
    stripes = (torch.arange(32) % 2).float().expand(1, 3, 32, 32)
    assert mean_inside(ssim_map(stripes, stripes), whole(32)).item() == pytest.approx(1.0, abs=1e-5)
    assert mean_inside(ssim_map(stripes, 1 - stripes), whole(32)).item() < -0.9


def test_ssim_uses_the_gaussian_window_of_the_paper() -> None:
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 1, 40, 40).expand(2, 1, 3, 40, 40)
    offsets = torch.arange(11.0) - 5
    taps = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = (taps[:, None] * taps) / taps.sum() ** 2

    def mean(plane: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(plane, window[None, None])

    a, b = first[:, :1], second[:, :1]
    covariance = mean(a * b) - mean(a) * mean(b)
    variance = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    expected = (2 * mean(a) * mean(b) + 1e-4) * (2 * covariance + 9e-4)
    expected = expected / ((mean(a) ** 2 + mean(b) ** 2 + 1e-4) * (variance + 9e-4))
    inner = ssim_map(first, second)[:, :, 5:-5, 5:-5]
    assert torch.allclose(inner, expected, atol=1e-4)


def test_the_region_is_the_change_dilated_by_8_px_at_256() -> None:
    source, target = torch.zeros(1, 3, 256, 256), torch.zeros(1, 3, 256, 256)
    target[0, 1, 100:110, 120:140] = 0.5
    region = change_region(source, target)[0, 0]
    rows, columns = torch.nonzero(region, as_tuple=True)
    mean_px = 1  # the change itself is averaged over 3x3 pixels
    assert [int(rows.min()), int(rows.max())] == [100 - mean_px - 8, 109 + mean_px + 8]
    assert [int(columns.min()), int(columns.max())] == [120 - mean_px - 8, 139 + mean_px + 8]


def test_noise_of_a_few_levels_is_no_change() -> None:
    source = torch.full((1, 3, 64, 64), 0.5)
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 4 / 255
    assert not change_region(source, source + noise).any()
