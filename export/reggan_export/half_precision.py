"""The parts of a model that compute in half precision, and the error that this adds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from reggan_training.papers.networks.expression_model import ExpressionModel

_KEPT = ("regression",)
"""Solved filters whose sums cancel: half of them would cost more accuracy than time."""


def compute_in_half(model: ExpressionModel) -> None:
    """Make the convolutions of a model take and give float16, in place.

    Inputs, outputs, the regression layer, normalisation, resampling and everything after the
    networks' last convolutions stay float32: each pixel's own sums are cheap, and there is where
    the rounding would show.
    """
    for part in _halved_parts(model):
        part.half().register_forward_pre_hook(lambda _, inputs: _all_as(torch.half, inputs))
        for norm in part.modules():
            if isinstance(norm, nn.InstanceNorm2d):
                norm.float().register_forward_pre_hook(
                    lambda _, inputs: _all_as(torch.float, inputs)
                )
                norm.register_forward_hook(lambda _, __, output: output.half())


def round_as_in_half(model: ExpressionModel) -> None:
    """Make a model answer as `compute_in_half` would have it on a GPU, in place and in float32.

    Weights and the result of every operation are rounded to what float16 holds; sums within an
    operation are not, as on tensor cores. A CPU without half-precision arithmetic takes more than
    a hundred times as long for float16 itself.
    """
    for part in _halved_parts(model):
        part.half().float()
        part.forward = _rounded(part.forward)


def _halved_parts(model: ExpressionModel) -> Iterator[nn.Module]:
    return (part for name, part in model.named_children() if name not in _KEPT)


def _all_as(dtype: torch.dtype, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(value.to(dtype) for value in values)


def _rounded(forward: Callable[..., Any]) -> Callable[..., Any]:
    def rounded(*inputs: Tensor) -> Any:
        with _RoundsResults():
            return forward(*(value.half().float() for value in inputs))

    return rounded


class _RoundsResults(TorchFunctionMode):
    """Within it the result of every function is one that float16 holds."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        is_float = isinstance(result, Tensor) and result.dtype == torch.float
        return result.half().float() if is_float else result
