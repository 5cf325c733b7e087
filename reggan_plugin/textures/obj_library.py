"""The material libraries of an OBJ file, and the colour maps that they name."""

from collections.abc import Iterator
from pathlib import Path


def image_of_material(path: Path, material: str) -> Path | None:
    """The colour map of a material; None for a mesh that is no OBJ, or where there is none."""
    if path.suffix.lower() != ".obj":
        return None
    for library in _libraries(path):
        for name, file in _maps_in(library, path.parent):
            if name == material:
                return file if file.is_file() else None
    return None


def files_of_obj(path: Path) -> list[Path]:
    """The libraries that an OBJ names, and the colour maps that these name."""
    libraries = _libraries(path)
    maps = [file for library in libraries for _, file in _maps_in(library, path.parent)]
    return [*libraries, *maps]


def _maps_in(library: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Material and file of every colour map that a library names."""
    material = ""
    for line in _lines(library):
        key, _, value = line.strip().partition(" ")
        if key == "newmtl":
            material = value.strip()
        elif key.lower() == "map_kd" and value.split():
            yield material, folder / value.split()[-1].replace("\\", "/")


def _libraries(path: Path) -> list[Path]:
    named = (line.partition(" ") for line in _lines(path))
    return [path.parent / name.strip() for key, _, name in named if key == "mtllib"]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
