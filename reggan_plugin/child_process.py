"""Runs functions in a child process with bounds on its memory and time, for foreign parsers.

A file that crashes its parser, or that takes all memory or time, costs that process, and becomes
one sentence. What comes back is JSON and plain arrays: nothing is unpickled, so that a parser that
was taken over decides numbers and text alone. On Linux and macOS memory and processor time are
bounded and no large file is written, on Windows the time is. Without a Python to start (inside some
programs) the function runs here.
"""

import atexit
import functools
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from reggan_plugin import errors, limits
from reggan_plugin.errors import RegganError, SourceError

HERE = False
"""True runs everything in this process; fuzz tests set it, which try thousands of files."""
_START = (
    "import sys,json;sys.path[:]=json.loads(sys.argv[1]);"
    "import reggan_plugin.child_process as child;child.main()"
)
"""What a child begins with: the folders of this process's modules, as programs may set them."""
_ARRAY = "\0array"
_PLAIN_KINDS = "biuf"
"""Kinds of numbers that arrays come back with."""
_LENGTH_BYTES, _PIPE_BYTES = 8, 2**20
_MOST_FILE_BYTES = 2**26
"""Of what a child writes: compiled modules of Python."""
_LATENESS_OF_WRITERS = 10
"""For an encoder with the largest frames on a machine with other work."""
_bounds: dict[str, int] = {}
"""Of this process, if it is a child."""
_talks: weakref.WeakSet[Generator[Any, Any, None]] = weakref.WeakSet()
"""Those that may be left open until Python ends, and takes away what ends a child."""


def run_apart(
    function: str, *arguments: Any, file: object, most_bytes: int = limits.MOST_CHILD_BYTES
) -> Any:
    """Call `function`, named `module:name`, in a child; returns what it returns.

    Args:
        function: takes and returns what JSON holds; it may return arrays within, too.
        arguments: for it.
        file: what it reads; messages begin with it.
        most_bytes: of memory.

    Raises:
        RegganError, ValueError: as the function.
        SourceError: it took too long or too much memory, or its process died.
    """
    if _is_here():
        return _function(function)(*arguments)
    with closing(_answers(function, arguments, file, {"memory": most_bytes})) as answers:
        return next(answers)


def talk_apart(
    function: str, *arguments: Any, file: object, is_writer: bool = False
) -> Generator[Any, Any, None]:
    """Run a generator in a child; takes what it yields, and gives it what is sent, as it would.

    Time is bounded from one value to the next. The child ends with the generator that is returned.

    Args:
        function: makes the generator; the rest as of `run_apart`.
        arguments: for it.
        file: what it reads.
        is_writer: it writes files, of any size, and a step may take ten times as long by the
            clock, whatever it takes of processors.

    Raises:
        RegganError, ValueError, SourceError: as `run_apart`.
    """
    if _is_here():
        running: Generator[Any, Any, None] = _function(function)(*arguments)
        return running
    bounds = {"memory": limits.MOST_CHILD_BYTES, "is_writer": int(is_writer)}
    talk = _answers(function, arguments, file, bounds)
    _talks.add(talk)
    return talk


@atexit.register
def _end_talks() -> None:
    for talk in list(_talks):
        with suppress(ValueError):  # another thread is in it
            talk.close()


def allow_bytes(count: int) -> None:
    """Let this child take more memory than usual, once it is known what for."""
    if count > _bounds.get("memory", count):
        _bounds["memory"] = count
        _bound()


def _is_here() -> bool:
    """Tell whether no child is wanted or can be had: `sys.executable` may be another program."""
    return HERE or "py" not in Path(sys.executable or "").stem.lower()


def _answers(
    function: str, message: Any, file: object, bounds: dict[str, int]
) -> Generator[Any, Any, None]:
    folders = json.dumps([path for path in sys.path if path])
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, folders, function, json.dumps(bounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "4",
        },
        pipesize=_PIPE_BYTES,
        start_new_session=True,  # Ctrl-C is for this process, which waits
    )
    assert process.stdin is not None and process.stdout is not None, "they are pipes"  # noqa: PT018
    late, most_seconds = threading.Event(), 2 * limits.MOST_CHILD_SECONDS
    if bounds.get("is_writer"):
        most_seconds *= _LATENESS_OF_WRITERS

    def end() -> None:
        late.set()
        process.kill()

    try:
        while True:
            timer = threading.Timer(most_seconds, end)
            timer.daemon = True
            timer.start()
            with suppress(BrokenPipeError):
                _write({"asked": message}, process.stdin)
            found = _read(process.stdout)
            timer.cancel()
            if found is None:
                code = process.wait()
                if late.is_set() or code == -getattr(signal, "SIGXCPU", 0) != 0:
                    raise _refused(file, f"takes longer than {limits.MOST_CHILD_SECONDS} s to read")
                raise _refused(file, f"ends the process that reads it (exit {code})")
            if "end" in found:
                return
            message = yield _result(found, file)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(OSError):  # which says again that nobody reads it
            process.stdin.close()


