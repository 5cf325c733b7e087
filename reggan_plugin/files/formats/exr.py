"""OpenEXR. Its stamp is a string attribute of the first header."""

import struct

from reggan_plugin.files.image_format import (
    EXR_ATTRIBUTE,
    EXR_SIGNATURE,
    Frame,
    ImageFormat,
    Wanted,
    begins_with,
)

_EXR_HEADERS = 8
"""Offset of the first header: behind signature and version."""


def _decode(content: bytes, wanted: Wanted) -> Frame:
    from reggan_plugin.files.exr.stored_exr import decode

    return decode(content, wanted.picture, colours_are_declared=wanted.colours_are_declared)


def _stamped(content: bytes, text: str) -> bytes:
    from reggan_plugin.files.exr.container import read_container

    value = text.encode("ascii")
    head = EXR_ATTRIBUTE.encode() + b"\0string\0"
    container = read_container(content)
    offsets = [offset for part in container.parts for offset in part.chunk_offsets]
    tables = container.tables_start
    headers = content[_EXR_HEADERS:tables]
    if EXR_ATTRIBUTE in container.parts[0].attributes:
        begin = headers.index(head)
        (size,) = struct.unpack_from("<I", headers, begin + len(head))
        headers = headers[:begin] + headers[begin + len(head) + 4 + size :]
    headers = head + struct.pack("<I", len(value)) + value + headers
    moved_by = len(headers) - (tables - _EXR_HEADERS)
    table = struct.pack(f"<{len(offsets)}Q", *(offset + moved_by for offset in offsets))
    return content[:_EXR_HEADERS] + headers + table + content[tables + len(table) :]


FORMAT = ImageFormat(
    name="EXR",
    suffixes=(".exr",),
    recognises=begins_with(EXR_SIGNATURE),
    media_type="image/x-exr",
    decode=_decode,
    stamp=_stamped,
    has_layers=True,
    holds_credentials=False,
)
