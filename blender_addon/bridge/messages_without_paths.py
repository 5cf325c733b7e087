"""Messages without the paths of work folders, which say nothing to an artist."""

from collections.abc import Iterable
from pathlib import Path


def with_names_for_paths(message: str, folders: Iterable[Path]) -> str:
    """Return a message in which files of work folders stand by their names alone.

    Such files are called after the object or image that they hold.

    Args:
        message: of the runtime.
        folders: of jobs.
    """
    for folder in folders:
        if str(folder) not in message:
            continue
        files = sorted(folder.rglob("*"), key=lambda path: -len(str(path)))
        for path in files:
            message = message.replace(str(path), path.stem)
        message = message.replace(f"{folder}/", "").replace(f"{folder}\\", "")
    return message
