"""The regression layer solves what it says, however its sums were made."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reggan_training.papers.networks.masked_regression import RegressionLayer
from reggan_training.papers.ridge_regression import RegressionSettings, RidgeSums, apply_filters

SIDE = 8


@pytest.fixture
def pairs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.rand(24, 3, SIDE, SIDE, generator=generator),
        torch.rand(24, 3, SIDE, SIDE, generator=generator),
    )


def plain_solution(
    source: Tensor, target: Tensor, settings: RegressionSettings
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Filter by filter, numpy alone: slice the window, clip it at the border, solve in float64."""
    images, wanted = source.double().numpy(), target.double().numpy()
    side, reach = settings.side_px, settings.field_px // 2
    offsets = settings.dilation * np.arange(-reach, reach + 1)
    filters = np.empty((settings.filter_channels, settings.columns, side, side))
    channels = [[0, 1, 2]] if settings.shared_channels else [[0], [1], [2]]
    prior = np.zeros(settings.columns)
    prior[settings.taps // 2] = settings.towards_identity
    for number, own in enumerate(channels):
        for row, column in np.ndindex(side, side):
            design = np.zeros((len(images), len(own), settings.columns))
            design[..., settings.taps :] = 1.0
            for tap, (down, right) in enumerate(itertools.product(offsets, offsets)):
                if 0 <= row + down < side and 0 <= column + right < side:
                    design[..., tap] = images[:, own, row + down, column + right]
            design = design.reshape(-1, settings.columns)
            system = design.T @ design + settings.penalty * np.eye(settings.columns)
            moment = design.T @ wanted[:, own, row, column].reshape(-1)
            filters[number, :, row, column] = np.linalg.solve(
                system, moment + settings.penalty * prior
            )
    return filters


@pytest.mark.parametrize(("field_px", "dilation"), [(1, 1), (3, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("towards_identity", [True, False])
@pytest.mark.parametrize("shared_channels", [True, False])
def test_every_filter_has_the_plain_ridge_solution(
    pairs: tuple[Tensor, Tensor],
    field_px: int,
    dilation: int,
    with_bias: bool,
    towards_identity: bool,
    shared_channels: bool,
) -> None:
    """Largest absolute difference of a weight: 1e-6, as the answer is rounded to float32."""
    settings = RegressionSettings(
        side_px=SIDE,
        field_px=field_px,
        dilation=dilation,
        with_bias=with_bias,
        towards_identity=towards_identity,
        shared_channels=shared_channels,
    )
    sums = RidgeSums(settings)
    sums.add(*pairs)
    expected = plain_solution(*pairs, settings)
    assert np.abs(sums.solve().numpy() - expected).max() < 1e-6


def test_a_small_penalty_costs_no_accuracy(pairs: tuple[Tensor, Tensor]) -> None:
    """Four nearly equal pairs for ten unknowns, as on plain skin; 1e-4 of weights near 1."""
    source, target = (images[:4] * 1e-2 + 0.5 for images in pairs)
    settings = RegressionSettings(side_px=SIDE, shared_channels=False, penalty=1e-6)
    sums = RidgeSums(settings)
    sums.add(source, target)
    expected = plain_solution(source, target, settings)
    assert np.abs(sums.solve().numpy() - expected).max() < 1e-4


def test_a_stripe_ends_anywhere(
    pairs: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RegressionSettings(side_px=SIDE, shared_channels=False)
    whole, striped = RidgeSums(settings), RidgeSums(settings)
    whole.add(*pairs)
    expected = whole.solve()
    monkeypatch.setattr("reggan_training.papers.ridge_regression._STRIPE", 50)
    striped.add(*pairs)
    assert torch.equal(striped.gram, whole.gram)
    assert torch.allclose(striped.solve(), expected, atol=1e-7)


def test_with_no_pairs_the_layer_copies() -> None:
    settings = RegressionSettings(side_px=SIDE)
    image = torch.rand(1, 3, SIDE, SIDE)
    assert torch.allclose(apply_filters(image, RidgeSums(settings).solve(), settings), image)


@pytest.mark.parametrize("shared_channels", [True, False])
@pytest.mark.parametrize("with_bias", [True, False])
def test_the_network_applies_the_solved_filters_and_adds_intensities(
    pairs: tuple[Tensor, Tensor], shared_channels: bool, with_bias: bool
) -> None:
    settings = RegressionSettings(
        side_px=SIDE, dilation=2, shared_channels=shared_channels, with_bias=with_bias
    )
    sums, nothing = RidgeSums(settings), RidgeSums(settings)
    sums.add(*pairs)
    filters = sums.solve()
    layer = RegressionLayer(settings, expressions=2)
    layer.take_filters([nothing.solve(), filters])
    assert torch.allclose(layer.filters()[1], filters, atol=1e-6)
    image = pairs[0][:1]
    full = layer(image, torch.tensor([[0.0, 1.0]]))
    assert torch.allclose(full, apply_filters(image, filters, settings), atol=1e-5)
    half = layer(image, torch.tensor([[0.0, 0.5]]))
    assert torch.allclose(half, (image + full) / 2, atol=1e-5)
    assert torch.allclose(layer(image, torch.zeros(1, 2)), image, atol=1e-6)
