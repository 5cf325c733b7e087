"""The compiled kernels of this machine, and how they are called."""

import ctypes
import hashlib
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from reggan_plugin.array_types import Float
from reggan_plugin.errors import RegganError

FOLDER = Path(__file__).parent
_SYSTEMS = {"linux": ("linux", "so"), "darwin": ("macos", "dylib"), "win32": ("windows", "dll")}
_MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}
Argument = np.ndarray | int | float | None


def call(kernel: str, *arguments: Argument) -> None:
    """Run a kernel; other threads go on meanwhile.

    Args:
        kernel: name of the function in C.
        arguments: in its order: arrays by their first value, all of their values in C's order;
            int as int64_t, float as float, None as a null pointer. Whether they are of the types
            and lengths that the kernel reads and writes is for the caller to see to.

    Raises:
        RegganError: there are no compiled kernels for this machine.
    """
    getattr(_library(), kernel)(*map(_passed, arguments))


def stored_rows(
    pixels: Float[np.ndarray, "rows columns 3"], alpha: Float[np.ndarray, "rows columns"] | None
) -> tuple[Any, ...]:
    """Return `rows_of` pixels, then of their alpha, then how many rows and columns they have."""
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"Pixels of {pixels.shape} have no three channels.")
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        raise ValueError(f"Alpha of {alpha.shape} does not fit pixels of {pixels.shape}.")
    own = (None, 0) if alpha is None else rows_of(alpha)
    return (*rows_of(pixels), *own, *pixels.shape[:2])


def rows_of(
    values: Float[np.ndarray, "rows columns *channels"],
) -> tuple[Float[np.ndarray, " numbers"], int]:
    """Return float32 numbers from the first to the last value, and how many a row is from the next.

    A part of a picture is not copied.
    """
    size = np.dtype(np.float32).itemsize
    row = np.empty(values.shape[1:], np.float32)
    fits = values.dtype == np.float32 and values.strides[1:] == row.strides
    if not fits or values.strides[0] < row.nbytes or values.strides[0] % size:
        values = np.ascontiguousarray(values, np.float32)
    if not values.size:
        return np.zeros(0, np.float32), 0
    step = values.strides[0] // size
    return as_strided(values, ((len(values) - 1) * step + row.size,), (size,)), step


def sources_digest() -> str:
    """SHA-256 of the sources in C."""
    files = sorted([*FOLDER.glob("*.h"), *FOLDER.glob("*.c")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def compiled_file() -> Path:
    """Where the compiled kernels of this machine lie, if there are any."""
    system, suffix = _SYSTEMS.get(sys.platform, (sys.platform, "so"))
    machine = platform.machine().lower()
    return FOLDER / "compiled" / f"{system}-{_MACHINES.get(machine, machine)}.{suffix}"


@cache
def _library() -> ctypes.CDLL:
    path = compiled_file()
    if not path.is_file():
        there = ", ".join(sorted(one.stem for one in path.parent.glob("*.*"))) or "none"
        raise RegganError(
            f"{path} is missing: kernels are compiled for {there}, this machine is {path.stem}. "
            "Install reggan-plugin with pip, which compiles them; a copied folder needs "
            "`python hatch_build.py` once.",
            kind="no-kernels",
        )
    library, wide = _opened(path), path.with_stem(f"{path.stem}-avx2")
    return _opened(wide) if library.has_avx2() and wide.is_file() else library


def _opened(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise RegganError(
            f"{path} cannot be loaded ({error}). Install reggan-plugin again.", kind="no-kernels"
        ) from error
    library.compiled_from.restype = ctypes.c_char_p
    if library.compiled_from().decode() != sources_digest():
        raise RegganError(
            f"{path} was compiled from other sources than those beside it. Install reggan-plugin "
            "again; in a repository run `python hatch_build.py`.",
            kind="no-kernels",
        )
    return library


def _passed(argument: Argument) -> Any:
    if isinstance(argument, np.ndarray):
        writable: Any = argument  # types of Python before 3.12 know no array as a buffer
        try:  # a third of the time that `ndarray.ctypes` takes
            return ctypes.byref(ctypes.c_char.from_buffer(writable))
        except (TypeError, ValueError):  # nobody may write to it, or it is empty
            assert argument.flags.c_contiguous, "kernels read arrays from their first value on"
            return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return ctypes.c_void_p(None) if argument is None else ctypes.c_int64(argument)
