"""What every exported .onnx goes through: compact weights, card, check, seal, rename."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reggan_plugin.model_card import CARD_KEY, seal

_SMALLEST_HALVED = 256
"""Tensors of fewer values stay float32: they save nothing, and biases are worth their bits."""


def store_weights_as_half(model: onnx.ModelProto) -> None:
    """Store large float32 weights as float16, cast back when the file is loaded.

    ONNX Runtime folds the casts at load, so that the file halves and the speed stays.
    """
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST_HALVED:
            continue
        name = f"{tensor.name}.half"
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def write_model(model: onnx.ModelProto, card: str, path: Path) -> str:
    """Write a checked, sealed file in one step; returns its hash.

    Args:
        model: the graph.
        card: JSON with an unsealed `weights_sha256`.
        path: replaced if it exists.

    Raises:
        onnx.checker.ValidationError: the graph is not sound.
        ModelCardError: the card has no place for the hash.
    """
    helper.set_model_props(model, {CARD_KEY: card})
    _forget_source(model)
    onnx.checker.check_model(model, full_check=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        onnx.save(model, partial)
        digest = seal(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return digest


def _forget_source(model: onnx.ModelProto) -> None:
    """Drop the stack traces that PyTorch notes at every node: paths of one machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    del model.graph.metadata_props[:]
