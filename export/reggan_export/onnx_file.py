"""The steps of every exported .onnx: compact weights, card, check, seal, verification, rename."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch import onnx as torch_onnx

from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.errors import ModelError, ModelParityError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.models.model_card import CARD_KEY, seal

_SMALLEST_HALVED = 256
"""Tensors of fewer values stay float32: they save nothing, and biases are worth their bits."""

_CHATTY = "torch.onnx._internal.exporter._registration"
"""Warns at every start of packages that we have no use for."""


def store_weights_as_half(model: onnx.ModelProto, *, only_exact: bool = False) -> None:
    """Store large float32 weights as float16, cast back when the file is loaded.

    ONNX Runtime folds the casts at load, so that the file halves and the speed stays.

    Args:
        model: changed.
        only_exact: those that are no float16 stay float32: weights of an exported file have been
            rounded once, and some were multiplied since, by a batch norm that was folded.
    """
    graph = model.graph
    scales = {node.input[1] for node in graph.node if node.op_type.endswith("uantizeLinear")}
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        is_large = values.dtype == np.float32 and values.size >= _SMALLEST_HALVED
        if not is_large or tensor.name in scales:
            continue
        half = values.astype(np.float16)
        if only_exact and not np.allclose(half.astype(np.float32), values, rtol=1e-6, atol=0):
            continue
        name = f"{tensor.name}.half"
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(half, name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def restore_weights(graph: onnx.GraphProto) -> None:
    """Undo `store_weights_as_half` but for the rounding, in branches, too: no casts."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                restore_weights(attribute.g)
    halves = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        tensor = halves.get(node.input[0]) if node.op_type == "Cast" else None
        if tensor is None:
            kept.append(node)
            continue
        values = numpy_helper.to_array(tensor).astype(np.float32)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)


def write_verified(
    model: onnx.ModelProto, card: str, out: Path, verify: Callable[[Path], VerifyReport]
) -> VerifyReport:
    """Write a checked, sealed file if it proves to say what it should.

    Args:
        model: the graph.
        card: JSON with an unsealed `weights_sha256`.
        out: replaced if it exists.
        verify: compares the finished file with its reference.

    Raises:
        onnx.checker.ValidationError: the graph is not sound.
        ModelParityError: the file is too far from it; nothing is left at `out`.
        OutputError: `out` cannot be written.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        unverified = Path(folder) / out.name
        write_model(model, card, unverified)
        report = verify(unverified)
        if not report.passed:
            raise ModelParityError(
                f"{out.name} does not say what {report.reference} says: "
                f"{'; '.join(report.faults)}. Nothing was written."
            )
        write_atomically(out, unverified.read_bytes())
    return report


def write_model(model: onnx.ModelProto, card: str, path: Path) -> None:
    """Check a graph, give it its card, write it and seal the file."""
    helper.set_model_props(model, {CARD_KEY: card})
    _forget_source(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    seal(path)


def _forget_source(model: onnx.ModelProto) -> None:
    """Drop what PyTorch notes at every node: paths of one machine, shapes that follow anyway."""
    graphs = [model.graph]
    for graph in graphs:  # which grows by the branches of its nodes
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
            graphs += [one.g for one in node.attribute if one.type == onnx.AttributeProto.GRAPH]
        del graph.value_info[:]
        for value in (*graph.input, *graph.output):
            del value.metadata_props[:]
        for tensor in graph.initializer:
            del tensor.metadata_props[:]
        del graph.metadata_props[:]


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
