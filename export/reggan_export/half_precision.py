"""The parts of a model that compute in half precision, and the error that this adds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from reggan_training.networks.expression_model import ExpressionModel

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


def convolve_in_half(graph: onnx.ModelProto) -> None:
    """Make the convolutions of a graph take and give float16, their weights too, in place.

    All else stays float32: coordinates, the closed form, what is sampled at moved places.

    Args:
        graph: of float32, weights and all.
    """
    _convolve(graph, inside=np.float16, outside=np.float32)


def round_convolutions(graph: onnx.ModelProto) -> None:
    """Let a graph of `convolve_in_half` say on a CPU what a GPU will have it say, in place.

    ONNX Runtime computes float16 in float32 on a CPU and rounds nothing. Here what a convolution
    takes and gives is rounded to float16, and what happens within it is not, as on tensor cores.
    """
    _convolve(graph, inside=np.float32, outside=np.float16)


def _convolve(graph: onnx.ModelProto, *, inside: type, outside: type) -> None:
    """Let convolutions of the type `outside` be computed in the type `inside`."""
    kinds = [helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for kind in (inside, outside)]
    weights = {tensor.name: tensor for tensor in graph.graph.initializer}
    nodes = []
    for node in graph.graph.node:
        if node.op_type != "Conv":
            nodes.append(node)
            continue
        for name in node.input[1:]:
            values = numpy_helper.to_array(weights[name]).astype(inside)
            weights[name].CopyFrom(numpy_helper.from_array(values, name))
        ends = node.input[0], node.output[0]
        taken, given = (f"{ends[1]}.{end}.{np.dtype(inside)}" for end in ("taken", "given"))
        node.input[0], node.output[0] = taken, given
        before = helper.make_node("Cast", [ends[0]], [taken], to=kinds[0])
        nodes += [before, node, helper.make_node("Cast", [given], [ends[1]], to=kinds[1])]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


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
