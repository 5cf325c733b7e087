"""What can be done to sound files and documents, by hypothesis or by a seeded generator."""

import random
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

_TELLING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
_PNG_SIGNATURE_BYTES = 8
_FAULTS = ("byte", "number", "cut", "remove", "insert", "repeat")
_LEAVES = (0, -1, 1e308, -1e-320, 2**63, 10**400, "", "1001", None, True)

T = TypeVar("T")


class Choices(Protocol):
    """Who decides what is damaged, and how."""

    def whole(self, least: int, most: int) -> int:
        """A number, both ends included."""

    def one_of(self, options: Sequence[T]) -> T:
        """One of them."""

    def some_bytes(self, most: int) -> bytes:
        """One to `most` of them."""

    def any_json(self) -> Any:
        """A small document of any shape."""


class Drawn:
    """Choices of hypothesis, which makes failures small."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def whole(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))

    def one_of(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def some_bytes(self, most: int) -> bytes:
        return self._draw(st.binary(min_size=1, max_size=most))

    def any_json(self) -> Any:
        return self._draw(_ANY_JSON)


class Seeded:
    """Choices of a seeded generator: thousands in a second, and the same ones again."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def whole(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def one_of(self, options: Sequence[T]) -> T:
        return self._random.choice(options)

    def some_bytes(self, most: int) -> bytes:
        return self._random.randbytes(self.whole(1, most))

    def any_json(self, depth: int = 0) -> Any:
        kind = self.whole(0, 5) if depth < 3 else 0
        if kind < 3:
            return self.one_of((*_LEAVES, self._random.uniform(-1e9, 1e9)))
        inner = [self.any_json(depth + 1) for _ in range(self.whole(0, 4))]
        return inner if kind == 3 else {str(self.one_of(_LEAVES)): one for one in inner}


def damage(
    choices: Choices, sound: bytes, start: int = 8, header: int = 512, most: int = 4
) -> bytes:
    """`sound` with one to `most` faults behind `start`, usually in its first `header` bytes."""
    content = bytearray(sound)
    for _ in range(choices.whole(1, most)):
        end = len(content) if choices.whole(0, 3) == 0 else min(header, len(content))
        place = choices.whole(min(start, end), end)
        match choices.one_of(_FAULTS):
            case "byte":
                content[place : place + 1] = bytes([choices.one_of(_TELLING)])
            case "number":
                order = choices.one_of(("little", "big"))
                size = choices.one_of((2, 4, 8))
                value = choices.whole(0, 2 ** (8 * size) - 1)
                content[place : place + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
            case "cut":
                del content[place:]
            case "remove":
                del content[place : place + choices.whole(1, 16)]
            case "insert":
                content[place:place] = choices.some_bytes(16)
            case "repeat":
                content[place:place] = content[place : place + choices.whole(1, 64)]
    return bytes(content)


def nearly(choices: Choices, sound: Any, odds: int = 9) -> Any:
    """A JSON document of nearly the same shape: now and then another value, a key more or less."""
    if choices.whole(0, odds) == 0:
        return choices.any_json()
    if isinstance(sound, dict):
        kept = {key: nearly(choices, value, odds) for key, value in sound.items()}
        if kept and choices.whole(0, odds) == 0:
            del kept[choices.one_of(sorted(kept))]
        return kept
    if isinstance(sound, list):
        return [nearly(choices, value, odds) for value in sound]
    return sound


@st.composite
def damaged(draw: st.DrawFn, sound: bytes, start: int = 8, header: int = 512) -> bytes:
    """See `damage`."""
    return damage(Drawn(draw), sound, start, header)


@st.composite
def json_like(draw: st.DrawFn, sound: Any, odds: int = 9) -> Any:
    """See `nearly`."""
    return nearly(Drawn(draw), sound, odds)


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


_ANY_JSON = st.recursive(
    st.sampled_from(_LEAVES) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
