"""The image formats that are read and written: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
"""

import importlib
import pkgutil
from functools import cache

from reggan_plugin.files.image_format import ImageFormat


@cache
def image_formats() -> tuple[ImageFormat, ...]:
    """All formats, by the name of their module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return tuple(importlib.import_module(module).FORMAT for module in modules)


def format_of(content: bytes) -> ImageFormat | None:
    """The format that a file's first bytes say it has; None for others."""
    return next((one for one in image_formats() if content.startswith(one.signatures)), None)


def frame_suffixes() -> tuple[str, ...]:
    """What a frame's name may end in, in lower case."""
    return tuple(sorted(suffix for one in image_formats() for suffix in one.suffixes))
