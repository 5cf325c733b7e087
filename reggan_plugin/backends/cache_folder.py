"""Where what was built for this machine is kept."""

import os
import sys
from pathlib import Path

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
