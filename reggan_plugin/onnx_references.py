"""Check for .onnx files that refer to other files or can run without end; none is opened.

ONNX lets a tensor live in another file (`external_data`, whose path may lead anywhere) and a
node name a compiled engine (`EPContext`). The seal covers the .onnx file alone, so that what else
is read would be unchecked. `Loop` and `Scan` run a graph as often as the data says. The few message
types on the way to tensors and nodes are walked here; nothing is decoded.
Source: onnx/onnx.proto, IR version 13.
"""

from collections.abc import Iterator
from pathlib import Path

from reggan_plugin.errors import ModelError
from reggan_plugin.onnx_messages import MalformedError, fields_of, onnx_message

_NESTED = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        **{5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
        **{22: "sparse", 23: "sparse"},
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Message → number of a field → the message in it, as far as tensors and nodes can hide there."""

CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators that run a graph of their own, perhaps again and again, in whatever domain."""
_GRAPHS_OF_ATTRIBUTE = (6, 11)
"""Fields of an attribute that hold graphs, as search operators of other domains have them."""
_IN_FILE = 0
_DEEPEST = 64
"""Messages in messages; protobuf itself stops at 100."""
_Field = tuple[str, int, int | memoryview]
"""Message, number of the field, its value."""


def refuse_references(content: bytes, model: Path) -> None:
    """Refuse an ONNX file that is not complete in itself.

    Raises:
        ModelError: it refers to other files, or it is no ONNX file.
    """
    kept = (_kept_elsewhere(*field) for field in _named_fields(content, model))
    found = next((what for what in kept if what is not None), None)
    if found is not None:
        raise ModelError(
            f"{model} keeps {found} in another file, which its hash does not cover and whose path "
            "may lead anywhere. A model is one file: save it with its weights inside.",
            kind="model-is-not-one-file",
        )


def control_flow_in(content: bytes, model: Path) -> set[str]:
    """The operators of an ONNX file that can run without end, in words for an error.

    A loop's length is data: no check of the file can tell how long it runs.

    Raises:
        ModelError: it is no ONNX file.
    """
    found, has_subgraph = set[str](), False
    for kind, number, value in _named_fields(content, model):
        if (kind, number) == ("node", 4) and isinstance(value, memoryview):
            found |= CONTROL_FLOW & {bytes(value).decode("utf-8", "replace")}
        has_subgraph |= kind == "attribute" and number in _GRAPHS_OF_ATTRIBUTE
    return found or ({"a node with a graph of its own"} if has_subgraph else set())


def _named_fields(content: bytes, model: Path) -> Iterator[_Field]:
    """Every field on the way to tensors and nodes, subgraphs and functions included.

    Raises:
        ModelError: it is no ONNX file.
    """
    try:
        yield from _fields_within(onnx_message(content), "model", 0)
    except MalformedError as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error


def _fields_within(message: memoryview, kind: str, depth: int) -> Iterator[_Field]:
    if depth > _DEEPEST:
        raise MalformedError(f"its messages are nested more than {_DEEPEST} deep")
    nested = _NESTED[kind]
    for number, value in fields_of(message):
        yield kind, number, value
        if number in nested and isinstance(value, memoryview):
            yield from _fields_within(value, nested[number], depth + 1)


def _kept_elsewhere(kind: str, number: int, value: int | memoryview) -> str | None:
    """Name of data that a field keeps in another file; None for nearly all fields."""
    match kind, number:
        case ("tensor", 13):  # external_data
            return "weights"
        case ("tensor", 14) if value != _IN_FILE:  # data_location
            return "weights"
        case ("node", 4) if isinstance(value, memoryview) and bytes(value) == b"EPContext":
            return "a compiled engine"
        case _:
            return None
