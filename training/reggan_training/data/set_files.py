"""The files of a set: in a folder, or in one zip that is read without unpacking."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from reggan_plugin.errors import SourceError
from reggan_training.data.identity import Identity


@runtime_checkable
class SetFiles(Protocol):
    """The files of a set; names are relative, with `/`."""

    @property
    def place(self) -> Path:
        """The folder or zip."""

    def has(self, name: str) -> bool:
        """Tell whether a file of this name is there."""

    def read(self, name: str) -> bytes:
        """Read a file's content; raises SourceError if it is missing."""


@dataclass(frozen=True)
class FolderFiles:
    """Files in a folder."""

    place: Path

    def has(self, name: str) -> bool:
        """Tell whether a file of this name is there."""
        return (self.place / name).is_file()

    def read(self, name: str) -> bytes:
        """Read a file's content.

        Raises:
            SourceError: it is missing or cannot be read.
        """
        try:
            return (self.place / name).read_bytes()
        except FileNotFoundError as error:
            raise SourceError(
                f"{self.place / name} is missing. Complete the set, or take the identity out of it."
            ) from error
        except OSError as error:
            raise SourceError(
                f"{self.place / name} cannot be read: {error.strerror}. Copy it again."
            ) from error


@dataclass(frozen=True)
class ZipFiles:
    """Files in a zip."""

    place: Path

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.place)
        except (OSError, zipfile.BadZipFile) as error:
            raise SourceError(
                f"{self.place} cannot be read as a packed set: {error}. Pack it again.",
                kind="set-to-make-again",
            ) from error

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._zip.namelist())

    def has(self, name: str) -> bool:
        """Tell whether a file of this name is there."""
        return name in self._names

    def read(self, name: str) -> bytes:
        """Read a file's content.

        Raises:
            SourceError: it is missing or damaged.
        """
        try:
            return self._zip.read(name)
        except (KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(
                f"{self.place} holds no sound {name}. Pack the set again.",
                kind="set-to-make-again",
            ) from error


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An identity that a set lists, and how to read it.

    `load` gives None, after a notice, for an identity in which too few faces are found.
    """

    name: str
    style: str
    place: Path
    load: Callable[[], Identity | None]
    files: SetFiles | None = None
    """Path of its `identity.json`, in rendered and packed sets."""


def read_image(files: SetFiles, name: str) -> UInt8[np.ndarray, "height width 3"]:
    """Read a picture as sRGB.

    Raises:
        SourceError: it is missing, damaged or no picture.
    """
    content = files.read(name)
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise SourceError(
            f"{files.place / name} is damaged or not a picture: {error}. Copy or render it again."
        ) from error


def read_json(files: SetFiles, name: str) -> Any:
    """Read the value that a JSON file holds.

    Raises:
        SourceError: it is missing or not JSON.
    """
    try:
        return json.loads(files.read(name))
    except ValueError as error:
        raise SourceError(
            f"{files.place / name} is not JSON: {error}. Copy it again, or make it anew."
        ) from error
