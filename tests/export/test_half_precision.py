"""Rounding in float32 foretells what half precision does, on CPUs that are slow at that."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reggan_export.source_network import compute_in_half, network_from, round_as_in_half


@pytest.mark.parametrize("architecture", ["reggan", "us-gan"])
def test_rounded_results_are_as_far_away_as_those_in_half(
    architecture: str, make_run: Callable[..., Path]
) -> None:
    full = network_from(make_run(architecture))
    half, rounded = copy.deepcopy(full), copy.deepcopy(full)
    compute_in_half(half)
    round_as_in_half(rounded)
    image, vector = torch.rand(1, 3, 64, 64), torch.eye(7)[1:2]
    with torch.no_grad():
        faces = [model(image, vector)[0] for model in (full, half, rounded)]
    truth, in_half, as_in_half = faces
    assert {face.dtype for face in faces} == {torch.float32}
    apart = [float((face - truth).abs().mean()) for face in (in_half, as_in_half)]
    assert 0 < apart[0] < 1e-3
    assert apart[1] == pytest.approx(apart[0], rel=0.5)
    assert float((in_half - as_in_half).abs().mean()) < 1.5 * apart[0]


def test_the_regression_layer_stays_as_it_is(make_run: Callable[..., Path]) -> None:
    full = network_from(make_run("regression"))
    rounded = copy.deepcopy(full)
    round_as_in_half(rounded)
    compute_in_half(rounded)
    image, vector = torch.rand(1, 3, 64, 64), torch.eye(7)[1:2]
    with torch.no_grad():
        assert torch.equal(rounded(image, vector)[0], full(image, vector)[0])
