"""Runs a function in a child process with bounds on its memory and time, for foreign parsers.

A file that crashes its parser, or that takes all memory or time, costs that process, and becomes
one sentence. What comes back is JSON and plain arrays: nothing is unpickled, so that a parser that
was taken over decides numbers and text alone. On Linux and macOS memory, processor time and the
size of the answer are bounded, on Windows the time; without a Python to start (inside some
programs) the function runs here.

    python -P -m reggan_plugin.apart MODULE:FUNCTION    # its arguments as JSON on standard input
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from typing import IO, Any

import numpy as np

from reggan_plugin import errors, limits
from reggan_plugin.errors import RegganError, SourceError

HERE = False
"""True runs everything in this process; fuzz tests set it, which try thousands of files."""
_ARRAY = "\0array"
_LENGTH_BYTES = 8
_TOO_LONG = f"takes longer than {limits.MOST_CHILD_SECONDS} s to read"


def run_apart(function: str, *arguments: Any, file: object) -> Any:
    """Call `function`, named `module:name`, in a child; returns what it returns.

    Args:
        function: takes and returns what JSON holds; it may return arrays within, too.
        arguments: for it.
        file: what it reads; messages begin with it.

    Raises:
        RegganError, ValueError: as the function.
        SourceError: it took too long or too much memory, or its process died.
    """
    if HERE or not sys.executable:
        return _function(function)(*arguments)
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as noise:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "reggan_plugin.apart", function],
                input=json.dumps(arguments).encode(),
                stdout=answer,
                stderr=noise,
                check=False,
                timeout=2 * limits.MOST_CHILD_SECONDS,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for this process, which waits
            )
        except subprocess.TimeoutExpired:
            raise _refused(file, _TOO_LONG) from None
        if done.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
            raise _refused(file, _TOO_LONG)
        answer.seek(0)
        found = _read(answer)
        if found is None:
            raise _refused(file, f"ends the process that reads it (exit {done.returncode})")
    return _result(found, file)


def _refused(file: object, fault: str) -> SourceError:
    return SourceError(
        f"{file} {fault}: it is damaged, or more than is worked on. Export it again, or smaller.",
        kind="too-costly",
    )


def _result(found: dict[str, Any], file: object) -> Any:
    match found:
        case {"result": result}:
            return result
        case {"memory": True}:
            raise _refused(file, f"needs more than {limits.MOST_CHILD_BYTES >> 30} GiB")
        case {"missing": package}:
            raise ModuleNotFoundError(f"No module named {package!r}", name=str(package))
        case {"value_error": sentence}:
            raise ValueError(sentence)
        case {"error": name, "sentence": sentence, "kind": kind, "fields": fields}:
            own = getattr(errors, str(name), None)
            if isinstance(own, type) and issubclass(own, RegganError):
                raise own(str(sentence), kind=str(kind), **fields)
    raise RuntimeError(f"{file}: {found.get('bug', found)}")


def _read(stream: IO[bytes]) -> dict[str, Any] | None:
    """Return the answer of a child; None if it gave none that is whole."""

    def with_array(one: dict[str, Any]) -> Any:
        return np.lib.format.read_array(stream, allow_pickle=False) if _ARRAY in one else one

    try:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
        found = json.loads(stream.read(length), object_hook=with_array)
    except (ValueError, OSError):
        return None
    return found if isinstance(found, dict) else None


def _write(found: dict[str, Any], stream: IO[bytes]) -> None:
    """Write JSON, and behind it the arrays in the order in which they stand in it."""
    arrays: list[Any] = []

    def placed(value: Any) -> dict[str, None]:
        arrays.append(np.ascontiguousarray(value))
        return {_ARRAY: None}

    text = json.dumps(found, default=placed).encode()
    stream.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
    for array in arrays:
        np.lib.format.write_array(stream, array, allow_pickle=False)
    stream.flush()


def _function(named: str) -> Any:
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(module), name)


def _bound() -> None:
    with suppress(ImportError):  # on Windows
        import resource

        seconds, size = limits.MOST_CHILD_SECONDS, limits.MOST_CHILD_BYTES
        bounds = {"RLIMIT_AS": size, "RLIMIT_FSIZE": size, "RLIMIT_CPU": seconds}
        for name, most in {**bounds, "RLIMIT_CORE": 0}.items():
            with suppress(ValueError, OSError):  # it is lower already, or not known here
                resource.setrlimit(getattr(resource, name), (most, most))


def _answer(function: str, arguments: list[Any]) -> dict[str, Any]:
    try:
        return {"result": _function(function)(*arguments)}
    except RegganError as error:
        said = {"sentence": str(error), "kind": error.kind, "fields": dict(error.fields)}
        return {"error": type(error).__name__, **said}
    except MemoryError:
        return {"memory": True}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except ValueError as error:
        return {"value_error": str(error)}
    except Exception:  # noqa: BLE001 - a mistake of ours, which is shown as what it is
        return {"bug": traceback.format_exc()}


def _main() -> None:
    """Answer on the standard output of the start; what libraries print goes to standard error."""
    _bound()
    with os.fdopen(os.dup(1), "wb") as stream:
        os.dup2(2, 1)
        _write(_answer(sys.argv[1], json.load(sys.stdin)), stream)


if __name__ == "__main__":
    _main()
