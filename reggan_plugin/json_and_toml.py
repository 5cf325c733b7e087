"""JSON and TOML, read within bounds (size, depth, digits, types of fields); JSON that any program
reads.
"""

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from reggan_plugin.file_safety import read_text
from reggan_plugin.limits import MOST_DEPTH, MOST_DOCUMENT_BYTES, MOST_NUMBER_DIGITS

_DOTTED = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MOST_DEPTH}}}")


def parse_json(text: str | bytes, **hooks: Any) -> Any:
    """Return a JSON value whose whole numbers are floats' equals; `hooks` as of `json.loads`.

    Raises:
        ValueError: it is none, nested far too deep, or a number has more digits than any float.
    """
    try:
        return json.loads(text, parse_int=_whole, **hooks)
    except RecursionError as error:
        raise ValueError("it is nested far too deep") from error


def read_json(path: Path) -> Any:
    """Return the JSON value in a file.

    Raises:
        OSError: it cannot be read, or is no ordinary file.
        ValueError: it is too large, no UTF-8, or as `parse_json`.
    """
    return parse_json(read_text(path, MOST_DOCUMENT_BYTES))


_LARGEST = 1e38
"""Of numbers in fields; files' times in nanoseconds have 19 digits."""
_hints_of = cache(get_type_hints)


def typed(kind: Any, value: Any) -> Any:
    """Return a value of JSON as a field of this type has it: a dataclass of its fields by name, and
    what these are made of. Further names are left out.

    Raises:
        KeyError: a field is missing.
        TypeError: a value is of another type, or no finite number.
        ValueError: a tuple has another length.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**{name: typed(hint, value[name]) for name, hint in _hints_of(kind).items()})
    if origin is UnionType:  # with None, which comes last
        return None if value is None else typed(parts[0], value)
    if origin is Mapping and isinstance(value, dict):
        return {name: typed(parts[1], one) for name, one in value.items()}
    if origin is tuple and isinstance(value, list):
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return tuple(typed(one, own) for one, own in zip(kinds, value, strict=True))
    if kind in (int, float):
        is_number = isinstance(value, int | float if kind is float else int)
        is_sound = is_number and not isinstance(value, bool) and abs(value) < _LARGEST
    else:
        is_sound = value in parts if origin is Literal else kind is str and isinstance(value, str)
    if not is_sound:
        raise TypeError(f"a {type(value).__name__} stands where {kind} belongs")
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """Return a TOML document.

    Raises:
        ValueError: it is none, nested too deep, or has such a number.
    """
    import tomllib  # few have such a file

    if _DOTTED.search(text):  # which tomllib would read in the square of their number
        raise ValueError(f"a name has more than {MOST_DEPTH} parts with dots between")
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep") from error
    level: list[Any] = [document]
    for _ in range(MOST_DEPTH):
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [v for one in inner for v in (one.values() if isinstance(one, dict) else one)]
        if any(isinstance(one, int) and abs(one) >= 10**MOST_NUMBER_DIGITS for one in level):
            raise ValueError(f"a number has more than {MOST_NUMBER_DIGITS} digits")
        if not level:
            return document
    raise ValueError(f"it is nested more than {MOST_DEPTH} deep")


def _whole(digits: str) -> int:
    if len(digits) > MOST_NUMBER_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits, of at most {MOST_NUMBER_DIGITS}")
    return int(digits)


def json_text(document: Any, indent: int | None = None) -> str:
    """JSON for other programs: what is no number becomes null, as JSON has no NaN."""
    return json.dumps(_finite(document), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
