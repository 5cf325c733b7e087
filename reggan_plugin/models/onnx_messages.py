"""Reads the protobuf messages of an .onnx file; no ONNX library is needed.

Source: onnx/onnx.proto, IR version 13; protobuf.dev, Encoding.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from reggan_plugin.errors import ModelError

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of a value, by its wire type."""
GRAPH, _METADATA = 7, 14
_KEY, _VALUE = 1, 2
_ORT_FORMAT = slice(4, 8), b"ORTM"


class MalformedError(ValueError):
    """Not a protobuf message."""


def metadata_from_onnx(model: Path) -> dict[str, str]:
    """Return the string pairs of an .onnx file, without opening a session.

    Raises:
        ModelError: it is no ONNX file, or it cannot be read.
    """
    try:
        fields = list(fields_of(onnx_message(model.read_bytes())))
        if not any(number == GRAPH for number, _ in fields):
            raise MalformedError("it holds no graph")
        pairs = [value for number, value in fields if number == _METADATA]
        return dict(_pair(value) for value in pairs if isinstance(value, memoryview))
    except (MalformedError, OSError) as error:
        raise ModelError(
            f"{model} cannot be loaded: {error}. Use a model exported by reggan-plugin."
        ) from error


def onnx_message(content: bytes | mmap.mmap) -> memoryview:
    """Return the outermost message of an ONNX file.

    Raises:
        MalformedError: the file is in another format of ONNX Runtime.
    """
    place, mark = _ORT_FORMAT
    if content[place] == mark:
        raise MalformedError("it is in ONNX Runtime's own format")
    return memoryview(content)


def fields_of(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of every field; fixed-size values are passed over.

    Raises:
        MalformedError: `message` is none.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position, end)
        wire_type = tag & 7
        if wire_type == _BYTES:
            size, position = _varint(message, position, end)
            if position + size > end:
                raise MalformedError("it is damaged or no ONNX file")
            yield tag >> 3, message[position : position + size]
            position += size
        elif wire_type == _VARINT:
            value, position = _varint(message, position, end)
            yield tag >> 3, value
        elif wire_type in _FIXED and position + _FIXED[wire_type] <= end:
            position += _FIXED[wire_type]
        else:
            raise MalformedError("it is damaged or no ONNX file")


def _pair(message: memoryview) -> tuple[str, str]:
    texts = {
        number: bytes(value).decode("utf-8", "replace")
        for number, value in fields_of(message)
        if isinstance(value, memoryview)
    }
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


def _varint(message: memoryview, position: int, end: int) -> tuple[int, int]:
    """Return a number, and the position behind it. `end` is the length of the message."""
    if position < end and (first := message[position]) < 0x80:  # nearly all are of one byte
        return first, position + 1
    number = 0
    for shift, place in zip(range(0, 70, 7), range(position, end), strict=False):
        byte = message[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
    raise MalformedError("it is damaged or no ONNX file")
