"""Reads the protobuf messages of an .onnx file; no ONNX library is needed.

Source: onnx/onnx.proto, IR version 13; protobuf.dev, Encoding.
"""

from collections.abc import Iterator
from pathlib import Path

from reggan_plugin.errors import ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_GRAPH, _METADATA = 7, 14
_KEY, _VALUE = 1, 2
_ORT_FORMAT = slice(4, 8), b"ORTM"


class MalformedError(ValueError):
    """Not a protobuf message."""


def metadata_from_onnx(model: Path) -> dict[str, str]:
    """The string pairs of an .onnx file, without opening a session.

    Raises:
        ModelError: it is no ONNX file, or it cannot be read.
    """
    try:
        fields = list(fields_of(onnx_message(model.read_bytes())))
        if not any(number == _GRAPH for number, _ in fields):
            raise MalformedError("it holds no graph")
        pairs = [value for number, value in fields if number == _METADATA]
        return dict(_pair(value) for value in pairs if isinstance(value, memoryview))
    except (MalformedError, OSError) as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error


def onnx_message(content: bytes) -> memoryview:
    """The outermost message of an ONNX file.

    Raises:
        MalformedError: the file is in another format of ONNX Runtime.
    """
    place, mark = _ORT_FORMAT
    if content[place] == mark:
        raise MalformedError("it is in ONNX Runtime's own format")
    return memoryview(content)


def fields_of(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field; fixed-size values are passed over.

    Raises:
        MalformedError: `message` is none.
    """
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
            raise MalformedError("it is damaged or no ONNX file")
        if wire_type == _BYTES:
            yield number, message[position : position + size]
        position += size


def _pair(message: memoryview) -> tuple[str, str]:
    texts = {
        number: bytes(value).decode("utf-8", "replace")
        for number, value in fields_of(message)
        if isinstance(value, memoryview)
    }
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


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
    raise MalformedError("it is damaged or no ONNX file")
