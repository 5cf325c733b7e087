"""The files that a mesh names: only those in its own folder are read.

A mesh may come from anybody, and what it names may end up in a file that is handed on. So a name
counts only where it is relative and leads, after all links, to an ordinary file inside the folder
of the mesh. This is the only place that decides it.
"""

import re
import urllib.parse
from pathlib import Path

from reggan_plugin.errors import MeshError
from reggan_plugin.file_safety import is_regular, read_regular
from reggan_plugin.limits import MOST_MESH_BYTES, MOST_NAMED_FILES, MOST_PATH_LETTERS

_SCHEME_OR_DRIVE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SHOWN = 80


def file_of_uri(mesh: Path, uri: str) -> Path:
    """Return the file that a URI of a mesh leads to; see `file_of_name`.

    Raises:
        MeshError: it does not count.
    """
    return file_of_name(mesh, urllib.parse.unquote(uri))


def place_of_uri(mesh: Path, uri: str) -> Path | None:
    """Return the file that a URI of a mesh leads to, wherever that is, to tell whether an output
    would replace it; None if there is none. It is never read.
    """
    path = mesh.parent / urllib.parse.unquote(uri).replace("\\", "/")
    try:
        return path if path.exists() else None
    except (OSError, ValueError):  # too long, a NUL
        return None


def file_of_name(mesh: Path, name: str) -> Path:
    """Return the file that a mesh names, in the folder of the mesh; it may be missing.

    Args:
        mesh: the file that the user gave.
        name: relative to the mesh.

    Raises:
        MeshError: the name is absolute, leads out of the folder, or to no ordinary file.
    """
    refuse_odd_name(mesh, name)
    path = mesh.parent / name.replace("\\", "/")
    refuse_outside(mesh, path, name)
    return path


def refuse_many_files(mesh: Path, count: int) -> None:
    """Refuse a mesh that names so many files that looking them up takes minutes.

    Raises:
        MeshError: it does.
    """
    if count > MOST_NAMED_FILES:
        raise MeshError(
            f"{mesh} names {count:,} files, of at most {MOST_NAMED_FILES:,}. The file is broken; "
            "export it again."
        )


def refuse_odd_name(mesh: Path, name: str) -> None:
    """Refuse a name that is no relative path.

    Raises:
        MeshError: it is absolute, empty, far too long, or begins with a scheme or drive.
    """
    if len(name) > MOST_PATH_LETTERS:
        raise _refused(mesh, name, "is longer than any path")
    relative = name.replace("\\", "/")
    if not relative or relative.startswith("/") or _SCHEME_OR_DRIVE.match(relative):
        raise _refused(mesh, name, "is no relative path")


def refuse_outside(mesh: Path, path: Path, name: str) -> None:
    """Refuse a path, named `name` in the mesh, that does not lie in the folder of the mesh.

    Raises:
        MeshError: it leads out of the folder, or to no ordinary file.
    """
    try:
        real = path.resolve()
        if not real.is_relative_to(mesh.parent.resolve()):
            raise _refused(mesh, name, "leads out of the folder of the mesh")
        if real.exists() and not is_regular(real):
            raise _refused(mesh, name, "is no ordinary file")
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, links in a circle
        raise _refused(mesh, name, "cannot be looked up") from error


def read_file(path: Path, first_bytes: int | None = None) -> bytes:
    """Return the content of a mesh, or of a file beside it that has been resolved.

    Raises:
        MeshError: it is not there, no ordinary file, too large, or may not be read.
    """
    try:
        return read_regular(path, MOST_MESH_BYTES, first_bytes=first_bytes)
    except OSError as error:
        raise MeshError(
            f"{path} cannot be read: {error.strerror}. Check the path and your rights to it."
        ) from error


def _refused(mesh: Path, name: str, fault: str) -> MeshError:
    return MeshError(
        f"{mesh} names the file {name[:_SHOWN]!r}, which {fault}. Put the file beside the mesh "
        "and let the mesh name it so.",
        kind="mesh-reference",
    )
