"""Damaged files: what libraries and our own reading of bytes raise, as one error.

Only calls into libraries and the reading of bytes stand under these; anything else that fails is
a mistake of ours, and comes out as what it is.
"""

import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reggan_plugin.errors import UnreadableFrameError

_at_work = threading.local()
_OF_LIBRARIES = (
    ArithmeticError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""Errors of imaging libraries, each of its own kind; -v shows the traceback."""
_OF_PYTHON = (LookupError, TypeError, UnicodeError, ZeroDivisionError, struct.error)
"""Errors whose words are Python's."""
_SAYS_NOTHING = re.compile(r"\w_\w|self\.|\w\(|\(\d+,")
"""Words that say nothing without the library's source: names in it, calls, shapes of arrays."""
_OF_BYTES = (ArithmeticError, LookupError, ValueError, struct.error)
"""Errors of finding other bytes than a format has."""


@contextmanager
def library_faults() -> Iterator[None]:
    """Let what a library raises over a file's content be a fault of that file.

    Raises:
        UnreadableFrameError: in its place; the sentence goes on behind the file's name.
    """
    try:
        yield
    except _OF_LIBRARIES as error:
        raise _damaged(error) from error


@contextmanager
def byte_faults() -> Iterator[None]:
    """Let bytes that are not what the format says they are be a fault of the file.

    Raises:
        UnreadableFrameError: as for `library_faults`.
    """
    try:
        yield
    except _OF_BYTES as error:
        raise _damaged(error) from error


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Let what is wrong with the content of a file begin with its path.

    Raises:
        UnreadableFrameError: the same, with the path; or the memory does not suffice.
    """
    outer = getattr(_at_work, "path", None)
    _at_work.path = path
    try:
        yield
    except UnreadableFrameError as error:
        raise error.after(f"{path} ") from error
    except MemoryError as error:
        raise UnreadableFrameError(
            f"{path} does not fit into the memory that is free. Close other programs, or divide it "
            "into tiles.",
            kind="picture-larger-than-memory",
        ) from error
    finally:
        _at_work.path = outer


def file_at_work() -> Path | None:
    """Return the file that this thread reads or writes: what a library warns of is about it."""
    path: Path | None = getattr(_at_work, "path", None)
    return path


def _damaged(error: BaseException) -> UnreadableFrameError:
    cause = str(error).strip()
    is_of_python = any(isinstance(one, _OF_PYTHON) for one in (error, error.__cause__))
    if " " not in cause or is_of_python or _SAYS_NOTHING.search(cause):
        cause = "its decoder can make no sense of it"  # -v shows the traceback
    return UnreadableFrameError(f"is damaged: {cause}. Render or copy it again.")
