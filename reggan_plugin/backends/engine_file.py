"""A built engine on disk: the plan, and beside it what it was built from, as JSON.

A plan holds native code. The side-car's hash finds damage and mix-ups; it is no signature, as
whoever can write the plan can write the side-car. So the cache is a folder of the user's alone
(`cache_folder.py`), and a plan elsewhere is only run where the user names it and the device.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reggan_plugin.atomic_write import write_atomically
from reggan_plugin.backends.engine_key import EngineKey, key_differences
from reggan_plugin.errors import EngineError

_KIND, _SCHEMA = "tensorrt-engine", 1


@dataclass(frozen=True, kw_only=True)
class EngineFile:
    """An engine that was read and found whole."""

    path: Path
    plan: bytes
    plan_sha256: str
    key: Mapping[str, Any]
    """Source and target of the build: `EngineKey.document()`."""
    metadata: Mapping[str, str]
    """The string pairs of the model file that it was built from."""


def sidecar_of(plan: Path) -> Path:
    """Path of the JSON that belongs to this plan."""
    return plan.with_name(f"{plan.name}.json")


def write_engine(
    path: Path, plan: bytes, *, key: EngineKey, metadata: Mapping[str, str], driver: str
) -> EngineFile:
    """Write plan and side-car, each in one step; a reader of half a pair finds it damaged.

    Raises:
        OutputError: the folder is missing, read-only or full.
    """
    digest = hashlib.sha256(plan).hexdigest()
    key_document = key.document()
    document = {
        "kind": _KIND,
        "schema": _SCHEMA,
        "key": key_document,
        "plan_sha256": digest,
        "plan_bytes": len(plan),
        "driver": driver,
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "metadata": dict(metadata),
    }
    write_atomically(path, plan)
    write_atomically(sidecar_of(path), json.dumps(document, indent=2).encode())
    return EngineFile(path=path, plan=plan, plan_sha256=digest, key=key_document, metadata=metadata)


def read_engine(path: Path, wanted: EngineKey | None = None) -> EngineFile:
    """Read an engine that must be whole and, if a key is given, built for exactly that.

    Raises:
        FileNotFoundError: the plan or its side-car is not there.
        EngineError: they do not belong together, are damaged, or are for something else.
    """
    document = _read_sidecar(path)
    if wanted is not None:
        differences = key_differences(document["key"], wanted)
        if differences:
            raise EngineError(f"{path} is for something else: its {differences}.")
    plan = path.read_bytes()
    digest = hashlib.sha256(plan).hexdigest()
    if digest != document["plan_sha256"]:
        raise EngineError(
            f"{path} holds {len(plan)} bytes with the hash {digest[:16]}…, its side-car says "
            f"{document['plan_bytes']} and {document['plan_sha256'][:16]}…: one of them is damaged."
        )
    return EngineFile(
        path=path,
        plan=plan,
        plan_sha256=digest,
        key=document["key"],
        metadata=document["metadata"],
    )


def move_engine(source: Path, target: Path) -> None:
    """Give an engine and its side-car another name on the same disk, replacing what is there."""
    source.replace(target)
    sidecar_of(source).replace(sidecar_of(target))


def remove_engine(path: Path) -> None:
    """Delete an engine and its side-car."""
    path.unlink(missing_ok=True)
    sidecar_of(path).unlink(missing_ok=True)


def _read_sidecar(path: Path) -> dict[str, Any]:
    sidecar = sidecar_of(path)
    try:
        document = json.loads(sidecar.read_bytes())
        sound = (document["kind"], document["schema"]) == (_KIND, _SCHEMA)
        kinds = {"key": dict, "metadata": dict, "plan_sha256": str, "plan_bytes": int}
        sound = sound and all(isinstance(document[name], kind) for name, kind in kinds.items())
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise EngineError(f"{sidecar} is not the side-car of an engine of this version.")
    return dict(document)
