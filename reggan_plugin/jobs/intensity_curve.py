"""Intensity over time: a curve from a file (`--intensity-curve`), and fades at both ends of a shot.

A curve is a table of keys, in a CSV file with or without its first line:

    frame,expression,value
    1001,happy,0
    1024,happy,0.8
    1024,surprised,0.25
    1024,jawOpen,0.4

or in JSON: `[{"frame": 1001, "expression": "happy", "value": 0}, ...]`. An expression is a name, a
preset of one's own or an ARKit shape. Each runs in straight lines between its own keys and keeps
its first value before, its last value after them.
Frames may lie between whole numbers; the order of the keys does not matter.
"""

import csv
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from reggan_plugin.errors import SourceError, UsageError
from reggan_plugin.file_safety import read_text
from reggan_plugin.frozen import frozen
from reggan_plugin.json_and_toml import parse_json
from reggan_plugin.limits import MOST_DOCUMENT_BYTES, MOST_KEYS, refuse_beyond
from reggan_plugin.vocabulary.expression import (
    NO_PRESETS,
    ExpressionMix,
    OwnPresets,
    resolve_expression,
)
from reggan_plugin.vocabulary.face_shapes import MAX_INTENSITY

_COLUMNS = ("frame", "expression", "value")
_HIGHEST_FRAME = 1e7
_DAMAGE = (OSError, ValueError, RecursionError, MemoryError, csv.Error)
"""No file, no UTF-8, no JSON, brackets a thousand deep, a field without end."""


Key = tuple[float, float]
"""(frame, intensity)."""


@frozen
class IntensityCurve:
    """The keys of every expression and face shape, by frame.

    Attributes:
        keys: by name.
        adds, own: as in `ExpressionMix`.
    """

    keys: Mapping[str, tuple[Key, ...]]
    adds: bool = False
    own: OwnPresets = field(default_factory=lambda: NO_PRESETS)

    @property
    def peak(self) -> ExpressionMix:
        """The most that is asked of each expression."""
        most = {name: max(value for _, value in keys) for name, keys in self.keys.items()}
        return ExpressionMix(most, self.adds, self.own)

    def notices_on(self, first_frame: int, last_frame: int) -> tuple[str, ...]:
        """Say that all of its keys lie before or behind a shot, which gets one expression then."""
        frames = {frame for keys in self.keys.values() for frame, _ in keys}
        begin, end = min(frames), max(frames)
        if begin == end or not (end < first_frame or begin > last_frame):
            return ()
        return (
            f"The keys of the curve lie on frames {begin:.6g} to {end:.6g}, and the shot has "
            f"{first_frame} to {last_frame}: all of its frames get the same values.",
        )

    def mix_at(self, frame: float) -> ExpressionMix:
        """Return the request at a frame."""
        values = {name: _value_at(keys, frame) for name, keys in self.keys.items()}
        return ExpressionMix(values, self.adds, self.own)


def read_curve(
    path: Path, intensity: float = 1.0, own: OwnPresets = NO_PRESETS, *, adds: bool = False
) -> IntensityCurve:
    """Read a curve; every value is multiplied by `intensity`.

    Raises:
        SourceError: not such a file; the message names the line.
        UsageError: a value is out of range, or an expression has two keys at one frame.
    """
    try:
        text = read_text(path, MOST_DOCUMENT_BYTES)
        found = _rows_of_json(text) if path.suffix.lower() == ".json" else _rows_of_csv(text)
        rows = list(islice(found, MOST_KEYS + 1))
        refuse_beyond(len(rows), MOST_KEYS, "keys")
    except _DAMAGE as error:
        raise SourceError(
            f"{path} cannot be read as a curve: {error}. Write lines such as 1001,happy,0.8, or "
            'in a .json file [{"frame": 1001, "expression": "happy", "value": 0.8}].'
        ) from error
    return IntensityCurve(keys=_keys(rows, path, intensity, own), adds=adds, own=own)


def _rows_of_csv(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row with its place in the file."""
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    for cells in reader:
        words = tuple(cell.strip() for cell in cells)
        is_heading = reader.line_num == 1 and tuple(map(str.lower, words)) == _COLUMNS
        if reader.line_num == 1 and not is_heading and words and all(map(str.isalpha, words)):
            raise ValueError(
                f"its heading is {','.join(words)!r}, expected {','.join(_COLUMNS)!r} or none"
            )
        if any(words) and not is_heading:
            row = dict(zip(_COLUMNS, words, strict=False)) if len(words) == len(_COLUMNS) else {}
            yield f"line {reader.line_num}", row


def _rows_of_json(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    document = parse_json(text)
    if not isinstance(document, list):
        raise ValueError(f"it holds {type(document).__name__}, not a list of keys")
    for number, row in enumerate(document, start=1):
        yield f"entry {number}", row if isinstance(row, dict) else {}


def _keys(
    rows: Iterable[tuple[str, Mapping[str, Any]]], path: Path, intensity: float, own: OwnPresets
) -> dict[str, tuple[Key, ...]]:
    values: dict[str, dict[float, float]] = {}
    names: dict[str, str] = {}
    for place, row in rows:
        where = f"{path}, {place}"
        if not row.keys() >= set(_COLUMNS):
            _refuse(where, "no frame, expression and value", "such as 1001,happy,0.8")
        frame = _number(row["frame"], where, "frame", -_HIGHEST_FRAME, _HIGHEST_FRAME)
        word = str(row["expression"])
        if word not in names:
            try:
                names[word] = resolve_expression(word, own)
            except UsageError as error:
                raise error.after(f"{where}: ") from error
        name = names[word]
        value = intensity * _number(row["value"], where, "value", 0.0, MAX_INTENSITY)
        if value > MAX_INTENSITY:
            _refuse(where, f"{value:g} times the intensity", f"0 to {MAX_INTENSITY}")
        if frame in values.setdefault(name, {}):
            _refuse(where, f"a second key of {name} at frame {frame:g}", "one at each frame")
        values[name][frame] = value
    if not values:
        raise SourceError(f"{path} holds no key; expected lines such as 1001,happy,0.8.")
    return {name: tuple(sorted(by_frame.items())) for name, by_frame in values.items()}


def _number(found: Any, where: str, what: str, least: float, most: float) -> float:
    try:
        number = math.nan if isinstance(found, bool) else float(found)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least <= number <= most:
        _refuse(where, f"{what} {str(found)[:40]!r}", f"a number from {least:g} to {most:g}")
    return number


def _refuse(where: str, found: str, expected: str) -> NoReturn:
    raise UsageError(f"{where} has {found}; expected {expected}. Mend that key.")


def _value_at(keys: tuple[Key, ...], frame: float) -> float:
    after = bisect_right(keys, frame, key=lambda key: key[0])
    if after == 0:
        return keys[0][1]
    begin, low = keys[after - 1]
    if after == len(keys) or begin == frame:
        return low
    end, high = keys[after]
    value = low + (high - low) * ((frame - begin) / (end - begin))
    return min(max(value, min(low, high)), max(low, high))  # rounding may pass the larger one
