"""The list of tags of a TIFF or BigTIFF, written anew; loads no library."""

import struct
from collections.abc import Collection, Mapping

Tag = tuple[int, int, bytes]
"""Type, number of values, and these as stored."""


def with_tags(content: bytes, own: Mapping[int, Tag], without: Collection[int] = ()) -> bytes:
    """Return the file with other tags in its first directory, which is written behind the rest.

    Args:
        content: the file.
        own: tags by number, in place of those that are there; two bytes a value in their order.
        without: numbers of those that are left out.
    """
    order = "<" if content.startswith(b"II") else ">"
    is_big = struct.unpack_from(f"{order}H", content, 2)[0] == 43
    pointer_at, word, counter = (8, "Q", "Q") if is_big else (4, "I", "H")
    room = struct.calcsize(word)
    (directory,) = struct.unpack_from(order + word, content, pointer_at)
    (count,) = struct.unpack_from(order + counter, content, directory)
    begin, entry_bytes = directory + struct.calcsize(counter), 4 + 2 * room
    end = begin + count * entry_bytes
    rows = [content[at : at + entry_bytes] for at in range(begin, end, entry_bytes)]
    rows = [row for row in rows if _number_of(row, order) not in {*own, *without}]
    pieces, size = [b"\0" * (len(content) % 2)], len(content) + len(content) % 2
    for tag, (kind, values, stored) in own.items():
        field = stored.ljust(room, b"\0")
        if len(stored) > room:
            field = struct.pack(order + word, size)
            pieces.append(stored + b"\0" * (len(stored) % 2))
            size += len(pieces[-1])
        rows.append(struct.pack(f"{order}HH{word}", tag, kind, values) + field)
    rows.sort(key=lambda row: _number_of(row, order))  # entries stand by rising tag
    pieces += [struct.pack(order + counter, len(rows)), *rows, content[end : end + room]]
    pointer = struct.pack(order + word, size)
    return b"".join([content[:pointer_at], pointer, content[pointer_at + room :], *pieces])


def _number_of(row: bytes, order: str) -> int:
    number: int = struct.unpack_from(f"{order}H", row)[0]
    return number
