"""Checks of single fields of a glTF document, put together to those of records.

Each takes a value, its place in words and the sizes of the top-level arrays, and raises a
`ValueError` that says what was found there and what was expected.
"""

from collections.abc import Callable, Mapping
from typing import Any

_LARGEST_NUMBER = 1e30

Sizes = Mapping[str, int]
"""Number of entries of each top-level array."""
Check = Callable[[Any, str, Sizes], None]


def _fault(place: str, found: object, expected: str) -> ValueError:
    return ValueError(f"{place or 'the document'} is {repr(found)[:60]}, expected {expected}")


def object_of(value: Any, place: str) -> dict[str, Any]:
    """Return the value, refused if it is no JSON object."""
    if not isinstance(value, dict):
        raise _fault(place, value, "an object")
    return value


def check_text(value: Any, place: str, _: Sizes) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise _fault(place, value, "text")


def check_flag(value: Any, place: str, _: Sizes) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise _fault(place, value, "true or false")


def check_number(value: Any, place: str, _: Sizes) -> None:
    """Refuse what is no finite number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER):  # false for NaN, too
        raise _fault(place, value, "a finite number")


def whole_number(most: int) -> Check:
    """Return a whole number from 0 to `most`."""

    def check(value: Any, place: str, _: Sizes) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and 0 <= value <= most):
            raise _fault(place, value, f"a whole number from 0 to {most}")

    return check


def index_of(key: str) -> Check:
    """Return the place of an entry of a top-level array."""

    def check(value: Any, place: str, sizes: Sizes) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and 0 <= value < sizes.get(key, 0)):
            raise _fault(place, value, f"an index of one of {sizes.get(key, 0)} {key}")

    return check


def index_or_none_of(key: str) -> Check:
    """VRM 0.x writes -1 for a bone that it does not have."""
    check_index = index_of(key)

    def check(value: Any, place: str, sizes: Sizes) -> None:
        if value != -1:
            check_index(value, place, sizes)

    return check


def array_of(of: Check, length: int | None = None) -> Check:
    """Return a list, each of whose entries is checked."""

    def check(value: Any, place: str, sizes: Sizes) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise _fault(place, value, "an array" + (f" of {length}" if length else ""))
        for i, one in enumerate(value):
            of(one, f"{place}[{i}]", sizes)

    return check


def mapping_of(of: Check) -> Check:
    """Return an object with any names, each of whose values is checked."""

    def check(value: Any, place: str, sizes: Sizes) -> None:
        for key, one in object_of(value, place).items():
            of(one, f"{place}.{key[:40]}", sizes)

    return check


def record_of(needed: Mapping[str, Check], **optional: Check) -> Check:
    """Return an object with fields that it needs, and others that are checked where they are."""
    fields = {**needed, **optional}

    def check(value: Any, place: str, sizes: Sizes) -> None:
        entry = object_of(value, place)
        for name in needed:
            if name not in entry:
                raise ValueError(f"{place or 'the document'} has no {name}")
        for name, of in fields.items():
            if name in entry:
                of(entry[name], f"{place}.{name}".removeprefix("."), sizes)

    return check


def anything(value: Any, place: str, sizes: Sizes) -> None:
    """Every value will do."""
