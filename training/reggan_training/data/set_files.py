"""The files of a set: in a folder, or in one zip that is read without unpacking; of a new one, what
is finished, and what a rerun must agree with.
"""

import io
import json
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from reggan_plugin.errors import OutputExistsError, SourceError, UnreadableFrameError
from reggan_plugin.file_safety import TEMPORARY_SUFFIX, write_atomically
from reggan_plugin.frozen import frozen
from reggan_training.data.identity_and_split import Identity


@frozen(kw_only=False)
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


@frozen(kw_only=False)
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
                f"{self.place} holds no sound {name}. Pack the set again.", kind="set-to-make-again"
            ) from error


SetFiles = FolderFiles | ZipFiles
"""The files of a set; names are relative, with `/`."""


@frozen
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


SCHEMA = 1
IDENTITY_FILE = "identity.json"
MANIFEST_FILE = "manifest.json"


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Write a JSON file's content, equal for equal content."""
    return (json.dumps(content, indent=1) + "\n").encode()


class NewFolder:
    """A folder that appears under its name when all its files are written, or never."""

    def __init__(self, root: Path, name: str) -> None:
        """Begin an identity's folder beside the finished ones; its record is written last."""
        self._final = root / name
        self._temporary = root / f".{name}.{os.getpid()}-{secrets.token_hex(3)}{TEMPORARY_SUFFIX}"
        self._temporary.mkdir(parents=True)

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the folder; its own folders are made."""
        path = self._temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def finish(self, description: Mapping[str, Any]) -> None:
        """Write the description and put the folder in its place."""
        self.write(IDENTITY_FILE, json_bytes(description))
        if self._final.exists():  # half-made by something else
            shutil.rmtree(self._final)
        self._temporary.rename(self._final)

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self._temporary, ignore_errors=True)


def remove_unfinished(root: Path) -> None:
    """Remove what runs that were killed left behind."""
    for folder in [*root.glob(f".*{TEMPORARY_SUFFIX}"), *root.glob(f"*/.*{TEMPORARY_SUFFIX}")]:
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)


def is_finished(root: Path, name: str) -> bool:
    """Tell whether an identity needs no more rendering."""
    return (root / name / IDENTITY_FILE).is_file()


def write_manifest(root: Path, settings: Mapping[str, Any], software: Mapping[str, str]) -> None:
    """Rewrite the manifest, naming every identity that is finished."""
    content = {
        "schema": SCHEMA,
        "settings": settings,
        "software": software,
        "identities": sorted(path.parent.name for path in root.glob(f"*/{IDENTITY_FILE}")),
    }
    write_atomically(root / MANIFEST_FILE, json_bytes(content))


def check_resumable(root: Path, settings: Mapping[str, Any]) -> None:
    """Make sure that what is already in the folder was made with the same settings.

    Raises:
        OutputExistsError: the folder holds something else, or a set of other settings.
        UnreadableFrameError: the manifest there is damaged.
    """
    manifest = root / MANIFEST_FILE
    if not manifest.is_file():
        if root.is_dir() and any(not path.name.startswith(".") for path in root.iterdir()):
            raise OutputExistsError(
                f"{root} is not empty and holds no {MANIFEST_FILE}. Name a new or an empty folder.",
                kind="foreign-folder",
            )
        return
    try:
        before = json.loads(manifest.read_text())["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFrameError(
            f"{manifest} is damaged ({error}). Delete it if the identities beside it are yours, "
            "and run again with the same options."
        ) from error
    changed = [
        f"{name} {before.get(name)!r} (now {settings.get(name)!r})"
        for name in sorted({*before, *settings})
        if before.get(name) != settings.get(name)
    ]
    if changed:
        raise OutputExistsError(
            f"{root} was rendered with {', '.join(changed)}. Give the same options to go on, or "
            "name another folder.",
            kind="foreign-folder",
        )
