"""No command writes over a file that it reads, or over one that is there already."""

import os
from collections.abc import Iterable
from pathlib import Path

from reggan_plugin.errors import OutputExistsError, UsageError
from reggan_plugin.regular_file import status_of

FileIdentity = tuple[int, int] | str
"""Device and inode; the resolved path on file systems that have no inodes."""


def identity_of(path: Path) -> FileIdentity | None:
    """Return the same for every name and link of a file; None if there is none.

    A frame in a video is the video.
    """
    try:
        status = status_of(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse an output that is one of the inputs.

    Inputs are looked up only where outputs exist, so that a new folder costs nothing.

    Raises:
        UsageError: an output is an input, by its own name or through a link.
    """
    there = {identity: path for path in outputs if (identity := identity_of(path)) is not None}
    for path in inputs if there else ():
        identity = identity_of(path)
        if identity is not None and identity in there:
            output = there[identity]
            also = "" if output == path else f" (as {path})"
            raise UsageError(
                f"{output} is an input{also}, which is never overwritten. Name another output."
            )


def refuse_existing(outputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse an output that is there, unless it may be replaced.

    Raises:
        OutputExistsError: it is, and may not.
    """
    there = None if overwrite else next((path for path in outputs if path.exists()), None)
    if there is not None:
        raise OutputExistsError(f"{there} exists.")
