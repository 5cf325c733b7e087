"""SHA-256 of settings and files, by which records tell whether an output still fits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.jobs.frame_record import sha256_of
from reggan_plugin.regular_file import is_regular


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object, whatever the order of its keys."""
    return sha256_of(json.dumps(document, sort_keys=True).encode())


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None if there is none, or no ordinary one, which its reader will tell."""
    try:
        status = path.stat()
        if not is_regular(path):
            return None
        return _digest(path, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _digest(path: Path, modified_ns: int, size: int) -> str:  # noqa: ARG001 - for the cache
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(value: Any) -> Any:
    """JSON for any value that settings hold; a file counts as its content."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    match value:
        case Path():
            return digest_of(value)
        case Enum():
            return value.value
        case np.ndarray():
            return value.tolist()
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case tuple() | list():
            return [plain(one) for one in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"settings hold a {type(value).__name__}, which has no fingerprint")
