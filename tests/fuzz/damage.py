"""What can be done to sound files and documents."""

import struct
import zlib
from typing import Any

from hypothesis import strategies as st

_TELLING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
_PNG_SIGNATURE_BYTES = 8


@st.composite
def damaged(draw: st.DrawFn, sound: bytes, start: int = 8, header: int = 512) -> bytes:
    """`sound` with one to four faults behind `start`, most within its first `header` bytes."""
    content = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        end = len(content) if draw(st.integers(0, 3)) == 0 else min(header, len(content))
        place = draw(st.integers(min(start, end), end))
        match draw(st.sampled_from(("byte", "number", "cut", "remove", "insert", "repeat"))):
            case "byte":
                content[place : place + 1] = bytes([draw(st.sampled_from(_TELLING))])
            case "number":
                order = draw(st.sampled_from(("little", "big")))
                size = draw(st.sampled_from((2, 4, 8)))
                value = draw(st.integers(0, 2 ** (8 * size) - 1))
                content[place : place + size] = value.to_bytes(size, order)
            case "cut":
                del content[place:]
            case "remove":
                del content[place : place + draw(st.integers(1, 16))]
            case "insert":
                content[place:place] = draw(st.binary(min_size=1, max_size=16))
            case "repeat":
                content[place:place] = content[place : place + draw(st.integers(1, 64))]
    return bytes(content)


def with_right_checksums(png: bytes) -> bytes:
    """A PNG whose faults are not given away by its chunks' checksums."""
    whole, position = bytearray(png[:_PNG_SIGNATURE_BYTES]), _PNG_SIGNATURE_BYTES
    while position + 8 <= len(png):
        end = position + 8 + int.from_bytes(png[position : position + 4], "big")
        if end + 4 > len(png):
            break
        whole += png[position:end] + struct.pack(">I", zlib.crc32(png[position + 4 : end]))
        position = end + 4
    return bytes(whole) + png[position:]


@st.composite
def json_like(draw: st.DrawFn, sound: Any) -> Any:
    """A JSON document of nearly the same shape: now and then another value, a key more or less."""
    if draw(st.integers(0, 9)) == 0:
        return draw(_ANY_JSON)
    if isinstance(sound, dict):
        kept = {key: draw(json_like(value)) for key, value in sound.items()}
        if kept and draw(st.integers(0, 9)) == 0:
            del kept[draw(st.sampled_from(sorted(kept)))]
        return kept
    if isinstance(sound, list):
        return [draw(json_like(value)) for value in sound]
    return sound


_LEAVES = st.sampled_from((0, -1, 1e308, -1e-320, 2**63, 10**400, "", "1001", None, True))
_ANY_JSON = st.recursive(
    _LEAVES | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
