"""The image formats that are read and written: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
"""

import importlib
import pkgutil
from functools import cache
from pathlib import PurePath

from reggan_plugin.files.image_format import HEAD_BYTES, ImageFormat


@cache
def image_formats() -> tuple[ImageFormat, ...]:
    """All formats, by the name of their module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return tuple(importlib.import_module(module).FORMAT for module in modules)


def format_of(content: bytes) -> ImageFormat | None:
    """The format that a file's first bytes say it has; None for others."""
    head = content[:HEAD_BYTES]
    return next((one for one in image_formats() if one.recognises(head)), None)


def format_named(name: str) -> ImageFormat | None:
    """The format that a file's name says it has; None for others."""
    suffix = PurePath(name).suffix.lower()
    return next((one for one in image_formats() if suffix in one.suffixes), None)


def frame_suffixes() -> tuple[str, ...]:
    """Suffixes of a frame's name, in lower case."""
    return tuple(sorted(suffix for one in image_formats() for suffix in one.suffixes))
