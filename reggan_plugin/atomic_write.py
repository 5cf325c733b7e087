"""Files that appear under their names at once and complete, or not at all."""

import errno
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reggan_plugin.errors import OutputError

TEMPORARY_SUFFIX = ".reggan-tmp"
_PREFIX_LENGTH = 13

_REMEDIES = {
    errno.ENOENT: "Create the folder, or name another output.",
    errno.ENOSPC: "Free some space, or name an output on another disk.",
    errno.EDQUOT: "Free some space, or name an output on another disk.",
    errno.EROFS: "Name an output on a disk that is not read-only.",
    errno.EACCES: "Give yourself the right to write there, or name another output.",
    errno.EPERM: "Give yourself the right to write there, or name another output.",
}


def write_atomically(
    path: Path, content: bytes | Iterable[bytes], modified_ns: int | None = None
) -> None:
    """Make `path` a file with this content, or these pieces of it, replacing what was there.

    It is written under a temporary name in the same folder and renamed; after a failure the
    temporary file is gone and what was at `path` before is still there. Its bytes are on the disk
    before it takes its name, so that a power cut leaves no empty file under it either.

    Args:
        path: the file.
        content: what is to be in it.
        modified_ns: when it is to say that it was changed, as far as its disk can hold that.

    Raises:
        OutputError: the folder is missing, read-only or full, or `path` is a folder.
    """
    temporary = path.with_name(_prefix_for(path.name) + os.urandom(6).hex() + TEMPORARY_SUFFIX)
    try:
        try:
            with temporary.open("wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            if modified_ns is not None:
                with suppress(OSError):  # some network folders keep their own time
                    os.utime(temporary, ns=(modified_ns, modified_ns))
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Name another output.")
        raise OutputError(f"{path} cannot be written: {error.strerror}. {remedy}") from error


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Delete what killed processes left of files with these names; other names may be in work."""
    prefixes = {_prefix_for(name) for name in names}
    with os.scandir(folder) as entries:
        temporary = [entry.name for entry in entries if entry.name.endswith(TEMPORARY_SUFFIX)]
    for name in temporary:
        if name[:_PREFIX_LENGTH] in prefixes:
            with suppress(OSError):  # on Windows, what another process holds open
                (folder / name).unlink()


def _prefix_for(name: str) -> str:
    """Return the same for every temporary file of a name, however long that is."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f".{digest}"[:_PREFIX_LENGTH]
