"""Counts what a graph has to do for one face: operations, and bytes that must move."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import NodeProto, numpy_helper, shape_inference

from reggan_plugin.errors import ModelError

_MOVES_ONLY = frozenset(
    (
        *("Cast", "Concat", "Constant", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity"),
        *("Pad", "Reshape", "Shape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Transpose"),
        "Unsqueeze",
    )
)
_OPERATIONS_A_VALUE = {"GridSample": 8, "Resize": 8, "Sigmoid": 4, "Tanh": 4}
"""Of one output value, roughly; everything that is not named takes one."""
_BYTES = 4
"""Of a value that goes in or out: float32 at every precision."""

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class GraphWork:
    """Work of one face.

    Attributes:
        operations: additions and multiplications, each one.
        weight_bytes: as stored; read once a run, whatever the batch.
        face_bytes: of inputs and outputs, for one face.
        inner_bytes: of all tensors between them, written once and read once: what fusing saves.
    """

    operations: int
    weight_bytes: int
    face_bytes: int
    inner_bytes: int


def count_work(model: Path) -> GraphWork:
    """Count over the graph as it is stored, at batch 1.

    Raises:
        ModelError: the shape of a tensor cannot be told.
    """
    graph = _with_shapes(onnx.load(model))
    operations, inner = _sums(graph, {}, set())
    ends = {end.name: _shape_of(end) for end in (*graph.input, *graph.output)}
    return GraphWork(
        operations=operations,
        weight_bytes=_weight_bytes(graph),
        face_bytes=sum(_BYTES * math.prod(shape) for shape in ends.values()),
        inner_bytes=inner - sum(2 * _BYTES * math.prod(ends[end.name]) for end in graph.output),
    )


def _with_shapes(model: onnx.ModelProto) -> onnx.GraphProto:
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return inferred.graph


def _shape_of(value: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _branches(node: NodeProto) -> list[onnx.GraphProto]:
    return [one.g for one in node.attribute if one.type == onnx.AttributeProto.GRAPH]


def _weight_bytes(graph: onnx.GraphProto) -> int:
    """Those of both branches, too: both are loaded."""
    own = sum(numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)
    return own + sum(_weight_bytes(one) for node in graph.node for one in _branches(node))


def _sums(graph: onnx.GraphProto, outer: Mapping[str, Shape], folded: set[str]) -> tuple[int, int]:
    """Operations, and bytes written and read; of two branches those of the one that takes more."""
    shapes = {**outer, **{tensor.name: tuple(tensor.dims) for tensor in graph.initializer}}
    for value in (*graph.input, *graph.output, *graph.value_info):
        if all(dim.HasField("dim_value") for dim in value.type.tensor_type.shape.dim):
            shapes[value.name] = _shape_of(value)
    unknown = [name for node in graph.node for name in node.output if name and name not in shapes]
    if unknown:
        raise ModelError(
            f"The shapes of {len(unknown)} tensors cannot be told, first {unknown[0]}; work is "
            "counted for graphs that leave only the batch open. Export the model again."
        )
    constant = folded | {tensor.name for tensor in graph.initializer}
    operations = inner = 0
    for node in graph.node:
        branches = _branches(node)
        if not branches and all(name in constant for name in node.input if name):
            constant.update(node.output)  # folded when it is loaded
            continue
        inner += sum(2 * _BYTES * math.prod(shapes[name]) for name in node.output if name)
        if branches:
            work = [_sums(one, shapes, constant) for one in branches]
            operations += max(one for one, _ in work)
            inner += max(one for _, one in work)
        else:
            operations += _operations(node, shapes)
    return operations, inner


def _operations(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    made = math.prod(shapes[node.output[0]])
    match node.op_type:
        case "Conv":
            return 2 * made * math.prod(shapes[node.input[1]][1:])  # [out, in / groups, kernel]
        case "ConvTranspose":
            return 2 * math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
        case "MatMul" | "Gemm":
            return 2 * made * shapes[node.input[0]][-1]
        case kind if kind.startswith("Reduce"):
            return math.prod(shapes[node.input[0]])
        case kind if kind in _MOVES_ONLY:
            return 0
        case kind:
            return made * _OPERATIONS_A_VALUE.get(kind, 1)
