"""Weights of an exported network, to train on from where no run folder is left."""

from pathlib import Path

import torch
from torch import Tensor, nn

_PREFIX = "network."
_FOLDED = ".weight_bias"
"""Ending of the biases into which the export folded batch norms, which follow their convolution."""


def load_exported(network: nn.Module, file: Path, inputs: Tensor) -> None:
    """Give a network the weights of its ONNX file.

    Batch norms, which an export folds into convolutions, are set up again so that the network
    answers to `inputs` as the file does, in training too.

    Args:
        network: changed.
        file: as `export-locator` writes it.
        inputs: a batch as it is trained on.
    """
    import onnx  # of [export]; other runs do without
    from onnx import numpy_helper

    graph = onnx.load(file).graph
    found = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
    weights = {
        name.removeprefix(_PREFIX): torch.from_numpy(array)
        for name, array in found.items()
        if name.startswith(_PREFIX) and not name.endswith(_FOLDED)
    }
    missing = network.load_state_dict(weights, strict=False)
    if missing.unexpected_keys:
        raise ValueError(f"{file} holds {missing.unexpected_keys}, which this network lacks.")
    norms = [one for one in network.named_modules() if isinstance(one[1], nn.BatchNorm2d)]
    for name, norm in norms:
        before, number = name.rsplit(".", 1)
        bias = found[f"{_PREFIX}{before}.{int(number) - 1}{_FOLDED}"]
        _set(norm, torch.from_numpy(bias), torch.zeros(len(bias)), torch.ones(len(bias)))
        norm.register_forward_hook(_measure)
    with torch.no_grad():
        network.eval()(inputs)
    for _, norm in norms:
        norm._forward_hooks.clear()


def _measure(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
    """Take the batch's own mean and variance for the norm's, without a change of its answer."""
    assert isinstance(norm, nn.BatchNorm2d)
    mean = inputs[0].mean(dim=(0, 2, 3))
    variance = inputs[0].var(dim=(0, 2, 3), unbiased=False)
    _set(norm, norm.bias + mean, mean, variance)


def _set(norm: nn.Module, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.bias.copy_(bias)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
