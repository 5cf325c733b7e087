"""A PyTorch module as an ONNX graph, by PyTorch's own exporter."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from torch import Tensor, nn
from torch import onnx as torch_onnx

from reggan_plugin.errors import ModelError

_CHATTY = "torch.onnx._internal.exporter._registration"
"""Warns at every start of packages that we have no use for."""


def graph_from_module(
    module: nn.Module,
    example: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_axes: Sequence[Mapping[int, Any]],
) -> onnx.ModelProto:
    """Trace a module. Batch norms are folded into the convolutions before them.

    Args:
        module: in evaluation mode.
        example: one tensor for each input.
        inputs: their names.
        outputs: names of what the module returns.
        dynamic_axes: for each input the axes that vary, as `torch.export.Dim`.

    Raises:
        ModelError: the exporter gives nothing.
    """
    logging.getLogger(_CHATTY).setLevel(logging.ERROR)
    with warnings.catch_warnings():  # the exporter's, about its own future and our axis names
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", ".*The axis name", UserWarning)
        program = torch_onnx.export(
            module,
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(dynamic_axes),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError("PyTorch's exporter returned no program for this model.")
    return program.model_proto
