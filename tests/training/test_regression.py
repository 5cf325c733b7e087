"""The regression layer solves what it says, however its sums were made."""

import pytest
import torch
from torch import Tensor

from reggan_training.networks.reggan import RegressionLayer
from reggan_training.regression import (
    RegressionSettings,
    RidgeSums,
    apply_filters,
    local_receptive_fields,
)

SIDE = 8


@pytest.fixture
def pairs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.rand(24, 3, SIDE, SIDE, generator=generator),
        torch.rand(24, 3, SIDE, SIDE, generator=generator),
    )


def weights_of_pixel(
    source: Tensor, target: Tensor, settings: RegressionSettings, row: int, column: int
) -> Tensor:
    """The plain ridge solution of one pixel, in float64, all channels in one system."""
    taps = local_receptive_fields(source, settings.field_px, settings.dilation)
    design = taps[..., row, column].reshape(-1, settings.taps).double()
    wanted = target[..., row, column].reshape(-1).double()
    prior = torch.zeros(settings.columns, dtype=torch.float64)
    if settings.towards_identity:
        prior[settings.taps // 2] = 1.0
    if settings.with_bias:
        design = torch.cat([design, torch.ones_like(design[:, :1])], dim=1)
    penalty = settings.penalty * torch.eye(settings.columns, dtype=torch.float64)
    return torch.linalg.solve(
        design.T @ design + penalty, design.T @ wanted + settings.penalty * prior
    )


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("towards_identity", [True, False])
def test_every_pixel_has_the_plain_ridge_solution(
    pairs: tuple[Tensor, Tensor], dilation: int, with_bias: bool, towards_identity: bool
) -> None:
    settings = RegressionSettings(
        side_px=SIDE, dilation=dilation, with_bias=with_bias, towards_identity=towards_identity
    )
    sums = RidgeSums(settings)
    sums.add(*pairs)
    solved = sums.solve()[0]
    for row, column in ((0, 0), (3, 4), (SIDE - 1, 2)):
        expected = weights_of_pixel(*pairs, settings, row, column)
        assert torch.allclose(solved[:, row, column].double(), expected, atol=1e-4)


def test_each_channel_can_have_its_own_filter(pairs: tuple[Tensor, Tensor]) -> None:
    own = RegressionSettings(side_px=SIDE, shared_channels=False)
    sums = RidgeSums(own)
    sums.add(*pairs)
    one_channel = RidgeSums(RegressionSettings(side_px=SIDE))
    one_channel.add(*(images[:, 1:2] for images in pairs))
    assert torch.allclose(sums.solve()[1], one_channel.solve()[0], atol=1e-4)


def test_sums_of_two_halves_are_the_sum_of_the_whole(pairs: tuple[Tensor, Tensor]) -> None:
    settings = RegressionSettings(side_px=SIDE)
    whole, first, second = (RidgeSums(settings) for _ in range(3))
    whole.add(*pairs)
    first.add(pairs[0][:10], pairs[1][:10])
    second.add(pairs[0][10:], pairs[1][10:])
    first.merge(second)
    assert torch.allclose(first.gram, whole.gram, atol=1e-4)
    assert torch.allclose(first.moment, whole.moment, atol=1e-4)


def test_with_no_pairs_the_layer_copies() -> None:
    settings = RegressionSettings(side_px=SIDE)
    image = torch.rand(1, 3, SIDE, SIDE)
    assert torch.allclose(apply_filters(image, RidgeSums(settings).solve(), settings), image)


def test_the_network_applies_the_solved_filters_and_adds_intensities(
    pairs: tuple[Tensor, Tensor],
) -> None:
    settings = RegressionSettings(side_px=SIDE, dilation=2)
    sums = RidgeSums(settings)
    sums.add(*pairs)
    filters = sums.solve()
    layer = RegressionLayer(settings, expressions=2)
    identity = torch.zeros(settings.columns, 1, 1)
    identity[settings.taps // 2] = 1.0
    layer.changes[1] = filters[0] - identity
    image = pairs[0][:1]
    full = layer(image, torch.tensor([[0.0, 1.0]]))
    assert torch.allclose(full, apply_filters(image, filters, settings), atol=1e-5)
    half = layer(image, torch.tensor([[0.0, 0.5]]))
    assert torch.allclose(half, (image + full) / 2, atol=1e-5)
    assert torch.allclose(layer(image, torch.zeros(1, 2)), image, atol=1e-6)


def test_another_layer_s_sums_do_not_merge() -> None:
    with pytest.raises(ValueError, match="do not add"):
        RidgeSums(RegressionSettings(side_px=4)).merge(RidgeSums(RegressionSettings(side_px=8)))
