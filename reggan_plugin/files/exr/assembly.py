"""OpenEXR files put together from parts and chunks, most of them as they stood in another file."""

import struct
from collections.abc import Iterator, Mapping, Sequence

from reggan_plugin.files.exr.container import LONG_NAMES, TILED, VERSION, Attribute, Container
from reggan_plugin.files.image_format import EXR_SIGNATURE

Chunk = tuple[bytes, bytes]
"""Coordinates and compressed data."""

_DECREASING_Y = b"\1"


def replace_chunks(container: Container, replaced: Mapping[int, bytes]) -> bytes:
    """Return the file with other data in the chunks at these offsets, all else byte for byte."""
    content = container.content
    offsets = [offset for part in container.parts for offset in part.chunk_offsets]
    position = min(offsets)
    pieces, moved = [content[container.tables_start + 8 * len(offsets) : position]], {}
    for offset, piece in _pieces_in_file_order(container):
        if offset in replaced:
            coordinates, data = container.chunk(offset)
            head = 4 * container.is_multi_part + len(coordinates)
            size = struct.pack("<I", len(replaced[offset]))
            piece = piece[:head] + size + replaced[offset] + piece[head + 4 + len(data) :]
        moved[offset] = position
        position += len(piece)
        pieces.append(piece)
    table = struct.pack(f"<{len(offsets)}Q", *(moved[offset] for offset in offsets))
    return b"".join([content[: container.tables_start], table, *pieces])


def replace_part(
    container: Container,
    index: int,
    attributes: Mapping[str, Attribute],
    chunks: Sequence[Chunk],
) -> bytes:
    """Return the file with another header and other chunks in a part; the other parts' keep their
    bytes.

    `chunks` are in the order of the offset table. A `chunkCount` is set to their number.
    """
    headers = [part.attributes for part in container.parts]
    headers[index] = dict(attributes)
    if "chunkCount" in attributes:
        count = Attribute(kind=b"int", value=struct.pack("<I", len(chunks)))
        headers[index]["chunkCount"] = count
    head = EXR_SIGNATURE + struct.pack("<I", container.flags)
    head += b"".join(_header(header) for header in headers) + b"\0" * container.is_multi_part
    number = struct.pack("<I", index) if container.is_multi_part else b""
    anew = [number + piece for piece in _pieces_of(chunks)]
    old = set(container.parts[index].chunk_offsets)
    first = min(old)
    tables = [list(part.chunk_offsets) for part in container.parts]
    tables[index] = [0] * len(chunks)
    position = len(head) + 8 * sum(map(len, tables))
    moved: dict[int, int] = {}
    pieces: list[bytes] = []
    for offset, piece in _pieces_in_file_order(container):
        if offset == first:
            for place in _file_order(len(anew), headers[index]):
                tables[index][place] = position
                position += len(anew[place])
                pieces.append(anew[place])
        if offset not in old:
            moved[offset] = position
            position += len(piece)
            pieces.append(piece)
    for other, table in enumerate(tables):
        if other != index:
            table[:] = [moved[offset] for offset in table]
    packed = [struct.pack(f"<{len(table)}Q", *table) for table in tables]
    return b"".join([head, *packed, *pieces])


def build_single_part(
    attributes: Mapping[str, Attribute], chunks: Sequence[Chunk], *, has_long_names: bool
) -> bytes:
    """Return a file of one flat part; `chunks` are in the order of the offset table."""
    flags = (TILED if "tiles" in attributes else 0) | (LONG_NAMES if has_long_names else 0)
    head = EXR_SIGNATURE + struct.pack("<I", VERSION | flags) + _header(attributes)
    pieces = _pieces_of(chunks)
    offsets, position = [], len(head) + 8 * len(pieces)
    for piece in pieces:
        offsets.append(position)
        position += len(piece)
    return b"".join([head, struct.pack(f"<{len(offsets)}Q", *offsets), *pieces])


def _header(attributes: Mapping[str, Attribute]) -> bytes:
    packed = b""
    for name, attribute in attributes.items():
        size = struct.pack("<I", len(attribute.value))
        packed += name.encode() + b"\0" + attribute.kind + b"\0" + size + attribute.value
    return packed + b"\0"


def _pieces_of(chunks: Sequence[Chunk]) -> list[bytes]:
    return [xy + struct.pack("<I", len(data)) + data for xy, data in chunks]


def _pieces_in_file_order(container: Container) -> Iterator[tuple[int, bytes]]:
    """Offset and all bytes of each chunk, of deep and unknown parts too."""
    offsets = sorted(offset for part in container.parts for offset in part.chunk_offsets)
    for offset, end in zip(offsets, [*offsets[1:], len(container.content)], strict=True):
        yield offset, container.content[offset:end]


def _file_order(count: int, attributes: Mapping[str, Attribute]) -> range:
    """Order of the table's chunks in the file: from the bottom up if the header says so."""
    order = attributes.get("lineOrder")
    if order is not None and order.value == _DECREASING_Y:
        return range(count - 1, -1, -1)
    return range(count)
