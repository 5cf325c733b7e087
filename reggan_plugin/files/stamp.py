"""A line of text added to an encoded file's metadata; everything else keeps its bytes.

PNG: a tEXt chunk. JPEG: a comment. TIFF: a private ASCII tag of the first page. EXR: a string
attribute of the first header. An older stamp is replaced.
"""

import struct

from reggan_plugin.files.exr.container import read_container
from reggan_plugin.files.jpeg_segments import Segment, SegmentedJpeg, read_segments
from reggan_plugin.files.png_chunks import bytes_from_chunks, make_chunk, read_chunks

STAMP_KEY = "reggan-plugin"
"""Keyword of the PNG chunk, and the first word of the JPEG comment."""
EXR_ATTRIBUTE = "regganPlugin"
TIFF_TAG = 65117
"""Of the numbers that TIFF leaves to private use without registration (65000 to 65535)."""

_EXR_HEADERS = 8
"""Where an EXR's first header begins: behind signature and version."""
_COMMENT = 0xFE
_ASCII = 2


def stamped(content: bytes, text: str) -> bytes:
    """The file with a stamp.

    Args:
        content: a PNG, JPEG, TIFF or EXR file.
        text: ASCII without NUL.
    """
    value = text.encode("ascii")
    if content.startswith(b"\x89PNG"):
        return _stamped_png(content, value)
    if content.startswith(b"\xff\xd8"):
        return _stamped_jpeg(content, value)
    if content.startswith(b"\x76\x2f\x31\x01"):
        return _stamped_exr(content, value)
    return _stamped_tiff(content, value)


def _stamped_png(content: bytes, value: bytes) -> bytes:
    keyword = STAMP_KEY.encode() + b"\0"
    chunks = [
        chunk
        for chunk in read_chunks(content)
        if not (chunk.name == b"tEXt" and chunk.data.startswith(keyword))
    ]
    return bytes_from_chunks([chunks[0], make_chunk(b"tEXt", keyword + value), *chunks[1:]])


def _stamped_jpeg(content: bytes, value: bytes) -> bytes:
    data = STAMP_KEY.encode() + b" " + value
    own = Segment(marker=_COMMENT, raw=struct.pack(">BBH", 0xFF, _COMMENT, len(data) + 2) + data)
    jpeg = read_segments(content)
    others = [
        segment
        for segment in jpeg.segments
        if not (segment.marker == _COMMENT and segment.data.startswith(STAMP_KEY.encode()))
    ]
    metadata = [segment for segment in others if segment.is_metadata]
    coding = [segment for segment in others if not segment.is_metadata]
    return SegmentedJpeg(segments=[*metadata, own, *coding], scans=jpeg.scans).to_bytes()


def _stamped_exr(content: bytes, value: bytes) -> bytes:
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


def _stamped_tiff(content: bytes, value: bytes) -> bytes:
    """The first directory is written again behind the file, with one more entry."""
    order = "<" if content.startswith(b"II") else ">"
    is_big = struct.unpack_from(f"{order}H", content, 2)[0] == 43
    pointer_at, word, counter = (8, "Q", "Q") if is_big else (4, "I", "H")
    entry_size = 20 if is_big else 12
    (directory,) = struct.unpack_from(order + word, content, pointer_at)
    (count,) = struct.unpack_from(order + counter, content, directory)
    begin = directory + struct.calcsize(order + counter)
    end = begin + count * entry_size
    entries = [content[at : at + entry_size] for at in range(begin, end, entry_size)]
    next_directory = content[end : end + struct.calcsize(order + word)]
    tags = [struct.unpack_from(f"{order}H", entry)[0] for entry in entries]
    others = [entry for tag, entry in zip(tags, entries, strict=True) if tag != TIFF_TAG]
    body = content + b"\0" * (len(content) % 2)
    own = struct.pack(f"{order}HH{word}{word}", TIFF_TAG, _ASCII, len(value) + 1, len(body))
    text = value + b"\0" + b"\0" * ((len(value) + 1) % 2)
    # Entries stand by rising tag.
    directory = len(body) + len(text)
    rows = sorted([*others, own], key=lambda entry: struct.unpack_from(f"{order}H", entry)[0])
    written = struct.pack(order + counter, len(rows)) + b"".join(rows) + next_directory
    pointer = struct.pack(order + word, directory)
    body = body[:pointer_at] + pointer + body[pointer_at + len(pointer) :]
    return body + text + written
