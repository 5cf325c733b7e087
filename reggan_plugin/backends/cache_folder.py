"""The folder for what was built for this machine."""

import os
import stat
import sys
from pathlib import Path

from reggan_plugin.errors import UnsafeCacheError

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
