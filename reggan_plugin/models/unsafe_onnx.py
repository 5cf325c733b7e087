"""Refuses .onnx files that refer to other files or can run without end; none is opened.

ONNX lets a tensor live in another file (`external_data`, whose path may lead anywhere) and a
node name a compiled engine (`EPContext`). The seal covers the .onnx file alone, so that what else
is read would be unchecked. `Loop` and `Scan` run a graph as often as the data says. The few message
types on the way to tensors and nodes are walked here; nothing is decoded.
Source: onnx/onnx.proto, IR version 13.
"""

import mmap
from pathlib import Path

from reggan_plugin.errors import ModelError
from reggan_plugin.frozen import frozen
from reggan_plugin.models.onnx_messages import MalformedError, fields_of, onnx_message

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
_ENGINE = "EPContext"
"""The operator whose engine may lie in another file."""
_OPERATOR = "node", 4
_GRAPHS = frozenset({("attribute", 6), ("attribute", 11)})
"""Fields of an attribute that hold graphs, as search operators of other domains have them."""
_EXTERNAL, _LOCATION = ("tensor", 13), ("tensor", 14)
_TELLING = {"node": {4}, "attribute": {6, 11}, "tensor": {13, 14}}
"""Message → numbers of the fields that say what is asked here."""
_IN_FILE = 0
_DEEPEST = 64
"""Messages in messages; protobuf itself stops at 100."""
_Field = tuple[str, int, int | memoryview]
"""Message, number of the field, its value."""


@frozen
class OnnxContents:
    """Needs of an ONNX file beside itself, and its parts that can run without end."""

    kept_elsewhere: str | None
    """Part that it keeps in another file, in words for an error; None if it is complete."""
    control_flow: frozenset[str]
    """Operators that can run without end, in words for an error.

    A loop's length is data: no check of the file can tell how long it runs.
    """


def contents_of(content: bytes | mmap.mmap, model: Path) -> OnnxContents:
    """Walk an ONNX file once; `model` names it in messages.

    Raises:
        ModelError: it is no ONNX file.
    """
    fields: list[_Field] = []
    try:
        _collect(onnx_message(content), "model", 0, fields)
    except MalformedError as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error
    operators = {
        bytes(value).decode("utf-8", "replace")
        for kind, number, value in fields
        if (kind, number) == _OPERATOR and isinstance(value, memoryview)
    }
    running = operators & CONTROL_FLOW
    if not running and any(field[:2] in _GRAPHS for field in fields):
        running = {"a node with a graph of its own"}
    return OnnxContents(
        kept_elsewhere=_kept_elsewhere(fields, operators), control_flow=frozenset(running)
    )


def refuse_references(contents: OnnxContents, model: Path) -> None:
    """Refuse an ONNX file that is not complete in itself.

    Raises:
        ModelError: it refers to other files.
    """
    if contents.kept_elsewhere is not None:
        raise ModelError(
            f"{model} keeps {contents.kept_elsewhere} in another file, which its hash does not "
            "cover and whose path may lead anywhere. A model is one file: save it with its "
            "weights inside.",
            kind="model-is-not-one-file",
        )


def _collect(message: memoryview, kind: str, depth: int, found: list[_Field]) -> None:
    """Add every telling field to `found`, those of subgraphs and functions included."""
    if depth > _DEEPEST:
        raise MalformedError(f"its messages are nested more than {_DEEPEST} deep")
    nested, telling = _NESTED[kind], _TELLING.get(kind, ())
    for number, value in fields_of(message):
        if number in telling:
            found.append((kind, number, value))
        if number in nested and isinstance(value, memoryview):
            _collect(value, nested[number], depth + 1, found)


def _kept_elsewhere(fields: list[_Field], operators: set[str]) -> str | None:
    for kind, number, value in fields:
        outside = (kind, number) == _LOCATION and value != _IN_FILE
        if outside or (kind, number) == _EXTERNAL:
            return "weights"
    return "a compiled engine" if _ENGINE in operators else None
