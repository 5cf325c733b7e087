"""The chunks of a PNG file. Source: PNG specification, 3rd edition, §5."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from reggan_plugin.errors import UnreadableFrameError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
"""A decoder has to know chunks with a capital letter at their beginning; there are no others."""
_PALETTE = 3
"""A colour type."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One chunk; `raw` is what stands in the file, with length and checksum."""

    name: bytes
    raw: bytes

    @property
    def data(self) -> bytes:
        """The content, without length, name and checksum."""
        return self.raw[8:-4]


def make_chunk(name: bytes, data: bytes) -> Chunk:
    """Return a chunk with its length and checksum."""
    checksum = zlib.crc32(name + data)
    return Chunk(
        name=name, raw=struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
    )


def read_chunks(content: bytes) -> list[Chunk]:
    """Return the chunks in order, from IHDR to IEND; what follows IEND is left out.

    Raises:
        UnreadableFrameError: the file ends before IEND, or holds other critical chunks than a
            picture needs.
    """
    chunks: list[Chunk] = []
    position = len(SIGNATURE)
    while not chunks or chunks[-1].name != b"IEND":
        header = content[position : position + 8]
        end = position + 12 + (struct.unpack(">I", header[:4])[0] if len(header) == 8 else 0)
        if end > len(content):
            raise UnreadableFrameError(
                f"is truncated: the PNG ends after {len(content)} bytes, before its IEND chunk. "
                "Render or copy it again."
            )
        chunks.append(Chunk(name=header[4:], raw=content[position:end]))
        position = end
    if chunks[0].name != b"IHDR" or len(chunks[0].data) != 13:
        raise UnreadableFrameError("is not a PNG: its first chunk is not IHDR. Render it again.")
    names = [chunk.name for chunk in chunks]
    for name in names:
        is_known = name in _CRITICAL or (name.isalpha() and name[:1].islower())
        if not is_known or (name == b"IHDR" and names.count(name) > 1):
            raise UnreadableFrameError(
                f"is damaged: its chunk {str(name)[1:]} stands in no such PNG. Render or copy it "
                "again."
            )
    for name in (b"PLTE", b"IDAT") if chunks[0].data[9] == _PALETTE else (b"IDAT",):
        if name not in names:
            raise UnreadableFrameError(
                f"is damaged: it has no chunk {name.decode()}. Render or copy it again."
            )
    return chunks


def bytes_from_chunks(chunks: Iterable[Chunk]) -> bytes:
    """Return the file."""
    return SIGNATURE + b"".join(chunk.raw for chunk in chunks)
