"""Width and height of a picture, from the first bytes of its file."""

import struct
from pathlib import Path
from typing import BinaryIO

_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers that a frame begins with."""
_WIDTH, _HEIGHT = 256, 257
"""Tags of TIFF."""
_MOST_ATTRIBUTES = 1000


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return (width, height) of a PNG, JPEG, TIFF or EXR file; None if it cannot be told.

    Of an EXR file that of the picture as displayed.
    """
    try:
        with path.open("rb") as file:
            first = file.read(4)
            if first == b"\x89PNG":
                file.seek(16)
                return _two(">II", file)
            if first[:2] == b"\xff\xd8":
                return _of_jpeg(file)
            if first in (b"II*\0", b"MM\0*"):
                return _of_tiff(file, "<" if first[:1] == b"I" else ">")
            if first == b"v/1\x01":
                return _of_exr(file)
    except (OSError, struct.error, ValueError):
        return None
    return None


def _two(layout: str, file: BinaryIO) -> tuple[int, int]:
    one, other = struct.unpack(layout, file.read(struct.calcsize(layout)))
    return int(one), int(other)


def _of_jpeg(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(2)
    while (marker := file.read(2)) and marker[:1] == b"\xff":
        (length,) = struct.unpack(">H", file.read(2))
        if marker[1] in _SOF:
            file.read(1)
            height, width = _two(">HH", file)
            return width, height
        file.seek(length - 2, 1)
    return None


def _of_tiff(file: BinaryIO, order: str) -> tuple[int, int] | None:
    (start,) = struct.unpack(f"{order}I", file.read(4))
    file.seek(start)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    found: dict[int, int] = {}
    for _ in range(count):
        tag, kind, _count, value = struct.unpack(f"{order}HHI4s", file.read(12))
        if tag in (_WIDTH, _HEIGHT):
            layout = "H2x" if kind == 3 else "I"
            (found[tag],) = struct.unpack(order + layout, value)
    return (found[_WIDTH], found[_HEIGHT]) if len(found) == 2 else None


def _of_exr(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(8)
    for _ in range(_MOST_ATTRIBUTES):
        name = _text(file)
        if not name:
            return None
        _text(file)
        (length,) = struct.unpack("<i", file.read(4))
        if name == b"displayWindow":
            left, top, right, bottom = struct.unpack("<4i", file.read(16))
            return right - left + 1, bottom - top + 1
        file.seek(length, 1)
    return None


def _text(file: BinaryIO) -> bytes:
    """Return bytes up to a zero, which is passed over."""
    text = b""
    while (byte := file.read(1)) not in (b"", b"\0") and len(text) < 256:
        text += byte
    return text
