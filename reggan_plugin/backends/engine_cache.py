"""Engines built on this machine, by what they were built from; each is built once.

A lock file beside each engine keeps processes that want it at once from all building it. An engine
that is damaged, or whose side-car is not exactly what was asked for, is built again, never run. Nor
is one that another user could have written: folder and files must belong to this user or to root,
and nobody else may write to them. A folder that is made here is 0700.
"""

import contextlib
import glob
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from reggan_plugin.backends.cache_folder import (
    CACHE_VARIABLE,
    cache_folder,
    make_private,
    refuse_unsafe,
)
from reggan_plugin.backends.engine_file import EngineFile, read_engine, sidecar_of
from reggan_plugin.backends.engine_key import ENGINE_SUFFIX, EngineKey, serves
from reggan_plugin.errors import EngineError, OutputError, UnsafeCacheError

_log = logging.getLogger(__name__)


class EngineCache:
    """A folder of engines; by default `engines` in the user's cache folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "engines"

    def find(self, key: EngineKey, stem: str) -> EngineFile | None:
        """The engine for exactly this key; None if there is none that could be run."""
        return _read_usable(self.folder / key.file_name(stem), key)

    def find_serving(self, key: EngineKey, stem: str) -> EngineFile | None:
        """The engine for exactly this key, or else the newest that serves; None without one."""
        exact = self.find(key, stem)
        if exact is not None:
            return exact
        others = self.folder.glob(f"{glob.escape(stem)}-*{ENGINE_SUFFIX}")
        for path in sorted(others, key=_time_of, reverse=True):
            other = _read_usable(path)
            if other is not None and serves(other.key, key):
                return other
        return None

    def fetch(
        self,
        key: EngineKey,
        stem: str,
        build: Callable[[Path], EngineFile],
        *,
        refused: EngineFile | None = None,
    ) -> EngineFile:
        """Return the engine for this key, built by `build` if there is none.

        Args:
            key: what it must have been built from and for.
            stem: how its file's name begins.
            build: writes an engine where it is told.
            refused: one that TensorRT would not load: it does not count as one.

        Raises:
            OutputError: one must be built, and the folder cannot be written.
            UnsafeCacheError: one must be built, and others could write to the folder.
        """
        found = self._usable(key, stem, refused)
        if found is not None:
            return found
        path = self.folder / key.file_name(stem)
        with self._locked(path):
            # Another process may have built it while this one waited.
            return self._usable(key, stem, refused) or build(path)

    def timing_cache(self, tensorrt: str, compute_capability: str) -> Path:
        """File of TensorRT's kernel timings, for this version and kind of GPU."""
        return self.folder / f"timing-trt{tensorrt}-sm{compute_capability.replace('.', '')}.cache"

    def _usable(self, key: EngineKey, stem: str, refused: EngineFile | None) -> EngineFile | None:
        found = self.find(key, stem)
        if found and refused and found.plan_sha256 == refused.plan_sha256:
            return None
        return found

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Hold the lock of one engine; whoever can lock can also write, before any long work."""
        try:
            make_private(self.folder)
            lock = FileLock(path.with_name(f"{path.name}.lock"))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                _log.warning("Waiting for another process that builds %s.", path.name)
                lock.acquire()
        except (OSError, NotImplementedError) as error:  # the latter: no locks on this file system
            raise OutputError(
                f"The engine cache {self.folder} holds no engine for this model and GPU, and "
                f"cannot be written: {error}. Set {CACHE_VARIABLE} to a folder that you may write "
                "to, or have its owner build the engine.",
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
