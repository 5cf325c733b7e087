"""Files that are read whole: ordinary ones, of a size that somebody has thought of."""

import errno
import os
import stat
from pathlib import Path

_MIB = 2**20


def is_regular(path: Path) -> bool:
    """Tell whether it is an ordinary file, and no device, pipe or folder, after all links.

    Raises:
        OSError: there is none.
    """
    return stat.S_ISREG(path.stat().st_mode)


def status_of(path: Path) -> os.stat_result:
    """Size and times of a file; of a frame in a video, those of the video.

    Raises:
        OSError: there is none.
    """
    return (path.parent if path.parent.is_file() else path).stat()


def read_regular(path: Path, most_bytes: int, *, first_bytes: int | None = None) -> bytes:
    """Return the content of an ordinary file, or so many bytes from its beginning.

    Devices and pipes are refused before they are opened: some have no end, others never answer.

    Args:
        path: the file.
        most_bytes: a file that holds more is refused.
        first_bytes: how much of it to read; None is all.

    Raises:
        OSError: it cannot be read, is no ordinary file or too large; `strerror` says which.
    """
    if not is_regular(path):
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    size = path.stat().st_size
    if size > most_bytes:
        found, most = size / _MIB, most_bytes / _MIB
        raise OSError(errno.EFBIG, f"it has {found:,.0f} MiB, of at most {most:,.0f}", str(path))
    with path.open("rb") as file:
        return file.read() if first_bytes is None else file.read(min(size, first_bytes))
