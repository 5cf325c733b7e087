"""Which parts of a model compute in half precision."""

from typing import Any

import torch
from torch import nn

from reggan_training.networks.expression_model import ExpressionModel

_KEPT = ("regression",)
"""Solved filters whose sums cancel: half of them would cost more accuracy than time."""


def compute_in_half(model: ExpressionModel) -> None:
    """Make the convolutions of a model take and give float16, in place.

    Inputs, outputs, the regression layer, normalisation, resampling and everything after the
    networks' last convolutions stay float32: each pixel's own sums are cheap, and there is where
    the rounding would show.
    """
    for name, part in model.named_children():
        if name in _KEPT:
            continue
        part.half().register_forward_pre_hook(_halve_inputs)
        for norm in part.modules():
            if isinstance(norm, nn.InstanceNorm2d):
                norm.float().register_forward_pre_hook(_widen_inputs)
                norm.register_forward_hook(_halve_output)


def _halve_inputs(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(value.half() for value in inputs)


def _widen_inputs(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(value.float() for value in inputs)


def _halve_output(_: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
    return output.half()
