"""`python -m reggan_plugin` is the `reggan-plugin` command."""

import gc
import sys


def start() -> int:
    """Run the command line that started this process, and return its exit code.

    What modules make while they load lasts as long as the process. Searching it for garbage, then
    and once more at the end, takes a tenth of a second: `_loaded` turns the search on again.
    """
    gc.disable()
    from reggan_plugin.cli import main

    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(start())
