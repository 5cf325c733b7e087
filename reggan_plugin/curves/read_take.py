"""Reads a take, whatever tool wrote it."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from reggan_plugin.attached import attached, load_attached
from reggan_plugin.curves.csv_take import columns_of_csv
from reggan_plugin.curves.phone_text import columns_of_face_cap, columns_of_ifacialmocap
from reggan_plugin.curves.take import Columns, Take, take_from_columns
from reggan_plugin.errors import SourceError
from reggan_plugin.files.mesh_suffixes import GLTF_SUFFIXES, USD_SUFFIXES
from reggan_plugin.missing_package import needs_extra
from reggan_plugin.regular_file import read_regular

_FIELDS = ("facsNames", "weightMat")


def is_audio2face(text: str) -> bool:
    """Tell whether a JSON text looks like one."""
    return all(f'"{field}"' in text for field in _FIELDS)


def columns_of_audio2face(text: str, rate_fps: float | None) -> Columns:
    """Read `exportFps`, `facsNames` and `weightMat`, a row for each frame.

    Raises:
        ValueError: a field is missing, or the matrix has another shape than the names say.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or any(field not in document for field in _FIELDS):
        raise ValueError(f"it has no {' and '.join(_FIELDS)}")
    names, rows = document["facsNames"], document["weightMat"]
    rate = rate_fps or document.get("exportFps")
    if not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"its exportFps is {rate!r}, no frames a second")
    try:
        values = np.array(rows, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its weightMat is no matrix of numbers ({error})") from error
    if not isinstance(names, list) or values.ndim != 2 or values.shape[1] != len(names):
        raise ValueError(
            f"its weightMat has the shape {values.shape}, and it names {len(names)} poses"
        )
    return Columns(
        kind="Audio2Face",
        names=[str(name) for name in names],
        times_s=np.arange(len(values)) / rate,
        values=values,
        rate_fps=float(rate),
    )


MOST_BYTES = 512 * 1024**2
FORMATS = (
    "Live Link Face CSV, iFacialMocap or Face Cap text, Audio2Face JSON, glTF, GLB, VRMA, USD, or "
    "CSV with a heading such as frame,jawOpen,mouthSmileLeft"
)
_TEXT_SUFFIXES = (".csv", ".txt", ".json")
_DAMAGE = (
    ValueError, TypeError, KeyError, IndexError, OSError, RecursionError, MemoryError, csv.Error
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
    text = read_regular(path, MOST_BYTES).decode("utf-8-sig")
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
        from reggan_plugin.curves.usd_take import columns_of_usd
    return columns_of_usd
