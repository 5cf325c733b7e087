"""Reads a take, whatever tool wrote it."""

import csv
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np

from reggan_plugin.curves import formats
from reggan_plugin.curves.csv_take import columns_of_csv
from reggan_plugin.curves.take import Columns, Take, TakeFormat, take_from_columns
from reggan_plugin.entry_points import attached, attached_faults, expect_type, load_attached
from reggan_plugin.errors import SourceError
from reggan_plugin.file_safety import read_text
from reggan_plugin.limits import MOST_TAKE_BYTES

_TEXT_SUFFIXES = (".csv", ".txt", ".json")
_DAMAGE = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, RecursionError, MemoryError,
    csv.Error,
)  # fmt: skip
"""Exceptions that readers raise for broken files."""


def read_take(path: Path, rate_fps: float | None = None, *, holds_percents: bool = False) -> Take:
    """Read a take.

    Args:
        path: a CSV file, or one of `take_formats`.
        rate_fps: rows a second of files that hold no time, frames a second of timecodes; None
            takes what the file says, or what its tool usually does.
        holds_percents: whether its weights are percents even if none of them is above 2.

    Raises:
        SourceError: it is none of these, is broken, or names no face shape.
        MissingExtraError: a package that it needs is not installed.
    """
    suffix = path.suffix.lower()
    is_own = suffix in _TEXT_SUFFIXES or any(suffix in one.suffixes for one in take_formats())
    if not is_own and suffix[1:] in attached("takes"):
        with attached_faults(
            "takes", suffix[1:], unread=f"{path} is not read: ", error_type=SourceError
        ):
            read = load_attached("takes", suffix[1:])
            columns = expect_type(read(path, rate_fps), Columns)
            _refuse_odd(columns)
            return _take(columns, path, holds_percents=holds_percents)
    try:
        columns = _columns(path, rate_fps)
    except SourceError:
        raise
    except _DAMAGE as error:
        cause = str(error).strip() or type(error).__name__
        expected = ", ".join(one.name for one in take_formats())
        raise SourceError(
            f"{path} cannot be read as a take: {cause}. Expected Live Link Face CSV, {expected}, "
            "or CSV with a heading such as frame,jawOpen,mouthSmileLeft."
        ) from error
    return _take(columns, path, holds_percents=holds_percents)


def _refuse_odd(columns: Columns) -> None:
    """Refuse columns of another package whose fields are not what they say.

    Raises:
        TypeError, ValueError: one is not.
    """
    expect_type(columns.kind, str)
    names = [expect_type(name, str) for name in columns.names]
    rows = len(expect_type(columns.times_s, np.ndarray))
    arrays = {"times_s": ((rows,), columns.times_s), "values": ((rows, len(names)), columns.values)}
    if columns.frames is not None:
        arrays["frames"] = ((rows,), columns.frames)
    for name, (shape, given) in arrays.items():
        values = expect_type(given, np.ndarray)
        if values.shape != shape or values.dtype.kind not in "fiu":
            raise ValueError(f"its {name} are {values.dtype} {values.shape}, not real of {shape}")
    for note in columns.notes:
        expect_type(note, str)


def _take(columns: Columns, path: Path, *, holds_percents: bool) -> Take:
    if holds_percents:
        columns = replace(columns, scale=0.01)
    return take_from_columns(columns, str(path))


def _columns(path: Path, rate_fps: float | None) -> Columns:
    suffix = path.suffix.lower()
    for one in take_formats():
        if suffix in one.suffixes:
            return one.read(path, rate_fps)
    text = read_text(path, MOST_TAKE_BYTES)
    read = next((one.read for one in take_formats() if one.recognises(text)), columns_of_csv)
    return read(text, rate_fps)


@cache
def take_formats() -> tuple[TakeFormat, ...]:
    """Return this package's formats but CSV, by the name of their module."""
    modules = sorted(found.name for found in iter_modules(formats.__path__))
    return tuple(import_module(f"{formats.__name__}.{name}").FORMAT for name in modules)
