"""TensorRT engines built on this machine, kept beside what they were built from.

Engines do not travel: model, TensorRT, system, GPU, precision and options must all match. One that
is damaged, or whose side-car is not what was asked for, is built again, never run. A plan is native
code. The side-car's hash finds damage and mix-ups; it is no signature, as whoever can write the
plan can write the side-car. So folder and files must belong to this user or to root, and nobody
else may write to them; a plan elsewhere is only run where the user names it and the device.
"""

import contextlib
import glob
import hashlib
import json
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reggan_plugin.backends.devices import ENGINE_SUFFIX, EngineOptions
from reggan_plugin.errors import EngineError, OutputError, UnsafeCacheError
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.frozen import frozen

CACHE_VARIABLE = "REGGAN_PLUGIN_CACHE"


def cache_folder() -> Path:
    """`$REGGAN_PLUGIN_CACHE`, or `reggan-plugin` in the user's own folder for caches.

    What is in it can be deleted at any time; it is built again.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData/Local") / "reggan-plugin/Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/reggan-plugin"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reggan-plugin"


def make_private(folder: Path) -> None:
    """Make a folder of the cache that only its owner can enter (0700), and check that it is so.

    What is compiled is native code, and whoever could write here would run theirs as us. An own
    folder that is open to others is closed. On Windows its place in the user's profile protects it.

    Raises:
        OSError: it cannot be made.
        UnsafeCacheError: as `refuse_unsafe`.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    if os.name == "posix":
        found = folder.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    refuse_unsafe(folder)


def refuse_unsafe(place: Path) -> None:
    """Refuse a folder or file of the cache whose content others could have written.

    It must belong to this user or to root, and nobody else may write to it. Windows is not asked.

    Raises:
        OSError: it is not there.
        UnsafeCacheError: it belongs to another user, or others can write to it.
    """
    if os.name != "posix":
        return
    found = place.stat()
    if found.st_uid not in (os.geteuid(), 0):
        reason = f"belongs to user {found.st_uid}"
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        reason = f"can be written by others (mode {stat.S_IMODE(found.st_mode):04o})"
    else:
        return
    raise UnsafeCacheError(
        f"{place} {reason}. What is compiled there is native code, which others could replace. "
        f"Delete it, or set {CACHE_VARIABLE} to a folder of your own."
    )


PORTABLE_GPU = "Ampere or newer"
_KIND, _SCHEMA = "tensorrt-engine", 1
_log = logging.getLogger(__name__)


@frozen
class EngineKey:
    """Everything that makes two engines different.

    Attributes:
        model_sha256: of the whole .onnx file.
        tensorrt: its full version.
        system: operating system and processor, such as `linux-x86_64`.
        gpu: its name, or PORTABLE_GPU.
        compute_capability: such as `9.0`; empty for a portable engine.
        precision: as the model's card says; the file's own types decide.
        options: what was chosen.
    """

    model_sha256: str
    tensorrt: str
    system: str
    gpu: str
    compute_capability: str
    precision: str
    options: EngineOptions

    def document(self) -> dict[str, Any]:
        """Return the key as the side-car holds it: JSON, with lists for tuples."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    def file_name(self, stem: str) -> str:
        """Return a name that says the main things and ends in a digest of all."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        generation = self.compute_capability.replace(".", "")
        target = f"sm{generation}" if generation else "portable"
        return f"{stem}-{self.precision}-{target}-trt{self.tensorrt}-{digest}{ENGINE_SUFFIX}"

    def is_served_by(self, other: Mapping[str, Any]) -> bool:
        """Tell whether an engine with another key's document runs this, if perhaps less fast.

        It may be portable and built for other batches, as long as they include the best one.
        """
        document = self.document()
        fixed = ("model_sha256", "tensorrt", "system", "precision")
        try:
            smallest, _, largest = other["options"]["batch"]
            same = all(other[field] == document[field] for field in fixed)
            is_for_this_gpu = other["gpu"] in (self.gpu, PORTABLE_GPU)
            return same and is_for_this_gpu and smallest <= self.options.batch[1] <= largest
        except (KeyError, TypeError, ValueError):  # not a key of this version
            return False


@frozen
class EngineFile:
    """An engine that was read and found whole.

    Attributes:
        path: where the plan is; its side-car is beside it.
        plan: what TensorRT loads.
        key: what it was built from and for, `EngineKey.document()`.
        metadata: the string pairs of the model file that it was built from.
    """

    path: Path
    plan: bytes
    key: Mapping[str, Any]
    metadata: Mapping[str, str]


