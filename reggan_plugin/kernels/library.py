"""The compiled kernels of this machine, and how they are called."""

import ctypes
import hashlib
import platform
import sys
from functools import cache
from pathlib import Path

import numpy as np

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


def _passed(argument: Argument) -> ctypes.c_void_p | ctypes.c_int64 | ctypes.c_float:
    if isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous, "kernels read arrays from their first value on"
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return ctypes.c_void_p(None) if argument is None else ctypes.c_int64(argument)
