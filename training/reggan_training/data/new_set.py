"""Files of a rendered set: its layout, what is finished, and what a rerun must agree with."""

import io
import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from reggan_plugin.disk import TEMPORARY_SUFFIX, write_atomically
from reggan_plugin.errors import OutputExistsError, UnreadableFrameError

SCHEMA = 1
IDENTITY_FILE = "identity.json"
MANIFEST_FILE = "manifest.json"
_JPEG_QUALITY = 95


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Write a JSON file's content, equal for equal content."""
    return (json.dumps(content, indent=1) + "\n").encode()


def jpeg_bytes(picture: Float[np.ndarray, "height width 3"]) -> bytes:
    """Encode an sRGB-encoded picture (0..1) as JPEG of quality 95 with full colour resolution."""
    buffer = io.BytesIO()
    levels = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


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
    changed = _differences(before, settings)
    if changed:
        raise OutputExistsError(
            f"{root} was rendered with {', '.join(changed)}. Give the same options to go on, or "
            "name another folder.",
            kind="foreign-folder",
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"{name} {before.get(name)!r} (now {now.get(name)!r})"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