def sidecar_of(plan: Path) -> Path:
    """Return the path of the JSON that belongs to a plan."""
    return plan.with_name(f"{plan.name}.json")


def write_engine(
    path: Path, plan: bytes, *, key: EngineKey, metadata: Mapping[str, str], driver: str
) -> EngineFile:
    """Write plan and side-car, each in one step; a reader of half a pair finds it damaged.

    Raises:
        OutputError: the folder is missing, read-only or full.
    """
    document = {
        "kind": _KIND,
        "schema": _SCHEMA,
        "key": key.document(),
        "plan_sha256": hashlib.sha256(plan).hexdigest(),
        "plan_bytes": len(plan),
        "driver": driver,
        "metadata": dict(metadata),
    }
    write_atomically(path, plan)
    write_atomically(sidecar_of(path), json.dumps(document, indent=2).encode())
    return EngineFile(path=path, plan=plan, key=key.document(), metadata=metadata)


def read_engine(path: Path, wanted: EngineKey | None = None) -> EngineFile:
    """Read an engine that must be whole and, if a key is given, built for exactly that.

    Raises:
        FileNotFoundError: the plan or its side-car is not there.
        EngineError: they do not belong together, are damaged, or are for something else.
    """
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
    key = document["key"]
    differences = ", ".join(
        f"{field} is {key.get(field)!r} instead of {value!r}"
        for field, value in (wanted.document() if wanted else {}).items()
        if key.get(field) != value
    )
    if differences:
        raise EngineError(f"{path} is for something else: its {differences}.")
    plan = path.read_bytes()
    digest = hashlib.sha256(plan).hexdigest()
    if digest != document["plan_sha256"]:
        raise EngineError(
            f"{path} holds {len(plan)} bytes with the hash {digest[:16]}…, its side-car says "
            f"{document['plan_bytes']} and {document['plan_sha256'][:16]}…: one of them is damaged."
        )
    return EngineFile(path=path, plan=plan, key=key, metadata=document["metadata"])


def find_engine(key: EngineKey, stem: str, *, exactly: bool = True) -> EngineFile | None:
    """Return the cached engine for a key, or None.

    Args:
        key: what it must have been built from and for.
        stem: how its file's name begins.
        exactly: take no other; else the newest that serves is the second choice.
    """
    folder = cache_folder() / "engines"
    found = _read_usable(folder / key.file_name(stem), key)
    if found or exactly:
        return found
    others = folder.glob(f"{glob.escape(stem)}-*{ENGINE_SUFFIX}")
    for path in sorted(others, key=_time_of, reverse=True):
        other = _read_usable(path)
        if other is not None and key.is_served_by(other.key):
            return other
    return None


def fetch_engine(
    key: EngineKey,
    stem: str,
    build: Callable[[Path], EngineFile],
    *,
    refused: EngineFile | None = None,
) -> EngineFile:
    """Return the cached engine for exactly this key, built if there is none.

    Args:
        key: what it must have been built from and for.
        stem: how its file's name begins.
        build: writes an engine where it is told.
        refused: one that TensorRT would not load: it does not count as one.

    Raises:
        OutputError: one must be built, and the folder cannot be written.
        UnsafeCacheError: one must be built, and others could write to the folder.
    """

    def find() -> EngineFile | None:
        found = find_engine(key, stem)
        return None if found and refused and found.plan == refused.plan else found

    path = cache_folder() / "engines" / key.file_name(stem)
    found = find()
    if found is not None:
        return found
    with _locked(path):  # another process may have built it while this one waited
        return find() or build(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of one engine; whoever can lock can also write, before any long work."""
    from filelock import FileLock, Timeout  # comes with the extra [tensorrt]

    try:
        make_private(path.parent)
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _log.warning("Waiting for another process that builds %s.", path.name)
            lock.acquire()
    except (OSError, NotImplementedError) as error:  # the latter: no locks on this file system
        raise OutputError(
            f"The engine cache {path.parent} holds no engine for this model and GPU, and cannot be "
            f"written: {error}. Set {CACHE_VARIABLE} to a folder that you may write to, or have "
            "its owner build the engine.",
            kind="engine-to-build",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _read_usable(path: Path, key: EngineKey | None = None) -> EngineFile | None:
    try:
        for place in (path.parent, path, sidecar_of(path)):
            refuse_unsafe(place)
        return read_engine(path, key)
    except FileNotFoundError:
        return None
    except (EngineError, OSError, UnsafeCacheError) as error:
        _log.warning("An engine in the cache is not used: %s", error)
        return None


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # somebody has deleted it meanwhile
        return 0.0
