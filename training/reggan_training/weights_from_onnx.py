"""Take a network's weights back from the ONNX file that was exported of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from reggan_plugin.errors import SourceError

_HALF, _FOLDED = ".half", ".weight_bias"


def exported_weights(file: Path, within: str = "network.") -> dict[str, Tensor]:
    """Read the weights of a network from an ONNX file, branches of its graph included, as float32.

    Args:
        file: as the exporter writes it; weights that it stores as half are named without `.half`.
        within: what a weight's name holds before its name in the network.

    Raises:
        SourceError: the file holds no such network.
    """
    import onnx  # of [export]; other runs do without
    from onnx import numpy_helper

    def arrays(graph: "onnx.GraphProto") -> Iterator[tuple[str, np.ndarray]]:
        for one in graph.initializer:
            yield one.name.removesuffix(_HALF), numpy_helper.to_array(one)
        for node in graph.node:
            for attribute in node.attribute:
                yield from arrays(attribute.g)

    weights = {
        name.partition(within)[2]: torch.from_numpy(array.copy()).float()
        for name, array in arrays(onnx.load(file).graph)
        if within in name and np.issubdtype(array.dtype, np.floating)
    }
    if not weights:
        raise SourceError(
            f"{file.name} holds no weights of {within.strip('.')}; expected a file that was "
            "exported of such a network.",
            kind="other-weights",
        )
    return weights


def load_exported(network: nn.Module, weights: dict[str, Tensor], *inputs: Tensor) -> None:
    """Give a network the weights of its ONNX file.

    Batch norms that the export has folded into convolutions are set up again. With `inputs` they
    are set up so that the network answers to these as the file does, in training too; without,
    only in evaluation mode.

    Args:
        network: changed.
        weights: as `exported_weights` reads them.
        inputs: a batch as it is trained on, one tensor for each input of the network.
    """
    own = network.state_dict()
    norms = {
        name: norm
        for name, norm in network.named_modules()
        if isinstance(norm, nn.BatchNorm2d) and f"{name}.running_mean" not in weights
    }
    rebuilt = {f"{name}.{key}" for name, norm in norms.items() for key in norm.state_dict()}
    network.load_state_dict(
        {
            name: weights.get(name, value)
            for name, value in own.items()
            if name not in rebuilt and not name.endswith("num_batches_tracked")
        },
        strict=False,
    )
    for name, norm in norms.items():
        before, number = name.rsplit(".", 1)
        bias = weights[f"{before}.{int(number) - 1}{_FOLDED}"]
        _set(norm, bias, torch.zeros(len(bias)), torch.ones(len(bias)) - norm.eps)
        if inputs:
            norm.register_forward_hook(_measure)
    if inputs:
        with torch.no_grad():
            network.eval()(*inputs)
    for norm in norms.values():
        norm._forward_hooks.clear()


def _measure(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
    """Take the batch's own mean and variance for the norm's, without a change of its answer."""
    assert isinstance(norm, nn.BatchNorm2d)
    mean = inputs[0].mean(dim=(0, 2, 3))
    variance = inputs[0].var(dim=(0, 2, 3), unbiased=False)
    _set(norm, norm.bias + mean, mean, variance)


def _set(norm: nn.BatchNorm2d, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.bias.copy_(bias)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
