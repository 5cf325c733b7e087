"""Whether an .onnx file refers to other files; such models are never opened.

ONNX lets a tensor live in another file (`external_data`, whose path may lead anywhere) and a
node name a compiled engine (`EPContext`). The seal covers the .onnx file alone, so that what else
is read would be unchecked. The few message types on the way to tensors and nodes are walked here;
nothing is decoded.
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

_IN_FILE = 0
_DEEPEST = 64
"""Messages in messages; protobuf itself stops at 100."""


def refuse_references(content: bytes, model: Path) -> None:
    """Refuse an ONNX file that is not complete in itself.

    Raises:
        ModelError: it refers to other files, or it is no ONNX file.
    """
    try:
        found = next(_references(onnx_message(content), "model", 0), None)
    except MalformedError as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error
    if found is not None:
        raise ModelError(
            f"{model} keeps {found} in another file, which its hash does not cover and whose path "
            "may lead anywhere. A model is one file: save it with its weights inside.",
            kind="model-is-not-one-file",
        )


def _references(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """What a message keeps elsewhere."""
    if depth > _DEEPEST:
        raise MalformedError(f"its messages are nested more than {_DEEPEST} deep")
    nested = _NESTED[kind]
    for number, value in fields_of(message):
        kept = _kept_elsewhere(kind, number, value)
        if kept is not None:
            yield kept
        elif number in nested and isinstance(value, memoryview):
            yield from _references(value, nested[number], depth + 1)


def _kept_elsewhere(kind: str, number: int, value: int | memoryview) -> str | None:
    """What a field says is not in this file; None for nearly all fields."""
    match kind, number:
        case ("tensor", 13):  # external_data
            return "weights"
        case ("tensor", 14) if value != _IN_FILE:  # data_location
            return "weights"
        case ("node", 4) if isinstance(value, memoryview) and bytes(value) == b"EPContext":
            return "a compiled engine"
        case _:
            return None
