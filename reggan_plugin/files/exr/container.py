"""Parts and chunks of an OpenEXR file, read and put together; what is unchanged keeps its bytes.

A chunk is a block of scanlines or a tile with all channels of its part, compressed.
Source: The OpenEXR File Layout, openexr.com.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

from reggan_plugin.errors import UnreadableFrameError, UnsupportedFormatError
from reggan_plugin.files.image_format import EXR_SIGNATURE
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_CHANNELS

VERSION = 2
TILED, LONG_NAMES, MULTI_PART = 0x200, 0x400, 0x1000
_PIXEL_TYPES = ("uint", "half", "float")


@frozen
class Attribute:
    """A header attribute as stored."""

    kind: bytes
    value: bytes


@frozen
class Channel:
    """A channel of a part; `sampling` is (horizontal, vertical)."""

    name: str
    pixel_type: str
    sampling: tuple[int, int]


@frozen
class Window:
    """A pixel rectangle, first and last included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top + 1, self.right - self.left + 1


@frozen
class ExrPart:
    """A header and where its chunks lie in the file, in the order of the offset table."""

    attributes: dict[str, Attribute]
    chunk_offsets: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Empty in a file of one part."""
        return self.text("name")

    @property
    def kind(self) -> str:
        """`scanlineimage`, `tiledimage`, a deep or an unknown type; a file of old has none."""
        return self.text("type") or ("tiledimage" if self.is_tiled else "scanlineimage")

    @property
    def view(self) -> str:
        """The eye that sees this part; empty if it is not said."""
        return self.text("view")

    @property
    def is_flat(self) -> bool:
        """True if every pixel has one sample of each channel, in chunks of a known form."""
        return self.kind in ("scanlineimage", "tiledimage")

    @property
    def is_tiled(self) -> bool:
        """True if chunks are tiles, not blocks of scanlines."""
        return "tiles" in self.attributes

    @property
    def compression(self) -> int:
        """The number of the compression, 0 for none."""
        return self.attributes["compression"].value[0]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """In the order in which chunks hold them."""
        listed = self.attributes.get("channels")
        return tuple(_read_channels(listed.value)) if listed else ()

    @property
    def tile_description(self) -> tuple[int, int, int]:
        """(width, height, level mode and rounding)."""
        width, height, mode = struct.unpack("<IIB", self.attributes["tiles"].value)
        return width, height, mode

    def window(self, name: str) -> Window:
        """`dataWindow` or `displayWindow`."""
        left, top, right, bottom = struct.unpack("<4i", self.attributes[name].value)
        return Window(left=left, top=top, right=right, bottom=bottom)

    def text(self, name: str) -> str:
        """Return a string attribute; empty if there is none."""
        attribute = self.attributes.get(name)
        return attribute.value.decode("utf-8", "replace") if attribute else ""


@frozen
class Container:
    """A file, its parts, and where its first offset table begins."""

    content: bytes
    flags: int
    parts: tuple[ExrPart, ...]
    tables_start: int

    @property
    def is_multi_part(self) -> bool:
        """True if each chunk begins with the number of its part."""
        return bool(self.flags & MULTI_PART)

    @property
    def has_long_names(self) -> bool:
        """True if names may have more than 31 bytes."""
        return bool(self.flags & LONG_NAMES)

    def chunk(self, offset: int) -> tuple[bytes, bytes]:
        """(coordinates, compressed data) of a chunk of a flat part."""
        index = struct.unpack_from("<I", self.content, offset)[0] if self.is_multi_part else 0
        part = self.parts[index]
        start = offset + 4 * self.is_multi_part
        end = start + (16 if part.is_tiled else 4)
        (size,) = struct.unpack_from("<I", self.content, end)
        if end + 4 + size > len(self.content):
            raise _truncated(self.content)
        return self.content[start:end], self.content[end + 4 : end + 4 + size]


def read_container(content: bytes) -> Container:
    """Read headers and offset tables.

    Raises:
        UnreadableFrameError: the file is truncated, incomplete or damaged.
        UnsupportedFormatError: it has more channels than any in use.
    """
    try:
        found = _read_container(content)
        channels = sum(len(part.channels) for part in found.parts)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise _truncated(content) from error
    if channels > MOST_CHANNELS:
        raise UnsupportedFormatError(
            f"is an EXR of {channels:,} channels, of at most {MOST_CHANNELS:,}. Divide it."
        )
    return found


def _read_container(content: bytes) -> Container:
    (version,) = struct.unpack_from("<I", content, len(EXR_SIGNATURE))
    position = len(EXR_SIGNATURE) + 4
    headers: list[dict[str, Attribute]] = []
    while not headers or (version & MULTI_PART and content[position] != 0):
        header, position = _read_header(content, position)
        headers.append(header)
    tables_start = position = position + bool(version & MULTI_PART)
    parts = []
    for header in headers:
        offsets = _read_table(content, position, header.get("chunkCount"))
        position += 8 * len(offsets)
        parts.append(ExrPart(attributes=header, chunk_offsets=offsets))
    offsets = tuple(offset for part in parts for offset in part.chunk_offsets)
    if not all(position <= offset < len(content) - 8 for offset in offsets):
        raise _truncated(content)
    return Container(content=content, flags=version, parts=tuple(parts), tables_start=tables_start)


def _read_header(content: bytes, position: int) -> tuple[dict[str, Attribute], int]:
    """Return the attributes of one header, and the position behind it."""
    attributes = {}
    while content[position] != 0:
        name_end = content.index(b"\0", position)
        kind_end = content.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", content, kind_end + 1)
        end = kind_end + 5 + size
        attributes[content[position:name_end].decode()] = Attribute(
            kind=content[name_end + 1 : kind_end], value=content[kind_end + 5 : end]
        )
        position = end
    return attributes, position + 1


def _read_table(content: bytes, start: int, chunk_count: Attribute | None) -> tuple[int, ...]:
    """Return an offset table; without a `chunkCount` it ends where the first chunk begins."""
    if chunk_count is not None:
        (count,) = struct.unpack("<I", chunk_count.value)
        return struct.unpack_from(f"<{count}Q", content, start)
    offsets: list[int] = []
    first_chunk = len(content)
    while start + 8 * len(offsets) < first_chunk:
        offsets.append(struct.unpack_from("<Q", content, start + 8 * len(offsets))[0])
        first_chunk = min(first_chunk, offsets[-1])
    return tuple(offsets)


def _read_channels(value: bytes) -> list[Channel]:
    channels, position = [], 0
    while value[position] != 0:
        end = value.index(b"\0", position)
        pixel_type, x, y = struct.unpack_from("<I4x2I", value, end + 1)
        channels.append(
            Channel(
                name=value[position:end].decode(),
                pixel_type=dict(enumerate(_PIXEL_TYPES)).get(pixel_type, f"type {pixel_type}"),
                sampling=(x, y),
            )
        )
        position = end + 17
    return channels


def _truncated(content: bytes) -> UnreadableFrameError:
    return UnreadableFrameError(
        f"is truncated or damaged: its header or some of its blocks are missing from the "
        f"{len(content)} bytes. Render or copy it again."
    )


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
    container: Container, index: int, attributes: Mapping[str, Attribute], chunks: Sequence[Chunk]
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
