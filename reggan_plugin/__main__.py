"""`python -m reggan_plugin` is the `reggan-plugin` command."""

import ctypes
import gc
import sys

_MMAP_MAX, _TRIM_THRESHOLD, _ARENA_MAX = -4, -1, -8
"""Names of glibc's settings (malloc.h)."""


def keep_freed_memory() -> None:
    """Let this process use freed memory again, instead of handing it back to the system.

    glibc takes each plane of a large picture from the system and gives it back; the system clears
    its pages, 2 to 3 us each, which was a fifth of the time of a 4K frame. Other C libraries keep
    memory by themselves.
    """
    settle = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if settle is not None:
        settle(_MMAP_MAX, 0)  # none of a block of its own
        settle(_TRIM_THRESHOLD, (1 << 31) - 1)
        settle(_ARENA_MAX, 1)  # else each thread has memory that others cannot use


def start() -> int:
    """Run the command line that started this process, and return its exit code.

    What modules make while they load lasts as long as the process. Searching it for garbage, then
    and once more at the end, takes a tenth of a second: `cli.py` turns the search on again.
    """
    gc.disable()
    keep_freed_memory()
    from reggan_plugin.cli import main

    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(start())
