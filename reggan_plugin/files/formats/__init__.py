"""The image formats that are read and written: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
Other packages add theirs by an entry point of the group `reggan_plugin.image_formats`.
"""

import importlib
import pkgutil
from functools import cache
from pathlib import PurePath

from reggan_plugin.attached import attached, load_attached
from reggan_plugin.files.image_format import HEAD_BYTES, ImageFormat


@cache
def image_formats() -> tuple[ImageFormat, ...]:
    """Return this package's formats, by the name of their module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return tuple(importlib.import_module(module).FORMAT for module in modules)


def format_of(content: bytes) -> ImageFormat | None:
    """Return the format that a file's first bytes say it has; None for others."""
    head = content[:HEAD_BYTES]
    own = next((one for one in image_formats() if one.recognises(head)), None)
    return own or next((one for one in _attached_formats() if one.recognises(head)), None)


def format_named(name: str) -> ImageFormat | None:
    """Return the format that a file's name says it has; None for others."""
    suffix = PurePath(name).suffix.lower()
    own = next((one for one in image_formats() if suffix in one.suffixes), None)
    if own is None and is_frame_suffix(suffix):
        found: ImageFormat = load_attached("image_formats", suffix[1:])
        return found
    return own


def is_frame_suffix(suffix: str) -> bool:
    """Tell whether a frame's name may end so; in lower case."""
    return suffix in _own_suffixes() or suffix[1:] in attached("image_formats")


def frame_suffixes() -> tuple[str, ...]:
    """Return the suffixes of a frame's name, in lower case."""
    return tuple(sorted({*_own_suffixes(), *(f".{name}" for name in attached("image_formats"))}))


@cache
def _own_suffixes() -> frozenset[str]:
    return frozenset(suffix for one in image_formats() for suffix in one.suffixes)


@cache
def _attached_formats() -> tuple[ImageFormat, ...]:
    return tuple(load_attached("image_formats", name) for name in attached("image_formats"))
