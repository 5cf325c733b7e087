"""Whether an .onnx file refers to other files; such models are never opened.

ONNX lets a tensor live in another file (`external_data`, whose path may lead anywhere) and a
node name a compiled engine (`EPContext`). The seal covers the .onnx file alone, so that what else
is read would be unchecked. The few message types on the way to tensors and nodes are walked here;
nothing is decoded, and no ONNX library is needed.
Source: onnx/onnx.proto, IR version 13; protobuf.dev, Encoding.
"""

from collections.abc import Iterator
from pathlib import Path

from reggan_plugin.errors import ModelError

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
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 64
"""Messages in messages; protobuf itself stops at 100."""
_ORT_FORMAT = slice(4, 8), b"ORTM"


class _MalformedError(ValueError):
    """Not a protobuf message."""


def refuse_references(content: bytes, model: Path) -> None:
    """Do nothing if an ONNX file is complete in itself.

    Raises:
        ModelError: it refers to other files, or it is no ONNX file.
    """
    place, mark = _ORT_FORMAT
    try:
        if content[place] == mark:
            raise _MalformedError("it is in ONNX Runtime's own format")
        found = next(_references(memoryview(content), "model", 0), None)
    except _MalformedError as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error
    if found is not None:
        raise ModelError(
            f"{model} keeps {found} in another file, which its hash does not cover and whose path "
            "may lead anywhere. A model is one file: save it with its weights inside, as "
            "`reggan-plugin export onnx` does."
        )


def _references(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """What a message keeps elsewhere."""
    if depth > _DEEPEST:
        raise _MalformedError(f"its messages are nested more than {_DEEPEST} deep")
    nested = _NESTED[kind]
    for number, value in _fields(message):
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


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field; fixed-size values are passed over."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire_type)
        if wire_type == _BYTES:
            size, position = _varint(message, position)
        if size is None or position + size > len(message):
            raise _MalformedError("it is damaged or no ONNX file")
        if wire_type == _BYTES:
            yield number, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number, and the position behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise _MalformedError("it is damaged or no ONNX file")
