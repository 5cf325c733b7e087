"""JSON and TOML of others, read within bounds; JSON of ours, which any program reads."""

import json
import math
import re
from typing import Any

from reggan_plugin.limits import MOST_DEPTH, MOST_NUMBER_DIGITS

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


def json_text(document: Any, indent: int | None = None) -> str:
    """JSON for other programs: what is no number becomes null, as JSON has no NaN."""
    return json.dumps(_finite(document), indent=indent, allow_nan=False)


def _whole(digits: str) -> int:
    if len(digits) > MOST_NUMBER_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits, of at most {MOST_NUMBER_DIGITS}")
    return int(digits)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
