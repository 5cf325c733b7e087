"""Default names of results: `shot_happy/` beside `shot/`, `frame_happy.png` beside `frame.png`."""

from pathlib import Path

from reggan_plugin.files.sequence import name_before_number, name_of_source

PLACEHOLDER = "{expression}"
"""Stands in the name of an output for the expression."""


def named(pattern: Path, label: str) -> Path:
    """Return a path with the expression in its place."""
    return Path(str(pattern).replace(PLACEHOLDER, label))


def default_output_folder(source: str, label: str) -> Path:
    """Return the default folder for results: `<name>_<label>` beside the folder or files of
    `source`.
    """
    path = Path(source)
    named_by_folder = path.is_dir() or (not path.is_file() and not name_before_number(path))
    if named_by_folder:
        folder = path if path.is_dir() else path.parent
        parent = folder.parent if folder.name not in ("", "..") else folder.resolve().parent
    else:
        parent = path.parent
    return parent / f"{name_of_source(path)}_{label}"


def default_output_file(path: Path, label: str) -> Path:
    """Return the default file for the result of a picture or a video: `<name>_<label>.<ending>`."""
    return path.with_name(f"{path.stem}_{label}{path.suffix}")
