"""The image formats that are read and written: one module each, found by looking.

To add one, add a module with a `FORMAT`. Libraries are imported when a file comes up, not here.
Other packages add theirs by an entry point of the group `reggan_plugin.image_formats`.
"""

import importlib
import pkgutil
from dataclasses import replace
from functools import cache
from pathlib import PurePath
from typing import Any

import numpy as np

from reggan_plugin.array_types import Pixels, Plane
from reggan_plugin.entry_points import attached, attached_faults, expect_type, load_attached
from reggan_plugin.errors import RegganError, UnreadableFrameError
from reggan_plugin.files.image_format import (
    HEAD_BYTES,
    Frame,
    ImageFormat,
    StoredImage,
    Wanted,
    WritesAlpha,
)


@cache
def image_formats() -> tuple[ImageFormat, ...]:
    """Return this package's formats, by the name of their module."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return tuple(importlib.import_module(module).FORMAT for module in modules)


def format_of(content: bytes) -> ImageFormat | None:
    """Return the format that a file's first bytes say it has; None for others."""
    head = content[:HEAD_BYTES]
    own = next((one for one in image_formats() if one.recognises(head)), None)
    if own is not None:
        return own
    faults = []
    for name in attached("image_formats"):
        try:
            found = _attached_format(name)
            if found.recognises(head):
                return found
        except RegganError as fault:  # of one package; the file may be another's
            faults.append(fault)
    if faults:
        raise faults[0]
    return None


def format_named(name: str) -> ImageFormat | None:
    """Return the format that a file's name says it has; None for others."""
    suffix = PurePath(name).suffix.lower()
    own = next((one for one in image_formats() if suffix in one.suffixes), None)
    is_attached = own is None and suffix[1:] in attached("image_formats")
    return _attached_format(suffix[1:]) if is_attached else own


def can_read(path: PurePath) -> bool:
    """Tell whether the name ends like that of a frame."""
    suffix = path.suffix.lower()
    return suffix in _own_suffixes() or suffix[1:] in attached("image_formats")


def frame_suffixes() -> tuple[str, ...]:
    """Return the suffixes of a frame's name, in lower case."""
    return tuple(sorted({*_own_suffixes(), *(f".{name}" for name in attached("image_formats"))}))


@cache
def _own_suffixes() -> frozenset[str]:
    return frozenset(suffix for one in image_formats() for suffix in one.suffixes)


@cache
def _attached_format(name: str) -> ImageFormat:
    """Return the format of another package, whose answers are checked."""
    with attached_faults("image_formats", name):
        found = expect_type(load_attached("image_formats", name), ImageFormat)
        expect_type(found.name, str)
        for suffix in expect_type(found.suffixes, tuple):
            expect_type(suffix, str)

    def recognises(head: bytes) -> bool:
        with attached_faults("image_formats", name):
            return bool(found.recognises(head))

    def decode(content: bytes, wanted: Wanted) -> Frame:
        with attached_faults(
            "image_formats", name, unread="is not read: ", error_type=UnreadableFrameError
        ):
            return _checked(found.decode(content, wanted), name)

    def stamp(content: bytes, text: str) -> bytes:
        with attached_faults("image_formats", name):
            stamped = expect_type(found.stamp(content, text), bytes)
            if not found.recognises(stamped[:HEAD_BYTES]):
                raise ValueError(f"its stamp leaves {stamped[:8]!r}, which it does not recognise")
            return stamped

    return replace(found, recognises=recognises, decode=decode, stamp=stamp)


def _checked(answer: object, name: str) -> Frame:
    """Return the frame that another package's format decoded, if it is one."""
    frame = expect_type(answer, Frame)
    pixels = expect_type(frame.pixels, np.ndarray)
    if pixels.dtype != np.float32 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"its pixels are {pixels.dtype} {pixels.shape}, not float32 of 3 channels")
    if frame.alpha is not None:
        alpha = expect_type(frame.alpha, np.ndarray)
        if alpha.dtype != np.float32 or alpha.shape != pixels.shape[:2]:
            raise ValueError(f"its alpha is {alpha.dtype} {alpha.shape}, not float32 of its size")
    stored: object = frame.original
    if not isinstance(stored, StoredImage):
        raise TypeError("the original of its frame has no encode()")
    if type(stored).__module__.startswith("reggan_plugin."):
        return frame
    kind = _AttachedAlpha if isinstance(stored, WritesAlpha) else _AttachedImage
    return replace(frame, original=kind(stored, name))


class _AttachedImage:
    """A stored image of another package."""

    def __init__(self, stored: Any, name: str) -> None:
        self._stored, self._name = stored, name

    def encode(self, before: Pixels, after: Pixels) -> bytes:
        """Return the file with other pixels, as its package makes it."""
        with attached_faults("image_formats", self._name):
            return expect_type(self._stored.encode(before, after), bytes)


class _AttachedAlpha(_AttachedImage):
    """One that writes alpha anew, too."""

    def encode_alpha(self, before: Plane, after: Plane) -> bytes:
        """Return the file with another alpha, as its package makes it."""
        with attached_faults("image_formats", self._name):
            return expect_type(self._stored.encode_alpha(before, after), bytes)
