"""TIFF and BigTIFF. The stamp is a private ASCII tag of the first page."""

import struct

from reggan_plugin.files.image_format import TIFF_TAG, Frame, ImageFormat, Wanted, begins_with

_ASCII = 2


def _decode(content: bytes, wanted: Wanted) -> Frame:  # noqa: ARG001
    from reggan_plugin.files.tiff.tiff_file import decode

    return decode(content)


def _stamped(content: bytes, text: str) -> bytes:
    """Return the first directory is written again behind the file, with one more entry."""
    value = text.encode("ascii")
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
    tail = value + b"\0" + b"\0" * ((len(value) + 1) % 2)
    # Entries stand by rising tag.
    directory = len(body) + len(tail)
    rows = sorted([*others, own], key=lambda entry: struct.unpack_from(f"{order}H", entry)[0])
    written = struct.pack(order + counter, len(rows)) + b"".join(rows) + next_directory
    pointer = struct.pack(order + word, directory)
    body = body[:pointer_at] + pointer + body[pointer_at + len(pointer) :]
    return body + tail + written


FORMAT = ImageFormat(
    name="TIFF",
    suffixes=(".tif", ".tiff"),
    recognises=begins_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    media_type="image/tiff",
    decode=_decode,
    stamp=_stamped,
)
