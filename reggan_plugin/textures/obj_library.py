"""The material libraries of an OBJ file, and the colour maps that they name."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from reggan_plugin.errors import MeshError
from reggan_plugin.limits import MOST_LIBRARIES, MOST_LIBRARY_BYTES
from reggan_plugin.textures.files_named_by_mesh import (
    file_of_name,
    read_file,
    refuse_many_files,
)

_LOG = logging.getLogger(__name__)


def maps_of_obj(path: Path) -> dict[str, Path]:
    """Return the colour map of each material, of those that are there."""
    found: dict[str, Path] = {}
    for library in _libraries(path):
        for material, file in _maps_in(path, library):
            if file.is_file():
                found.setdefault(material, file)
    return found


def files_of_obj(path: Path) -> list[Path]:
    """Return the libraries that an OBJ names, and the colour maps that these name."""
    libraries = _libraries(path)
    maps = [file for library in libraries for _, file in _maps_in(path, library)]
    return [*libraries, *dict.fromkeys(maps)]


def _maps_in(mesh: Path, library: Path) -> Iterator[tuple[str, Path]]:
    """Material and file of every colour map that a library names, and that may be read."""
    material, known = "", dict[str, list[Path]]()
    for line in _lines(library, MOST_LIBRARY_BYTES):
        key, _, value = line.strip().partition(" ")
        if key == "newmtl":
            material = value.strip()
        elif key.lower() == "map_kd" and value.split():
            name = value.split()[-1]
            if name not in known:
                refuse_many_files(mesh, len(known) + 1)
                known[name] = _named(mesh, name)
            yield from ((material, file) for file in known[name])


def _libraries(path: Path) -> list[Path]:
    words = (line.partition(" ") for line in _lines(path))
    names = dict.fromkeys(name.strip() for key, _, name in words if key == "mtllib")
    if len(names) > MOST_LIBRARIES:
        raise MeshError(
            f"{path} names {len(names):,} material libraries, of at most {MOST_LIBRARIES}. The "
            "file is broken; export it again."
        )
    return [file for name in names for file in _named(path, name)]


def _named(mesh: Path, name: str) -> list[Path]:
    """Return the file of a name; none where it does not count, as libraries of other machines
    have.
    """
    try:
        return [file_of_name(mesh, name)]
    except MeshError as error:
        _LOG.warning("%s", error)
        return []


def _lines(path: Path, most_bytes: int | None = None) -> list[str]:
    """Of a text file, or of its beginning; none if it cannot be read."""
    with suppress(MeshError):
        return read_file(path, most_bytes).decode("utf-8", "replace").splitlines()
    return []
