"""`python -m reggan_plugin` is the `reggan-plugin` command."""

import gc
import sys

_LARGEST_KEPT_BLOCK = 31 << 20
"""Bytes; glibc adapts to less than 32 MiB."""


def start() -> int:
    """Run the command line that started this process, and return its exit code.

    What modules make while they load lasts as long as the process. Searching it for garbage, then
    and once more at the end, takes a tenth of a second: `cli.py` turns the search on again.
    glibc hands a freed plane of a picture back to the system, which has to clear other pages for
    the next one, unless it has seen a larger block freed before (mallopt(3), M_MMAP_THRESHOLD).
    """
    gc.disable()
    bytes(_LARGEST_KEPT_BLOCK)  # taken and freed, never touched
    from reggan_plugin.cli import main

    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(start())
