"""Reads a take, whatever tool wrote it."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reggan_plugin.attached import attached, load_attached
from reggan_plugin.curves.audio2face import columns_of_audio2face, is_audio2face
from reggan_plugin.curves.csv_take import columns_of_csv
from reggan_plugin.curves.phone_text import columns_of_face_cap, columns_of_ifacialmocap
from reggan_plugin.curves.take import Columns, Take, take_from_columns
from reggan_plugin.errors import SourceError
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, USD_SUFFIXES
from reggan_plugin.limits import MOST_TAKE_BYTES
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.regular_file import read_regular

FORMATS = (
    "Live Link Face CSV, iFacialMocap or Face Cap text, Audio2Face JSON, glTF, GLB, VRMA, USD, or "
    "CSV with a heading such as frame,jawOpen,mouthSmileLeft"
)
_TEXT_SUFFIXES = (".csv", ".txt", ".json")
_DAMAGE = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, RecursionError, MemoryError,
    csv.Error,
)  # fmt: skip
"""Exceptions that readers raise for broken files."""


def read_take(path: Path, rate_fps: float | None = None, *, holds_percents: bool = False) -> Take:
    """Read a take.

    Args:
        path: a file of one of `FORMATS`.
        rate_fps: rows a second of files that hold no time, frames a second of timecodes; None
            takes what the file says, or what its tool usually does.
        holds_percents: whether its weights are percents even if none of them is above 2.

    Raises:
        SourceError: it is none of these, is broken, or names no face shape.
        MissingExtraError: a package that it needs is not installed.
    """
    try:
        columns = _columns(path, rate_fps)
    except SourceError:
        raise
    except _DAMAGE as error:
        cause = str(error).strip() or type(error).__name__
        raise SourceError(
            f"{path} cannot be read as a take: {cause}. Expected {FORMATS}."
        ) from error
    if holds_percents:
        columns = replace(columns, scale=0.01)
    return take_from_columns(columns, str(path))


def _columns(path: Path, rate_fps: float | None) -> Columns:
    suffix = path.suffix.lower()
    if suffix in (*GLTF_SUFFIXES, ".vrma"):
        from reggan_plugin.curves.gltf_take import columns_of_gltf

        return columns_of_gltf(path)
    if suffix in USD_SUFFIXES:
        return _columns_of_usd()(path)
    if suffix not in _TEXT_SUFFIXES and suffix[1:] in attached("takes"):
        columns: Columns = load_attached("takes", suffix[1:])(path, rate_fps)
        return columns
    text = read_regular(path, MOST_TAKE_BYTES).decode("utf-8-sig")
    if suffix == ".json":
        if not is_audio2face(text):
            raise ValueError("it has no facsNames and weightMat, as Audio2Face writes them")
        return columns_of_audio2face(text, rate_fps)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if "|" in first:
        return columns_of_ifacialmocap(text, rate_fps)
    if "\nk," in f"\n{text}":  # whatever lines stand before the rows
        return columns_of_face_cap(text)
    return columns_of_csv(text, rate_fps)


def _columns_of_usd() -> Callable[[Path], Columns]:
    with needs_extra("A take in USD", "usd"):
        import pxr  # noqa: F401 - it is used in a child process

        from reggan_plugin.curves.usd_take import columns_of_usd
    return columns_of_usd