def _refused(file: object, fault: str) -> SourceError:
    return SourceError(
        f"{file} {fault}: it is damaged, or more than is worked on. Export it again, or smaller.",
        kind="too-costly",
    )


def _result(found: dict[str, Any], file: object) -> Any:
    match found:
        case {"result": result}:
            return result
        case {"memory": most}:
            raise _refused(file, f"needs more than {int(most) >> 30} GiB")
        case {"missing": package}:
            raise ModuleNotFoundError(f"No module named {package!r}", name=str(package))
        case {"value_error": sentence}:
            raise ValueError(sentence)
        case {"error": name, "sentence": sentence, "kind": kind, "fields": fields}:
            own = getattr(errors, str(name), None)
            if isinstance(own, type) and issubclass(own, RegganError):
                raise own(str(sentence), kind=str(kind), **fields)
    raise RuntimeError(f"{file}: {found.get('bug', found)}")


def _read(stream: IO[bytes]) -> Any:
    """Return what the other process says; None if it said nothing that is whole."""

    def with_array(one: dict[str, Any]) -> Any:
        if _ARRAY not in one:
            return one
        kind, shape = np.dtype(str(one[_ARRAY][0])), tuple(map(int, one[_ARRAY][1]))
        if kind.kind not in _PLAIN_KINDS or min(shape, default=0) < 0:
            raise ValueError(f"an array of {kind}")
        if math.prod(shape) * kind.itemsize > limits.MOST_CHILD_BYTES:
            raise ValueError("an array that no child can hold")
        array = np.empty(shape, kind)
        flat = array.reshape(-1).view(np.uint8)
        if flat.size and stream.readinto(flat.data) != flat.size:  # type: ignore[attr-defined]
            raise ValueError("an array that breaks off")
        return array

    try:
        length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
        if length > limits.MOST_CHILD_BYTES:
            return None
        return json.loads(stream.read(length), object_hook=with_array)
    except (ValueError, TypeError, IndexError, OSError):
        return None


def _write(message: Any, stream: IO[bytes]) -> None:
    """Write JSON, and behind it the arrays in the order in which they stand in it."""
    arrays: list[Any] = []

    def placed(value: Any) -> dict[str, Any]:
        arrays.append(np.ascontiguousarray(value))
        return {_ARRAY: [arrays[-1].dtype.str, arrays[-1].shape]}

    text = json.dumps(message, default=placed).encode()
    stream.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
    for array in arrays:
        stream.write(array.reshape(-1).view(np.uint8).data)
    stream.flush()


def _function(named: str) -> Any:
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(module), name)


def _bound() -> None:
    """Bound memory, and the time until the next answer."""
    with suppress(ImportError):  # on Windows
        import resource

        most = {"RLIMIT_AS": _bounds["memory"], "RLIMIT_CORE": 0}
        if not _bounds.get("is_writer"):
            used = resource.getrusage(resource.RUSAGE_SELF)
            spent = math.ceil(used.ru_utime + used.ru_stime)
            most |= {
                "RLIMIT_CPU": spent + limits.MOST_CHILD_SECONDS,
                "RLIMIT_FSIZE": _MOST_FILE_BYTES,
            }
        for name, value in most.items():
            number = getattr(resource, name)
            with suppress(ValueError, OSError):  # it is lower already, or not known here
                resource.setrlimit(number, (value, resource.getrlimit(number)[1]))


def _answer(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"result": call()}
    except StopIteration:
        return {"end": True}
    except RegganError as error:
        said = {"sentence": str(error), "kind": error.kind, "fields": dict(error.fields)}
        return {"error": type(error).__name__, **said}
    except MemoryError:
        return {"memory": _bounds["memory"]}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except ValueError as error:
        return {"value_error": str(error)}
    except Exception:  # noqa: BLE001 - a mistake of ours, which is shown as what it is
        return {"bug": traceback.format_exc()}


def main() -> None:
    """Answer on the standard output of the start; what libraries print goes nowhere."""
    _, _, function, bounds = sys.argv
    _bounds.update(json.loads(bounds))
    running: list[Generator[Any, Any, None]] = []

    def begin(arguments: list[Any]) -> Any:
        result = _function(function)(*arguments)
        if not isinstance(result, Generator):
            return result
        running.append(result)
        return next(result)

    with os.fdopen(os.dup(1), "wb") as stream:
        os.dup2(2, 1)
        call: Callable[[Any], Any] = begin
        while message := _read(sys.stdin.buffer):
            _bound()
            _write(_answer(functools.partial(call, message["asked"])), stream)
            if not running:
                break
            call = running[0].send
